"""Speech to text: Deepgram and Sarvam through their plugins."""

from __future__ import annotations

from typing import Any

from livekit.agents import inference, stt, vad
from livekit.plugins import deepgram, sarvam

from domain.agents import ProviderChoice
from worker.providers.keys import ProviderKeys, needed

SAMPLE_RATE = 16_000


def deepgram_stt(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, keyterms: tuple[str, ...]
) -> stt.STT[Any]:
    key = needed(keys.deepgram, "deepgram")
    spoken = choice.options.get("language") or language
    given: dict[str, Any] = {"api_key": key, "sample_rate": SAMPLE_RATE}
    if keyterms:
        given["keyterms"] = list(keyterms)
    if choice.model.startswith("flux"):
        if keys.deepgram_base_url:
            given["base_url"] = f"{_socket(keys.deepgram_base_url)}/v2/listen"
        return deepgram.STTv2(model=choice.model, **given)
    if keys.deepgram_base_url:
        given["base_url"] = f"{keys.deepgram_base_url.rstrip('/')}/v1/listen"
    if spoken:
        given["language"] = spoken
    for name in ("smart_format", "numerals", "profanity_filter", "endpointing_ms"):
        if name in choice.options:
            given[name] = choice.options[name]
    return deepgram.STT(model=choice.model, **given)


def sarvam_stt(
    choice: ProviderChoice, keys: ProviderKeys, language: str | None, keyterms: tuple[str, ...]
) -> stt.STT[Any]:
    given: dict[str, Any] = {
        "language": choice.options.get("language") or language or "unknown",
        "mode": choice.options.get("mode", "transcribe"),
        "sample_rate": SAMPLE_RATE,
    }
    made = sarvam.STT(model=choice.model, api_key=needed(keys.sarvam, "sarvam"), **given)
    if keys.sarvam_base_url:
        # The plugin has no argument for where it streams to.
        made._opts.streaming_url = f"{_socket(keys.sarvam_base_url)}/speech-to-text/ws"
    return made


def silero_vad(choice: ProviderChoice) -> vad.VAD:
    return inference.VAD(**choice.options)


def _socket(url: str) -> str:
    return url.rstrip("/").replace("http", "ws", 1)
