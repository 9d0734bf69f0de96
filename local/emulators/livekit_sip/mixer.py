"""Mixes what the participants of a room say into one telephone line."""

from __future__ import annotations

from collections import deque

import numpy as np
from livekit import rtc

from local.phone.g711 import FRAME_SAMPLES, RATE, Samples

MAX_QUEUED_FRAMES = 8
PREFILLED_FRAMES = 2
"""How many frames a track collects before it is played, so that it survives some jitter."""


class _Input:
    def __init__(self) -> None:
        self._frames: deque[Samples] = deque(maxlen=MAX_QUEUED_FRAMES)
        self._is_playing = False

    def add(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._is_playing = self._is_playing or len(self._frames) >= PREFILLED_FRAMES

    def next_frame(self) -> Samples | None:
        if not self._is_playing:
            return None
        if not self._frames:
            self._is_playing = False
            return None
        return self._frames.popleft()


class AudioMixer:
    def __init__(self) -> None:
        self._inputs: dict[str, _Input] = {}

    async def read(self, track: rtc.Track) -> None:
        """Mix a track in until it ends."""
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        self._inputs[track.sid] = source = _Input()
        try:
            async for event in stream:
                source.add(np.frombuffer(event.frame.data, np.int16).copy())
        finally:
            self._inputs.pop(track.sid, None)
            await stream.aclose()

    def next_frame(self) -> Samples | None:
        """The next 20 ms of all tracks together; None if all are silent."""
        frames = [f for source in self._inputs.values() if (f := source.next_frame()) is not None]
        if not frames:
            return None
        mixed = np.zeros(FRAME_SAMPLES, np.int32)
        for frame in frames:
            mixed[: len(frame)] += frame[:FRAME_SAMPLES]
        return mixed.clip(-32_768, 32_767).astype(np.int16)
