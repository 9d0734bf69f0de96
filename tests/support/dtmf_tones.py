"""DTMF tones in audio: makes them, and finds also short parts of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from local.phone.g711 import RATE, Samples

LOW_HERTZ = (697.0, 770.0, 852.0, 941.0)
HIGH_HERTZ = (1_209.0, 1_336.0, 1_477.0, 1_633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
WINDOW_SECONDS, STEP_SECONDS = 0.02, 0.005
MIN_AMPLITUDE = 200.0
"""Of each of the two frequencies; µ-law and Opus add noise of about 30."""
MIN_SHARE = 0.5
"""The share of the two frequencies in the energy of a window."""


def dtmf_tone(key: str, seconds: float) -> Samples:
    """The tone of a key at the rate of a telephone."""
    [(row, column)] = [(r, k.index(key)) for r, k in enumerate(KEYS) if key in k]
    times = np.arange(round(RATE * seconds)) / RATE
    sound = sum(np.sin(2 * np.pi * hz * times) for hz in (LOW_HERTZ[row], HIGH_HERTZ[column]))
    return (6_000 * np.asarray(sound)).astype(np.int16)


def keys_in(samples: Samples, rate: int) -> set[str]:
    """The keys of which at least some ten milliseconds of the tone are in the audio."""
    size, step = round(rate * WINDOW_SECONDS), round(rate * STEP_SECONDS)
    if len(samples) < size:
        return set()
    window = np.hanning(size)
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::step]
    weighted = windows * window
    power = (weighted**2).sum(axis=1) / (window**2).sum()
    low, high = _amplitudes(weighted, LOW_HERTZ, rate), _amplitudes(weighted, HIGH_HERTZ, rate)
    row, column = low.argmax(axis=1), high.argmax(axis=1)
    loudest_low, loudest_high = low.max(axis=1), high.max(axis=1)
    is_tone = (
        (loudest_low > MIN_AMPLITUDE)
        & (loudest_high > MIN_AMPLITUDE)
        & ((loudest_low**2 + loudest_high**2) / 2 > MIN_SHARE * power)
    )
    return {KEYS[row[at]][column[at]] for at in np.flatnonzero(is_tone)}


def _amplitudes(
    weighted: NDArray[np.float64], hertz: tuple[float, ...], rate: int
) -> NDArray[np.float64]:
    size = weighted.shape[1]
    times = np.arange(size) / rate
    waves = np.exp(-2j * np.pi * np.outer(times, hertz))
    amplitudes: NDArray[np.float64] = 2 * np.abs(weighted @ waves) / np.hanning(size).sum()
    return amplitudes
