"""What a phone has received, for measurements and recordings."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from local.phone.g711 import RATE, Samples

MAX_SECONDS = 600
"""Older audio is forgotten."""


class HeardAudio:
    """The received audio by position, in samples since the first one."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, float, Samples]] = deque()
        self.position = 0
        """The number of samples received so far."""

    def append(self, samples: Samples) -> None:
        self._chunks.append((self.position, time.monotonic(), samples))
        self.position += len(samples)
        while self._chunks[0][0] < self.position - MAX_SECONDS * RATE:
            self._chunks.popleft()

    def since(self, position: int) -> Samples:
        """The audio from a position on, as far as it is not forgotten."""
        parts = [
            samples[max(0, position - start) :]
            for start, _, samples in self._chunks
            if start + len(samples) > position
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def last(self, seconds: float) -> Samples:
        return self.since(self.position - round(seconds * RATE))

    def arrived_at(self, position: int) -> float:
        """When the sample at this position arrived, in seconds of `monotonic`."""
        for start, at, samples in self._chunks:
            if start + len(samples) > position:
                return at
        raise ValueError(f"the sample {position} has not arrived")
