"""Text to speech: Cartesia and Sarvam through their plugins."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts
from livekit.plugins import cartesia, sarvam

from domain.agents import ProviderChoice
from worker.providers.keys import ProviderKeys, needed


def cartesia_tts(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, voice: str | None
) -> tts.TTS[Any]:
    given: dict[str, Any] = dict(choice.options)
    if voice:
        given["voice"] = voice
    if keys.cartesia_base_url:
        given["base_url"] = keys.cartesia_base_url.rstrip("/")
    if language:
        given["language"] = language.split("-")[0]
    return cartesia.TTS(model=choice.model, api_key=needed(keys.cartesia, "cartesia"), **given)


def sarvam_tts(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, voice: str | None
) -> tts.TTS[Any]:
    given: dict[str, Any] = dict(choice.options)
    if voice:
        given["speaker"] = voice
    if language:
        given["target_language_code"] = language
    if keys.sarvam_base_url:
        base = keys.sarvam_base_url.rstrip("/")
        given["base_url"] = f"{base}/text-to-speech"
        given["ws_url"] = f"{base.replace('http', 'ws', 1)}/text-to-speech/ws"
    key = needed(keys.sarvam, "sarvam")
    # Its default is mp3, which would have to be decoded.
    return sarvam.TTS(model=choice.model, api_key=key, output_audio_codec="linear16", **given)
