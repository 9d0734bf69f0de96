"""The factories of all providers that the catalog (`domain/providers/catalog.py`) lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import aiohttp
from livekit.agents import llm, stt, tts, vad

from domain.providers.catalog import find_provider
from domain.providers.model import ProviderKind
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.workflows.agents import ProviderChoice
from worker.common.usage_meter import MetricsListener
from worker.providers.account_sessions import AccountSessions
from worker.providers.failover import AvailabilityListener, Cooldowns, FailoverPolicy
from worker.providers.google import google_llm
from worker.providers.llm_fallback import LlmFallback
from worker.providers.local.stt import local_stt
from worker.providers.local.tts import local_tts
from worker.providers.openai import openai_llm
from worker.providers.scripted import ScriptedLLM
from worker.providers.stt import deepgram_stt, sarvam_stt
from worker.providers.stt_fallback import SttFallback, TranscriptFilter
from worker.providers.tts import cartesia_tts, sarvam_tts
from worker.providers.tts_fallback import TtsFallback
from worker.providers.vad import silero_onnx_vad, silero_vad

ContextReader = Callable[[], Mapping[str, Any]]
"""Returns the context that the active node sees."""

LLM_FACTORIES: Mapping[
    str, Callable[[ProviderChoice, ProviderKeys, ContextReader], llm.LLM[Any]]
] = {
    "scripted": lambda choice, _, read_context: ScriptedLLM(choice.options, read_context),
    "openai": lambda choice, keys, _: openai_llm(choice, keys),
    "google": lambda choice, keys, _: google_llm(choice, keys),
}


SttFactory = Callable[
    [ProviderChoice, ProviderKeys, tuple[str, ...], tuple[str, ...], aiohttp.ClientSession],
    stt.STT[Any],
]


class TtsFactory(Protocol):
    """`sample_rate`: of the audio, in Hz; None for the default of the provider."""

    def __call__(
        self,
        choice: ProviderChoice,
        keys: ProviderKeys,
        language: str | None,
        voice: str | None,
        http: aiohttp.ClientSession,
        sample_rate: int | None = None,
        /,
    ) -> tts.TTS[Any]: ...


STT_FACTORIES: Mapping[str, SttFactory] = {
    "deepgram": deepgram_stt,
    "sarvam": sarvam_stt,
    "local": lambda choice, *_: local_stt(choice),
}
TTS_FACTORIES: Mapping[str, TtsFactory] = {
    "cartesia": cartesia_tts,
    "sarvam": sarvam_tts,
    "local": lambda choice, keys, language, voice, http, sample_rate=None: local_tts(
        choice, keys, language, voice
    ),
}
VAD_FACTORIES: Mapping[str, Callable[[ProviderChoice], vad.VAD]] = {
    "silero": silero_vad,
    "silero-onnx": silero_onnx_vad,
}

ProviderT = TypeVar("ProviderT", llm.LLM[Any], stt.STT[Any], tts.TTS[Any])


@dataclass(frozen=True, slots=True)
class SpeechBuildContext:
    """What the speech providers of one call are built with."""

    keys: ProviderKeys
    http: aiohttp.ClientSession
    on_availability_changed: AvailabilityListener
    on_metrics: MetricsListener
    cooldowns: Cooldowns
    timeout_seconds: float
    """How long a provider may stay silent before its fallback takes over."""
    transcripts: TranscriptFilter | None = None
    tts_sample_rate: int | None = None
    """None: each provider's default."""
    account_sessions: AccountSessions = field(default_factory=AccountSessions)

    def session_for(self, choice: ProviderChoice) -> aiohttp.ClientSession:
        """Raises `MissingApiKey` if there is no key for the choice."""
        entry = find_provider(ProviderKind.STT, choice.provider) or find_provider(
            ProviderKind.TTS, choice.provider
        )
        if entry is None or not entry.needs_key:
            return self.http
        account = self.keys.account(choice)
        return self.account_sessions.get(account) if account.needs_own_client else self.http


def build_llm(
    choice: ProviderChoice,
    keys: ProviderKeys,
    read_context: ContextReader,
    on_availability_changed: AvailabilityListener,
    on_metrics: MetricsListener,
) -> llm.LLM[Any]:
    """Build the model with its fallbacks. Raises `ProviderMisconfigured` if none is usable."""
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
    """Build the STT with its fallbacks. Raises `ProviderMisconfigured` if none is usable."""

    def build(each: ProviderChoice) -> stt.STT[Any]:
        session = context.session_for(each)
        return STT_FACTORIES[each.provider](each, context.keys, languages, keyterms, session)

    built = _build_usable(choice, build, context.on_availability_changed)
    _listen_for_metrics(ProviderKind.STT, built, context.on_metrics)
    policy = FailoverPolicy(built, context.on_availability_changed, context.cooldowns)
    return SttFallback(policy, context.timeout_seconds, context.transcripts)


def build_tts(
    choice: ProviderChoice, context: SpeechBuildContext, language: str | None, voice: str | None
) -> TtsFallback:
    """Build the TTS with its fallbacks. Raises `ProviderMisconfigured` if none is usable."""

    def build(each: ProviderChoice) -> tts.TTS[Any]:
        # Voice names are specific to a provider, so the fallbacks use their default voices.
        own_voice = voice if each.provider == choice.provider else None
        factory = TTS_FACTORIES[each.provider]
        session = context.session_for(each)
        provider = factory(
            each, context.keys, language, own_voice, session, context.tts_sample_rate
        )
        # A TTS without streaming input receives one sentence at a time.
        return provider if provider.capabilities.streaming else tts.StreamAdapter(tts=provider)

    built = _build_usable(choice, build, context.on_availability_changed)
    _listen_for_metrics(ProviderKind.TTS, built, context.on_metrics)
    policy = FailoverPolicy(built, context.on_availability_changed, context.cooldowns)
    return TtsFallback(policy, context.timeout_seconds)


def build_vad(choice: ProviderChoice) -> vad.VAD:
    return VAD_FACTORIES[choice.provider](choice)


def _listen_for_metrics(
    kind: ProviderKind, built: Mapping[ProviderT, ProviderChoice], on_metrics: MetricsListener
) -> None:
    """Listen to each model, because the metrics of a fallback do not say which one was used."""
    for model, choice in built.items():
        model.on("metrics_collected", partial(on_metrics, kind, choice))


def _build_usable(
    choice: ProviderChoice,
    build: Callable[[ProviderChoice], ProviderT],
    on_availability_changed: AvailabilityListener,
) -> dict[ProviderT, ProviderChoice]:
    """Build the usable providers of the chain, in order, and report the others as unavailable."""
    built: dict[ProviderT, ProviderChoice] = {}
    problems: list[tuple[ProviderChoice, ProviderMisconfigured]] = []
    for each in choice.chain:
        try:
            built[build(each)] = each
        except ProviderMisconfigured as problem:
            problems.append((each, problem))
        except ValueError as problem:  # plugins raise it for options that the model does not take
            problems.append(
                (each, ProviderMisconfigured(f"{each.provider} {each.model}: {problem}"))
            )
    if not built:
        raise problems[0][1]
    for each, _ in problems:
        on_availability_changed(each, False)
    return built
