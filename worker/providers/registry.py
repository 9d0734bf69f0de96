"""The registry: how to build what the catalogue (`domain/providers/model.py`) names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
from livekit.agents import llm, stt, tts, vad

from domain.providers.model import ProviderKind
from domain.workflows.agents import ProviderChoice
from worker.common.usage_meter import MetricsListener
from worker.providers.api_keys import ProviderKeys, ProviderMisconfigured
from worker.providers.failover import AvailabilityListener, Cooldowns, FailoverPolicy
from worker.providers.google import google_llm
from worker.providers.llm_fallback import LlmFallback
from worker.providers.local.stt import local_stt
from worker.providers.local.tts import local_tts
from worker.providers.openai import openai_llm
from worker.providers.scripted import ScriptedLLM
from worker.providers.stt import deepgram_stt, sarvam_stt
from worker.providers.stt_fallback import SttFallback
from worker.providers.tts import cartesia_tts, sarvam_tts
from worker.providers.tts_fallback import TtsFallback
from worker.providers.vad import silero_vad

ContextReader = Callable[[], Mapping[str, Any]]
"""The context as the active node sees it."""


LLM_FACTORIES: Mapping[
    str, Callable[[ProviderChoice, ProviderKeys, ContextReader], llm.LLM[Any]]
] = {
    "scripted": lambda choice, _, look: ScriptedLLM(choice.options, look),
    "openai": lambda choice, keys, _: openai_llm(choice, keys),
    "google": lambda choice, keys, _: google_llm(choice, keys),
}


SttFactory = Callable[
    [ProviderChoice, ProviderKeys, tuple[str, ...], tuple[str, ...], aiohttp.ClientSession],
    stt.STT[Any],
]
TtsFactory = Callable[
    [ProviderChoice, ProviderKeys, str | None, str | None, aiohttp.ClientSession], tts.TTS[Any]
]
STT_FACTORIES: Mapping[str, SttFactory] = {
    "deepgram": deepgram_stt,
    "sarvam": sarvam_stt,
    "local": lambda choice, *_: local_stt(choice),
}
TTS_FACTORIES: Mapping[str, TtsFactory] = {
    "cartesia": cartesia_tts,
    "sarvam": sarvam_tts,
    "local": lambda choice, keys, language, voice, _: local_tts(choice, keys, language, voice),
}
VAD_FACTORIES: Mapping[str, Callable[[ProviderChoice], vad.VAD]] = {"silero": silero_vad}

ProviderT = TypeVar("ProviderT", llm.LLM[Any], stt.STT[Any], tts.TTS[Any])


@dataclass(frozen=True, slots=True)
class SpeechBuildContext:
    """What providers of speech are built with, for one call."""

    keys: ProviderKeys
    http: aiohttp.ClientSession
    on_availability_changed: AvailabilityListener
    on_metrics: MetricsListener
    cooldowns: Cooldowns


def build_llm(
    choice: ProviderChoice,
    keys: ProviderKeys,
    read_context: ContextReader,
    on_availability_changed: AvailabilityListener,
    on_metrics: MetricsListener,
) -> llm.LLM[Any]:
    """The model, with its fallbacks behind it. `Unusable` when none of them can be used."""
    built = _build_usable(
        choice,
        lambda each: LLM_FACTORIES[each.provider](each, keys, read_context),
        on_availability_changed,
    )
    _listen_for_metrics(ProviderKind.LLM, built, on_metrics)
    return LlmFallback(FailoverPolicy(built, on_availability_changed))


def build_stt(
    choice: ProviderChoice,
    context: SpeechBuildContext,
    languages: tuple[str, ...],
    keyterms: tuple[str, ...],
) -> SttFallback:
    """The ears, with their fallbacks behind them. `Unusable` when none of them can be used."""

    def build(each: ProviderChoice) -> stt.STT[Any]:
        return STT_FACTORIES[each.provider](each, context.keys, languages, keyterms, context.http)

    built = _build_usable(choice, build, context.on_availability_changed)
    _listen_for_metrics(ProviderKind.STT, built, context.on_metrics)
    return SttFallback(FailoverPolicy(built, context.on_availability_changed, context.cooldowns))


def build_tts(
    choice: ProviderChoice, context: SpeechBuildContext, language: str | None, voice: str | None
) -> TtsFallback:
    """The voice, with its fallbacks behind it. `Unusable` when none of them can be used."""

    def build(each: ProviderChoice) -> tts.TTS[Any]:
        # The voice is one of the first provider: what others call theirs is not known.
        own = voice if each.provider == choice.provider else None
        made = TTS_FACTORIES[each.provider](each, context.keys, language, own, context.http)
        # One that takes only whole texts is given sentences.
        return made if made.capabilities.streaming else tts.StreamAdapter(tts=made)

    built = _build_usable(choice, build, context.on_availability_changed)
    _listen_for_metrics(ProviderKind.TTS, built, context.on_metrics)
    return TtsFallback(FailoverPolicy(built, context.on_availability_changed, context.cooldowns))


def build_vad(choice: ProviderChoice) -> vad.VAD:
    return VAD_FACTORIES[choice.provider](choice)


def _listen_for_metrics(
    kind: ProviderKind, built: Mapping[ProviderT, ProviderChoice], on_metrics: MetricsListener
) -> None:
    """Each model is listened to by itself: a chain does not say which one was asked."""
    for model, choice in built.items():
        model.on("metrics_collected", partial(on_metrics, kind, choice))


def _build_usable(
    choice: ProviderChoice,
    build: Callable[[ProviderChoice], ProviderT],
    on_availability_changed: AvailabilityListener,
) -> dict[ProviderT, ProviderChoice]:
    """Those of the chain that can be used, in order."""
    built: dict[ProviderT, ProviderChoice] = {}
    problems: list[tuple[ProviderChoice, ProviderMisconfigured]] = []
    for each in choice.chain:
        try:
            built[build(each)] = each
        except ProviderMisconfigured as problem:
            problems.append((each, problem))
        except ValueError as problem:  # what plugins say of options that do not fit the model
            problems.append(
                (each, ProviderMisconfigured(f"{each.provider} {each.model}: {problem}"))
            )
    if not built:
        raise problems[0][1]
    for each, _ in problems:
        on_availability_changed(each, False)
    return built
