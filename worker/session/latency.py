"""Where the time of a turn goes, from the end of the caller's words to the agent's first sound."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

NETWORK_AND_PLAYOUT_MS = 220.0
"""What network, jitter buffers and the caller's output add; measured on loopback."""


class LatencyTracker:
    def __init__(self) -> None:
        self._turn: dict[str, float | None] = {}
        self._user_stopped_at = time.monotonic()
        self._agent_started_at: float | None = None

    def user_stopped_speaking(self, at: float) -> None:
        """The caller stopped speaking."""
        self._user_stopped_at, self._agent_started_at = at, None

    def agent_started_speaking(self, at: float) -> None:
        """An agent began to speak."""
        if self._agent_started_at is None:
            self._agent_started_at = at

    def add_user_metrics(self, metrics: Mapping[str, Any]) -> None:
        """The caller's turn was taken; begins a new account."""
        self._turn = {
            "stt_ms": _ms(metrics.get("transcription_delay")),
            "end_of_turn_ms": _ms(metrics.get("end_of_turn_delay")),
        }

    def add_agent_metrics(self, metrics: Mapping[str, Any]) -> None:
        """An agent spoke; the first time in a turn is what the caller waited for."""
        if "first_audio_ms" in self._turn:
            return
        total = _ms(metrics.get("e2e_latency"))
        if total is None and self._agent_started_at is not None:
            # The answer came by way of a tool: the session measures it not.
            total = _ms(self._agent_started_at - self._user_stopped_at)
        self._turn |= {
            "llm_first_token_ms": _ms(metrics.get("llm_node_ttft")),
            "tts_first_byte_ms": _ms(metrics.get("tts_node_ttfb")),
            "playback_ms": _ms(metrics.get("playback_latency")),
            "first_audio_ms": total,
            "at_ear_ms": None if total is None else round(total + NETWORK_AND_PLAYOUT_MS, 1),
        }

    def drain(self) -> dict[str, Any]:
        """The account of the turn that has just been answered, which closes it."""
        account, self._turn = self._turn, {}
        return {
            **account,
            "total_ms": round((time.monotonic() - self._user_stopped_at) * 1000, 1),
        }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
