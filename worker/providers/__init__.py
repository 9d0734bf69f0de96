"""The registry: how to build what the catalogue (`domain/providers.py`) names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from livekit.agents import llm, stt, tts, vad

from domain.agents import ProviderChoice
from worker.providers.chain import ATTEMPT_SECONDS, Chain, Changed
from worker.providers.google import google_llm
from worker.providers.hearing import deepgram_stt, sarvam_stt, silero_vad
from worker.providers.keys import MissingKey, ProviderKeys
from worker.providers.local_hearing import local_stt
from worker.providers.local_speaking import local_tts
from worker.providers.openai import openai_llm
from worker.providers.scripted import ScriptedLLM
from worker.providers.speaking import cartesia_tts, sarvam_tts

Look = Callable[[], Mapping[str, Any]]
"""The context as the active node sees it."""


LLMS: Mapping[str, Callable[[ProviderChoice, ProviderKeys, Look], llm.LLM[Any]]] = {
    "scripted": lambda choice, _, look: ScriptedLLM(choice.options, look),
    "openai": lambda choice, keys, _: openai_llm(choice, keys),
    "google": lambda choice, keys, _: google_llm(choice, keys),
}


Hear = Callable[[ProviderChoice, ProviderKeys, str | None, tuple[str, ...]], stt.STT[Any]]
Speak = Callable[[ProviderChoice, ProviderKeys, str | None, str | None], tts.TTS[Any]]
STTS: Mapping[str, Hear] = {
    "deepgram": deepgram_stt,
    "sarvam": sarvam_stt,
    "local": local_stt,
}
TTSS: Mapping[str, Speak] = {
    "cartesia": cartesia_tts,
    "sarvam": sarvam_tts,
    "local": local_tts,
}
VADS: Mapping[str, Callable[[ProviderChoice], vad.VAD]] = {"silero": silero_vad}

Built = TypeVar("Built")


def build_llm(
    choice: ProviderChoice, keys: ProviderKeys, look: Look, changed: Changed
) -> llm.LLM[Any]:
    """The model, with its fallbacks behind it. `MissingKey` when none of them can be used."""
    built = _usable(choice, lambda each: LLMS[each.provider](each, keys, look), changed)
    return next(iter(built)) if len(built) == 1 else Chain(built, changed)


def build_stt(
    choice: ProviderChoice,
    keys: ProviderKeys,
    language: str | None,
    keyterms: tuple[str, ...],
    changed: Changed,
) -> stt.STT[Any]:
    """The ears, with their fallbacks behind them. `MissingKey` when none of them can be used."""
    built = _usable(choice, lambda c: STTS[c.provider](c, keys, language, keyterms), changed)
    if len(built) == 1:
        return next(iter(built))
    chain = stt.FallbackAdapter(list(built), attempt_timeout=ATTEMPT_SECONDS, max_retry_per_stt=0)
    chain.on("stt_availability_changed", lambda e: changed(built[e.stt], e.available))
    return chain


def build_tts(
    choice: ProviderChoice,
    keys: ProviderKeys,
    language: str | None,
    voice: str | None,
    changed: Changed,
) -> tts.TTS[Any]:
    """The voice, with its fallbacks behind it. `MissingKey` when none of them can be used."""
    built = _usable(choice, lambda c: TTSS[c.provider](c, keys, language, voice), changed)
    if len(built) == 1:
        return next(iter(built))
    chain = tts.FallbackAdapter(list(built), max_retry_per_tts=0)
    chain.on("tts_availability_changed", lambda e: changed(built[e.tts], e.available))
    return chain


def build_vad(choice: ProviderChoice) -> vad.VAD:
    return VADS[choice.provider](choice)


def _usable(
    choice: ProviderChoice, build: Callable[[ProviderChoice], Built], changed: Changed
) -> dict[Built, ProviderChoice]:
    """Those of the chain that there is a key for, in order."""
    built: dict[Built, ProviderChoice] = {}
    missing: list[tuple[ProviderChoice, MissingKey]] = []
    for each in choice.chain:
        try:
            built[build(each)] = each
        except MissingKey as problem:
            missing.append((each, problem))
    if not built:
        raise missing[0][1]
    for each, _ in missing:
        changed(each, False)
    return built
