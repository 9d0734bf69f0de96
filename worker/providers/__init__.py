"""The registry: how to build what the catalogue (`domain/providers.py`) names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
from livekit.agents import llm, stt, tts, vad

from domain.agents import ProviderChoice
from domain.providers import ProviderKind
from worker.meter import Measured
from worker.providers.activity import silero_vad
from worker.providers.chain import Chain
from worker.providers.ears import Ears
from worker.providers.google import google_llm
from worker.providers.hearing import deepgram_stt, sarvam_stt
from worker.providers.keys import ProviderKeys, Unusable
from worker.providers.local_hearing import local_stt
from worker.providers.local_speaking import local_tts
from worker.providers.openai import openai_llm
from worker.providers.order import Changed, Order, Rests
from worker.providers.scripted import ScriptedLLM
from worker.providers.speaking import cartesia_tts, sarvam_tts
from worker.providers.voices import Voices

Look = Callable[[], Mapping[str, Any]]
"""The context as the active node sees it."""


LLMS: Mapping[str, Callable[[ProviderChoice, ProviderKeys, Look], llm.LLM[Any]]] = {
    "scripted": lambda choice, _, look: ScriptedLLM(choice.options, look),
    "openai": lambda choice, keys, _: openai_llm(choice, keys),
    "google": lambda choice, keys, _: google_llm(choice, keys),
}


Hear = Callable[
    [ProviderChoice, ProviderKeys, tuple[str, ...], tuple[str, ...], aiohttp.ClientSession],
    stt.STT[Any],
]
Speak = Callable[
    [ProviderChoice, ProviderKeys, str | None, str | None, aiohttp.ClientSession], tts.TTS[Any]
]
STTS: Mapping[str, Hear] = {
    "deepgram": deepgram_stt,
    "sarvam": sarvam_stt,
    "local": lambda choice, *_: local_stt(choice),
}
TTSS: Mapping[str, Speak] = {
    "cartesia": cartesia_tts,
    "sarvam": sarvam_tts,
    "local": lambda choice, keys, language, voice, _: local_tts(choice, keys, language, voice),
}
VADS: Mapping[str, Callable[[ProviderChoice], vad.VAD]] = {"silero": silero_vad}

Built = TypeVar("Built", llm.LLM[Any], stt.STT[Any], tts.TTS[Any])


@dataclass(frozen=True, slots=True)
class Means:
    """What providers of speech are built with, for one call."""

    keys: ProviderKeys
    http: aiohttp.ClientSession
    changed: Changed
    measured: Measured
    rests: Rests
    timeout_seconds: float
    """Of a provider that fails silently."""


def build_llm(
    choice: ProviderChoice,
    keys: ProviderKeys,
    look: Look,
    changed: Changed,
    measured: Measured,
) -> llm.LLM[Any]:
    """The model, with its fallbacks behind it. `Unusable` when none of them can be used."""
    built = _usable(choice, lambda each: LLMS[each.provider](each, keys, look), changed)
    _meter(ProviderKind.LLM, built, measured)
    return Chain(Order(built, changed))


def build_stt(
    choice: ProviderChoice, means: Means, languages: tuple[str, ...], keyterms: tuple[str, ...]
) -> Ears:
    """The ears, with their fallbacks behind them. `Unusable` when none of them can be used."""

    def build(each: ProviderChoice) -> stt.STT[Any]:
        return STTS[each.provider](each, means.keys, languages, keyterms, means.http)

    built = _usable(choice, build, means.changed)
    _meter(ProviderKind.STT, built, means.measured)
    return Ears(Order(built, means.changed, means.rests), means.timeout_seconds)


def build_tts(
    choice: ProviderChoice, means: Means, language: str | None, voice: str | None
) -> Voices:
    """The voice, with its fallbacks behind it. `Unusable` when none of them can be used."""

    def build(each: ProviderChoice) -> tts.TTS[Any]:
        # The voice is one of the first provider: what others call theirs is not known.
        own = voice if each.provider == choice.provider else None
        made = TTSS[each.provider](each, means.keys, language, own, means.http)
        # One that takes only whole texts is given sentences.
        return made if made.capabilities.streaming else tts.StreamAdapter(tts=made)

    built = _usable(choice, build, means.changed)
    _meter(ProviderKind.TTS, built, means.measured)
    return Voices(Order(built, means.changed, means.rests), means.timeout_seconds)


def build_vad(choice: ProviderChoice) -> vad.VAD:
    return VADS[choice.provider](choice)


def _meter(kind: ProviderKind, built: Mapping[Built, ProviderChoice], measured: Measured) -> None:
    """Each model is listened to by itself: a chain does not say which one was asked."""
    for model, choice in built.items():
        model.on("metrics_collected", partial(measured, kind, choice))


def _usable(
    choice: ProviderChoice, build: Callable[[ProviderChoice], Built], changed: Changed
) -> dict[Built, ProviderChoice]:
    """Those of the chain that can be used, in order."""
    built: dict[Built, ProviderChoice] = {}
    problems: list[tuple[ProviderChoice, Unusable]] = []
    for each in choice.chain:
        try:
            built[build(each)] = each
        except Unusable as problem:
            problems.append((each, problem))
        except ValueError as problem:  # what plugins say of options that do not fit the model
            problems.append((each, Unusable(f"{each.provider} {each.model}: {problem}")))
    if not built:
        raise problems[0][1]
    for each, _ in problems:
        changed(each, False)
    return built
