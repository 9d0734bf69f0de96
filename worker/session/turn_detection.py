"""The VAD and the turn detection model, which all voice calls of a process share. They run on this
machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from livekit.agents import inference, vad
from livekit.agents.utils import http_context
from livekit.agents.voice.turn import (
    InterruptionOptions,
    TurnDetectionMode,
    TurnHandlingOptions,
)

from domain.providers.catalog import detect_turns, have_interim_transcripts
from domain.tenants.provider_keys import ProviderMisconfigured
from domain.workflows.agents import AgentSpec, ProviderChoice
from domain.workflows.interruptions import InterruptedBy
from worker.providers.http import ssl_context
from worker.providers.registry import build_vad

DEFAULT_VAD = ProviderChoice(provider="silero", model="silero")


def turn_handling(spec: AgentSpec) -> TurnHandlingOptions:
    mode = turn_detection(spec)
    return {
        "turn_detection": mode,
        "endpointing": {
            # The STT has waited already.
            "min_delay": 0.0 if mode == "stt" else spec.session.min_endpointing,
            "max_delay": spec.session.max_endpointing,
        },
        "interruption": interruption_options(spec),
    }


def turn_detection(spec: AgentSpec) -> TurnDetectionMode:
    """The STT's own end-of-turn events if it has them, otherwise the local model. That one is under
    the same licence as the VAD `silero`, so an agent with another VAD goes without it."""
    if spec.stt is not None and detect_turns(choice.model for choice in spec.stt.chain):
        return "stt"
    if spec.vad is not None and spec.vad.provider != DEFAULT_VAD.provider:
        return "vad"
    return turn_detector()


def interruption_options(spec: AgentSpec) -> InterruptionOptions:
    """What interrupts the agent. `OverlapFilter` decides which words count."""
    interruption = spec.session.interruption
    stt = (choice.provider for choice in spec.stt.chain) if spec.stt else ()
    by_words = interruption.by is InterruptedBy.WORDS and have_interim_transcripts(stt)
    return {
        "enabled": interruption.by is not InterruptedBy.NOTHING,
        "mode": "vad",
        "min_duration": interruption.min_seconds,
        "min_words": interruption.min_words if by_words else 0,
        "resume_false_interruption": interruption.resume_after is not None,
        "false_interruption_timeout": _resume_timeout(spec),
        # `DeferredTurns` replies to what the caller says then.
        "discard_audio_if_uninterruptible": False,
    }


def _resume_timeout(spec: AgentSpec) -> float | None:
    """How long LiveKit waits after the VAD reported the end of a sound, which it does only after
    some silence."""
    if spec.session.interruption.resume_after is None:
        return None
    silence = getattr(get_vad(spec.vad), "min_silence_duration", None)
    return max(0.0, spec.session.interruption.resume_after - (silence or 0.0))


@cache
def turn_detector() -> inference.TurnDetector:
    """The local model, named explicitly because a session's default may call LiveKit Cloud."""
    return inference.TurnDetector(version="v1-mini")


def get_vad(choice: ProviderChoice | None) -> vad.VAD:
    choice = choice or DEFAULT_VAD
    return _cached_vad(choice.provider, choice.model, tuple(sorted(choice.options.items())))


def load_vads(specs: Iterable[AgentSpec]) -> None:
    """Load the VADs of these agents, so that `get_vad` returns at once."""
    for spec in specs:
        with suppress(ProviderMisconfigured):  # raised again when the agent is needed
            get_vad(spec.vad)


@cache
def _cached_vad(provider: str, model: str, options: tuple[tuple[str, float], ...]) -> vad.VAD:
    return build_vad(ProviderChoice(provider=provider, model=model, options=dict(options)))


async def prewarm() -> None:
    """Load the models and certificates that the first call would otherwise wait for."""
    await asyncio.to_thread(_load)
    async with http_context.open():
        pass  # opening it reads the system's certificates


def _load() -> None:
    turn_detector()
    get_vad(None)
    ssl_context()
