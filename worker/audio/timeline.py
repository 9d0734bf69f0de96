"""Two sides of a call on one time line: the caller left, the agent right. What nobody said is
silence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from livekit import rtc

from domain.calls.recordings import Place
from worker.audio.ogg_opus import FRAME_MS, RATE, Encoder, Samples, ogg

APART_SECONDS = 0.5
"""Sound that comes so much too late or too early begins anew, where it came."""
PIECE_PACKETS = 5_000 // FRAME_MS


class Side(IntEnum):
    CALLER = 0
    AGENT = 1


@dataclass(frozen=True, slots=True)
class Sound:
    """What was heard from a moment on, as `time.time`. None ends what went before."""

    side: Side
    at: float
    frame: rtc.AudioFrame | None


@dataclass(frozen=True, slots=True)
class Piece:
    place: Place
    sound: bytes


class Track:
    """One side. Sound that goes on where the last ended is one run, kept together whatever the
    clock says of its parts."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, Samples]] = []
        self._resampler: rtc.AudioResampler | None = None
        self._rate = RATE
        self._next: int | None = None

    def add(self, at: float, frame: rtc.AudioFrame) -> None:
        start = round(at * RATE)
        if self._next is None or abs(start - self._next) > APART_SECONDS * RATE:
            self.end()
            self._next = start
        if frame.sample_rate == RATE:
            self._place([frame])
            return
        if self._resampler is None or self._rate != frame.sample_rate:
            self._rate = frame.sample_rate
            self._resampler = rtc.AudioResampler(self._rate, RATE, num_channels=1)
        self._place(self._resampler.push(frame))

    def end(self) -> None:
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
    """Makes pieces of what is put on it: the part, from `since` on, of a recording that `began` at
    or before that. Used by one thread at a time."""

    def __init__(self, epoch: int, began: float, since: float) -> None:
        self._epoch = epoch
        self._began = began
        self._at_ms = int(max(0.0, since - began) * 1000) // FRAME_MS * FRAME_MS
        self._cursor = self._at_ms * RATE // 1000
        self._tracks = (Track(), Track())
        self._encoder = Encoder()
        self._packets: list[bytes] = []

    def add(self, sounds: list[Sound], until: float) -> list[Piece]:
        """Whatever is full when nothing more comes before `until`."""
        for sound in sounds:
            track = self._tracks[sound.side]
            if sound.frame is None:
                track.end()
            else:
                track.add(sound.at - self._began, sound.frame)
        end = round((until - self._began) * RATE)
        if end > self._cursor:
            both = np.stack([track.take(self._cursor, end) for track in self._tracks], axis=1)
            self._packets += self._encoder.encode(both)
            self._cursor = end
        return list(self._full(PIECE_PACKETS))

    def finish(self, sounds: list[Sound], until: float) -> list[Piece]:
        for track in Side:
            sounds = [*sounds, Sound(track, until, None)]
        pieces = self.add(sounds, until)
        self._packets += self._encoder.rest()
        return [*pieces, *self._full(1)]

    def _full(self, least: int) -> list[Piece]:
        pieces = []
        while len(self._packets) >= least:
            packets = self._packets[:PIECE_PACKETS]
            self._packets = self._packets[PIECE_PACKETS:]
            pieces.append(Piece(Place(self._epoch, self._at_ms), ogg(packets)))
            self._at_ms += len(packets) * FRAME_MS
        return pieces
