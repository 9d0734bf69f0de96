"""The VAD and the turn detection model, which all voice calls of a process share. They run on this
machine."""

from __future__ import annotations

import asyncio
from functools import cache

from livekit.agents import inference, vad
from livekit.agents.utils import http_context
from livekit.agents.voice.turn import TurnHandlingOptions

from domain.workflows.agents import AgentSpec, ProviderChoice
from worker.providers.http import ssl_context
from worker.providers.registry import build_vad

DEFAULT_VAD = ProviderChoice(provider="silero", model="silero")


def turn_handling(spec: AgentSpec) -> TurnHandlingOptions:
    """Turn detection: the STT's own end-of-turn events if it has them, otherwise the local model."""
    by_stt = spec.stt is not None and all(c.model.startswith("flux") for c in spec.stt.chain)
    return {
        "turn_detection": "stt" if by_stt else turn_detector(),
        "endpointing": {
            "min_delay": spec.session.min_endpointing,
            "max_delay": spec.session.max_endpointing,
        },
        "interruption": {"mode": "vad", "discard_audio_if_uninterruptible": False},
    }


@cache
def turn_detector() -> inference.TurnDetector:
    """The local model, named explicitly because a session's default may call LiveKit Cloud."""
    return inference.TurnDetector(version="v1-mini")


def get_vad(choice: ProviderChoice | None) -> vad.VAD:
    choice = choice or DEFAULT_VAD
    return _cached_vad(choice.provider, choice.model, tuple(sorted(choice.options.items())))


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
