"""TTS: Cartesia and Sarvam through their plugins."""

from __future__ import annotations

from typing import Any, get_args

import aiohttp
from livekit.agents import tts
from livekit.plugins import cartesia, sarvam
from livekit.plugins.sarvam.models import SarvamTTSLanguages

from domain.common.languages import primary_subtag
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice

SARVAM_LANGUAGES = frozenset(get_args(SarvamTTSLanguages))


def cartesia_tts(
    choice: ProviderChoice,
    keys: ProviderKeys,
    language: str | None,
    voice: str | None,
    http: aiohttp.ClientSession,
    sample_rate: int | None = None,
) -> tts.TTS[Any]:
    kwargs: dict[str, Any] = dict(choice.options)
    if sample_rate is not None:
        kwargs["sample_rate"] = sample_rate
    if voice:
        kwargs["voice"] = voice
    account = keys.account(choice)
    if account.base_url:
        kwargs["base_url"] = account.base_url.rstrip("/")
    if language:
        kwargs["language"] = primary_subtag(language)
    return cartesia.TTS(model=choice.model, api_key=account.key, http_session=http, **kwargs)


def sarvam_tts(
    choice: ProviderChoice,
    keys: ProviderKeys,
    language: str | None,
    voice: str | None,
    http: aiohttp.ClientSession,
    sample_rate: int | None = None,
) -> tts.TTS[Any]:
    kwargs: dict[str, Any] = dict(choice.options)
    if sample_rate is not None:
        kwargs["speech_sample_rate"] = sample_rate
    if voice:
        kwargs["speaker"] = voice
    if language:
        indian = f"{primary_subtag(language)}-IN"
        kwargs["target_language_code"] = indian if indian in SARVAM_LANGUAGES else language
    account = keys.account(choice)
    if account.base_url:
        url = account.base_url.rstrip("/")
        kwargs["base_url"] = f"{url}/text-to-speech"
        kwargs["ws_url"] = f"{url.replace('http', 'ws', 1)}/text-to-speech/ws"
    return sarvam.TTS(
        model=choice.model,
        api_key=account.key,
        output_audio_codec="linear16",  # the default, MP3, would have to be decoded
        http_session=http,
        **kwargs,
    )
