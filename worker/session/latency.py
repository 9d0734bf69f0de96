"""Breaks down the latency of a turn, from the end of the caller's speech to the agent's audio."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

NETWORK_AND_PLAYOUT_MS = 220.0
"""Latency that the network, jitter buffers and the caller's playout add; measured on loopback."""


class LatencyTracker:
    def __init__(self) -> None:
        self._turn: dict[str, float | None] = {}
        self._user_stopped_at = time.monotonic()
        self._agent_started_at: float | None = None

    def user_stopped_speaking(self, at: float) -> None:
        self._user_stopped_at, self._agent_started_at = at, None

    def agent_started_speaking(self, at: float) -> None:
        if self._agent_started_at is None:
            self._agent_started_at = at

    def add_user_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Start the measurement of a turn with the metrics of the caller's message."""
        self._turn = {
            "stt_ms": _ms(metrics.get("transcription_delay")),
            "end_of_turn_ms": _ms(metrics.get("end_of_turn_delay")),
        }

    def add_agent_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add the metrics of an agent's message; only the first one in a turn counts."""
        if "first_audio_ms" in self._turn:
            return
        total = _ms(metrics.get("e2e_latency"))
        if total is None and self._agent_started_at is not None:
            # The reply followed a tool call, which the session does not measure.
            total = _ms(self._agent_started_at - self._user_stopped_at)
        self._turn |= {
            "llm_first_token_ms": _ms(metrics.get("llm_node_ttft")),
            "tts_first_byte_ms": _ms(metrics.get("tts_node_ttfb")),
            "playback_ms": _ms(metrics.get("playback_latency")),
            "first_audio_ms": total,
            "at_ear_ms": None if total is None else round(total + NETWORK_AND_PLAYOUT_MS, 1),
        }

    def drain(self) -> dict[str, Any]:
        """Return the latencies of the turn that has been answered, and reset them."""
        latencies, self._turn = self._turn, {}
        return {
            **latencies,
            "total_ms": round((time.monotonic() - self._user_stopped_at) * 1000, 1),
        }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
