"""The response latency of a call, summarized over its measured turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.calls.events import TurnMeasured

PARTS = ("stt_ms", "end_of_turn_ms", "llm_first_token_ms", "tts_first_byte_ms", "playback_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """The 50th and 95th percentiles of a latency, in milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Latencies of the measured turns, in milliseconds; the parts are medians. None: no turn
    measured the value, as in a text call, which has no audio."""

    turns: int
    total_ms: Percentiles | None
    first_audio_ms: Percentiles | None
    at_ear_ms: Percentiles | None
    stt_ms: float | None
    end_of_turn_ms: float | None
    llm_first_token_ms: float | None
    tts_first_byte_ms: float | None
    playback_ms: float | None


def summarize_latency(measured: Sequence[TurnMeasured]) -> Latency | None:
    """Returns None when no turn was measured. Turns that a lost worker had answered carry no
    time and are left out."""
    turns = [turn for turn in measured if turn.total_ms]
    if not turns:
        return None
    medians = {part: percentile([getattr(t, part) for t in turns], 0.5) for part in PARTS}
    return Latency(
        turns=len(turns),
        total_ms=_percentiles(t.total_ms for t in turns),
        first_audio_ms=_percentiles(t.first_audio_ms for t in turns),
        at_ear_ms=_percentiles(t.at_ear_ms for t in turns),
        **medians,
    )


def percentile(values: Iterable[float | None], fraction: float) -> float | None:
    """The smallest value that at least this fraction of the values does not exceed."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return known[max(0, -int(-len(known) * fraction // 1) - 1)]


def _percentiles(values: Iterable[float | None]) -> Percentiles | None:
    known = list(values)
    p50, p95 = percentile(known, 0.5), percentile(known, 0.95)
    return None if p50 is None or p95 is None else Percentiles(p50=p50, p95=p95)
