"""Both sides of a call on one timeline: the caller on the left channel, the agent on the right.
Gaps are silence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from livekit import rtc

from domain.calls.recordings import SegmentKey
from worker.audio.ogg_opus import FRAME_MS, SAMPLE_RATE, Encoder, Samples, mux_ogg

MAX_DRIFT_SECONDS = 0.5
"""Audio further than this from the end of its run starts a new run at its own timestamp."""
PACKETS_PER_SEGMENT = 5_000 // FRAME_MS


class Side(IntEnum):
    CALLER = 0
    AGENT = 1


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A frame of one side that starts at `at` (as `time.time`). A frame of None ends the run."""

    side: Side
    at: float
    frame: rtc.AudioFrame | None


@dataclass(frozen=True, slots=True)
class Segment:
    key: SegmentKey
    audio: bytes


class Track:
    """One side of a call. Frames that follow each other within MAX_DRIFT_SECONDS form a run, which
    is placed without gaps, whatever the timestamps of its frames."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, Samples]] = []
        self._resampler: rtc.AudioResampler | None = None
        self._rate = SAMPLE_RATE
        self._next: int | None = None

    def add(self, at: float, frame: rtc.AudioFrame) -> None:
        start = round(at * SAMPLE_RATE)
        if self._next is None or abs(start - self._next) > MAX_DRIFT_SECONDS * SAMPLE_RATE:
            self.flush()
            self._next = start
        if frame.sample_rate == SAMPLE_RATE:
            self._place([frame])
            return
        if self._resampler is None or self._rate != frame.sample_rate:
            self._rate = frame.sample_rate
            self._resampler = rtc.AudioResampler(self._rate, SAMPLE_RATE, num_channels=1)
        self._place(self._resampler.push(frame))

    def flush(self) -> None:
        if self._resampler is not None and self._next is not None:
            self._place(self._resampler.flush())
        self._resampler, self._next = None, None

    def _place(self, frames: list[rtc.AudioFrame]) -> None:
        for frame in frames:
            assert self._next is not None
            samples = np.frombuffer(frame.data, dtype=np.int16)
            self._placed.append((self._next, samples))
            self._next += len(samples)

    def take(self, start: int, end: int) -> Samples:
        block = np.zeros(end - start, dtype=np.int16)
        later: list[tuple[int, Samples]] = []
        for at, samples in self._placed:
            low, high = max(at, start), min(at + len(samples), end)
            if low < high:
                block[low - start : high - start] = samples[low - at : high - at]
            if at + len(samples) > end:
                later.append((at, samples))
        self._placed = later
        return block


class Timeline:
    """Encodes frames into segments. They cover a recording that started at `recording_started_at`,
    from `starts_at` on. Not thread-safe: for one thread at a time."""

    def __init__(self, epoch: int, recording_started_at: float, starts_at: float) -> None:
        self._epoch = epoch
        self._recording_started_at = recording_started_at
        self._at_ms = int(max(0.0, starts_at - recording_started_at) * 1000) // FRAME_MS * FRAME_MS
        self._cursor = self._at_ms * SAMPLE_RATE // 1000
        self._tracks = (Track(), Track())
        self._encoder = Encoder()
        self._packets: list[bytes] = []

    def add(self, frames: list[TimedFrame], until: float) -> list[Segment]:
        """Return the segments that are full, given that no more frames from before `until` come."""
        for timed in frames:
            track = self._tracks[timed.side]
            if timed.frame is None:
                track.flush()
            else:
                track.add(timed.at - self._recording_started_at, timed.frame)
        end = round((until - self._recording_started_at) * SAMPLE_RATE)
        if end > self._cursor:
            both = np.stack([track.take(self._cursor, end) for track in self._tracks], axis=1)
            self._packets += self._encoder.encode(both)
            self._cursor = end
        return list(self._full_segments(PACKETS_PER_SEGMENT))

    def finish(self, frames: list[TimedFrame], until: float) -> list[Segment]:
        for side in Side:
            frames = [*frames, TimedFrame(side, until, None)]
        segments = self.add(frames, until)
        self._packets += self._encoder.flush()
        return [*segments, *self._full_segments(1)]

    def _full_segments(self, min_packets: int) -> list[Segment]:
        segments = []
        while len(self._packets) >= min_packets:
            packets = self._packets[:PACKETS_PER_SEGMENT]
            self._packets = self._packets[PACKETS_PER_SEGMENT:]
            segments.append(Segment(SegmentKey(self._epoch, self._at_ms), mux_ogg(packets)))
            self._at_ms += len(packets) * FRAME_MS
        return segments
