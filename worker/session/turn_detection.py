"""What every voice call of a process shares: the models that tell speech from silence, and the end
of a turn from a pause. They run on this machine."""

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
    """How it is told that the caller has finished: by ears that tell turns, else by a model."""
    by_ear = spec.stt is not None and all(c.model.startswith("flux") for c in spec.stt.chain)
    return {
        "turn_detection": "stt" if by_ear else turn_detector(),
        "endpointing": {
            "min_delay": spec.session.min_endpointing,
            "max_delay": spec.session.max_endpointing,
        },
        "interruption": {"mode": "vad"},
    }


@cache
def turn_detector() -> inference.TurnDetector:
    """Named, because the default of a session may call a cloud."""
    return inference.TurnDetector(version="v1-mini")


def get_vad(choice: ProviderChoice | None) -> vad.VAD:
    choice = choice or DEFAULT_VAD
    return _cached_vad(choice.provider, choice.model, tuple(sorted(choice.options.items())))


@cache
def _cached_vad(provider: str, model: str, options: tuple[tuple[str, float], ...]) -> vad.VAD:
    return build_vad(ProviderChoice(provider=provider, model=model, options=dict(options)))


async def prewarm() -> None:
    """Load now what the first call would have to wait for."""
    await asyncio.to_thread(_load)
    async with http_context.open():
        pass  # it has read the machine's certificates


def _load() -> None:
    turn_detector()
    get_vad(None)
    ssl_context()
