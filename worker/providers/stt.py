"""STT: Deepgram and Sarvam through their plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import aiohttp
from livekit.agents import stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.plugins import deepgram, sarvam
from livekit.plugins.deepgram.models import DeepgramLanguages
from livekit.plugins.sarvam.stt import SAARAS_V3_LANGUAGES, SpeechStream

from domain.common.languages import MULTILINGUAL, primary_subtag
from domain.providers.catalog import AUTO_DETECTED_LANGUAGES
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice
from worker.providers.account_sessions import create_session_for

SAMPLE_RATE = 16_000
DEEPGRAM_LANGUAGES = frozenset(get_args(DeepgramLanguages))
UNKNOWN_LANGUAGE = "unknown"
"""Sarvam's language code for automatic detection."""


def deepgram_stt(
    choice: ProviderChoice,
    keys: ProviderKeys,
    languages: tuple[str, ...],
    keyterms: tuple[str, ...],
    http: aiohttp.ClientSession,
) -> stt.STT[Any]:
    """`languages`: the languages to expect, the most likely one first."""
    options = dict(choice.options)
    fixed = tuple(filter(None, [options.pop("language", None)]))
    account = keys.account(choice)
    kwargs: dict[str, Any] = {
        "api_key": account.key,
        "sample_rate": SAMPLE_RATE,
        "http_session": http,
    }
    if choice.model.startswith("flux"):
        if account.base_url:
            kwargs["base_url"] = f"{_websocket_url(account.base_url)}/v2/listen"
        if keyterms:
            kwargs["keyterm"] = list(keyterms)
        if choice.model.endswith("-multi") and (expected := fixed or languages):
            kwargs["language_hint"] = list(dict.fromkeys(primary_subtag(each) for each in expected))
        return deepgram.STTv2(
            model=choice.model, **kwargs, **_select_options(options, FLUX_OPTIONS)
        )
    if account.base_url:
        kwargs["base_url"] = f"{account.base_url.rstrip('/')}/v1/listen"
    if keyterms and choice.model.startswith("nova-3"):  # other models reject them
        kwargs["keyterm"] = list(keyterms)
    if language := next(iter(fixed), None) or _deepgram_language(choice.model, languages):
        kwargs["language"] = language
    return deepgram.STT(model=choice.model, **kwargs, **_select_options(options, NOVA_OPTIONS))


NOVA_OPTIONS = ("smart_format", "numerals", "profanity_filter", "endpointing_ms")
FLUX_OPTIONS = (
    *("numerals", "profanity_filter", "eager_eot_threshold", "eot_threshold", "eot_timeout_ms"),
)


def _select_options(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in names}


def _deepgram_language(model: str, languages: tuple[str, ...]) -> str | None:
    families = {primary_subtag(each) for each in languages}
    if (
        len(families) > 1
        and families <= set(AUTO_DETECTED_LANGUAGES)
        and model.startswith("nova-3")
    ):
        return MULTILINGUAL
    first = languages[0] if languages else None
    return first if first is None or first in DEEPGRAM_LANGUAGES else primary_subtag(first)


class _SarvamSTT(sarvam.STT):
    """Streams to the URL in its options, for which the plugin has no argument."""

    create_session: Callable[[], aiohttp.ClientSession]

    def stream(self, **kwargs: Any) -> SpeechStream:
        stream = SpeechStream(
            stt=self,
            opts=replace(self._opts),
            conn_options=kwargs.get("conn_options", DEFAULT_API_CONNECT_OPTIONS),
            api_key=self._opts.api_key,
            http_session=self.create_session(),  # the stream closes it
        )
        self._streams.add(stream)
        return stream


def sarvam_stt(
    choice: ProviderChoice,
    keys: ProviderKeys,
    languages: tuple[str, ...],
    keyterms: tuple[str, ...],
    http: aiohttp.ClientSession,
) -> stt.STT[Any]:
    options = dict(choice.options)
    language = options.pop("language", None) or _sarvam_language(languages)
    account = keys.account(choice)
    provider = _SarvamSTT(
        model=choice.model,
        api_key=account.key,
        language=language,
        sample_rate=SAMPLE_RATE,
        http_session=http,
        **options,
    )
    provider.create_session = partial(create_session_for, account)
    if account.base_url:
        provider._opts.streaming_url = f"{_websocket_url(account.base_url)}/speech-to-text/ws"
    return provider


def _sarvam_language(languages: tuple[str, ...]) -> str:
    if len({primary_subtag(each) for each in languages}) != 1:
        return UNKNOWN_LANGUAGE
    indian = f"{primary_subtag(languages[0])}-IN"
    return indian if indian in SAARAS_V3_LANGUAGES else UNKNOWN_LANGUAGE


def _websocket_url(url: str) -> str:
    return url.rstrip("/").replace("http", "ws", 1)
