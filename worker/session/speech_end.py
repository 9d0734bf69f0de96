"""Estimates when the caller stopped speaking, more closely than LiveKit does."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from livekit.rtc import AudioFrame

BLOCK_SECONDS = 0.01
HISTORY_SECONDS = 8.0
"""Longer than an STT takes to decide that a turn is over."""
LOUD_PART = 0.1
"""Share of the loudest block from which a block counts as speech, which is 20 dB below it."""
MAX_VAD_DELAY_SECONDS = 0.25
"""How long after the end of speech the VAD may still report speech."""


class SpeechEndEstimator:
    """Finds the last loud block of audio before the VAD last reported speech. The VAD alone is off by
    up to the length of a frame plus its own smoothing. All times are those of `time.time`."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[float, float]] = deque()
        """The end and the peak of each block, oldest first."""

    def add(self, frame: AudioFrame, arrived_at: float | None = None) -> None:
        """Add a frame that has just arrived, which is when its last sample was captured."""
        end = time.time() if arrived_at is None else arrived_at
        samples = np.abs(np.frombuffer(frame.data, np.int16).astype(np.int32))
        length = int(frame.sample_rate * BLOCK_SECONDS)
        for start in range(0, len(samples), length):
            block = samples[start : start + length]
            after = len(samples) - start - len(block)
            self._blocks.append((end - after / frame.sample_rate, float(block.max())))
        while self._blocks and self._blocks[0][0] < end - HISTORY_SECONDS:
            self._blocks.popleft()

    def estimate(self, heard_at: float) -> float:
        """The end of the speech that the VAD last reported at `heard_at`."""
        threshold = LOUD_PART * max((peak for _, peak in self._blocks), default=0.0)
        loud = (
            ended_at
            for ended_at, peak in self._blocks
            if heard_at - MAX_VAD_DELAY_SECONDS <= ended_at <= heard_at and peak > threshold
        )
        return max(loud, default=heard_at)
