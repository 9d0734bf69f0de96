"""What a caller hears while they wait for a colleague: two soft notes every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
NOTES = ((523.25, 0.25), (392.0, 0.25))
"""The frequency and the length of each note, in hertz and seconds."""
PERIOD_SECONDS = 3.0
FRAME_SECONDS = 0.1
"""Long frames cost less than those of 20 ms."""
AMPLITUDE = 5_000
FADE_SECONDS = 0.02


@cache
def hold_notes() -> tuple[bytes, ...]:
    """The notes as frames of 16-bit PCM."""
    samples = np.concatenate([_note(hertz, seconds) for hertz, seconds in NOTES])
    return tuple(_frames(samples.astype(np.int16)))


def _note(hertz: float, seconds: float) -> NDArray[np.float64]:
    times = np.arange(round(RATE * seconds)) / RATE
    fade = np.minimum(1.0, np.minimum(times, seconds - times) / FADE_SECONDS)
    return np.asarray(AMPLITUDE * fade * np.sin(2 * np.pi * hertz * times), np.float64)


def _frames(samples: NDArray[np.int16]) -> Iterator[bytes]:
    size = round(RATE * FRAME_SECONDS)
    for start in range(0, len(samples), size):
        frame = samples[start : start + size]
        yield np.pad(frame, (0, size - len(frame))).tobytes()
