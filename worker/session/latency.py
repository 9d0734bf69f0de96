"""Breaks down the latency of a turn, from the end of the caller's speech to the agent's audio."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

NETWORK_AND_PLAYOUT_MS = 100.0
"""Latency that the network, jitter buffers and the caller's playout add; measured on loopback."""
PHONE_LINE_MS = 290.0
"""The same for a telephone: 100 ms from its microphone to the agent and 190 ms back, as measured with
livekit-sip on loopback. Carriers and radio add to it."""


class LatencyTracker:
    """All times are those of `time.time`, which LiveKit's metrics use, too."""

    def __init__(self, open_turn_since: float | None = None, *, is_phone: bool = False) -> None:
        """`open_turn_since`: when the caller stopped speaking, if another worker left the turn
        unanswered."""
        self._is_phone = is_phone
        self._turn: dict[str, float | None] = {}
        self._since = open_turn_since
        """The end of the caller's speech; None if it is not known."""
        self._turn_ended_at = open_turn_since or time.time()
        self._agent_started_at: float | None = None

    def caller_turn_ended(
        self, metrics: Mapping[str, Any], find_speech_end: Callable[[float], float]
    ) -> None:
        """Start the measurement of a turn with the metrics of the caller's message.
        `find_speech_end` corrects LiveKit's time of the end of the caller's speech."""
        reported: float | None = metrics.get("stopped_speaking_at")
        self._since, earlier = None, 0.0
        if reported is not None:
            self._since = find_speech_end(reported)
            earlier = reported - self._since
        self._turn_ended_at = time.time()
        self._agent_started_at = None
        self._turn = {
            "stt_ms": _ms(metrics.get("transcription_delay"), earlier),
            "end_of_turn_ms": _ms(metrics.get("end_of_turn_delay"), earlier),
        }

    @property
    def end_of_turn_ms(self) -> float | None:
        """From the end of the caller's speech to the end of the turn."""
        return self._turn.get("end_of_turn_ms")

    def agent_started_speaking(self) -> None:
        if self._agent_started_at is None:
            self._agent_started_at = time.time()

    def add_agent_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add the metrics of an agent's message; only the first one in a turn counts."""
        if "first_audio_ms" in self._turn:
            return
        # Not LiveKit's own figure, which is missing after tools, hand-offs and apologies.
        total = None
        if self._since is not None and self._agent_started_at is not None:
            total = _ms(self._agent_started_at - self._since)
        self._turn |= {
            "llm_first_token_ms": _ms(metrics.get("llm_node_ttft")),
            "tts_first_byte_ms": _ms(metrics.get("tts_node_ttfb")),
            "playback_ms": _ms(metrics.get("playback_latency")),
            "first_audio_ms": total,
            "at_ear_ms": None if total is None else round(total + self._on_the_way_ms, 1),
            "line_ms": PHONE_LINE_MS if self._is_phone and total is not None else None,
        }

    @property
    def _on_the_way_ms(self) -> float:
        return PHONE_LINE_MS if self._is_phone else NETWORK_AND_PLAYOUT_MS

    def drain(self) -> dict[str, Any]:
        """Return the latencies of the turn that has been answered, and reset them."""
        latencies, self._turn = self._turn, {}
        since = self._turn_ended_at if self._since is None else self._since
        return {**latencies, "total_ms": _ms(time.time() - since)}


def _ms(seconds: float | None, added_seconds: float = 0.0) -> float | None:
    return None if seconds is None else round((seconds + added_seconds) * 1000, 1)
