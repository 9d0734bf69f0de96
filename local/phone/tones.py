"""Makes tones, and measures them in received audio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from local.phone.g711 import FRAME_SAMPLES, RATE, Samples

WINDOW_SECONDS = 0.02
AUDIBLE_AMPLITUDE = 200.0
"""Below this a tone is inaudible: µ-law alone adds noise of about 30 to a loud tone."""


def sine(hertz: float, seconds: float, amplitude: float = 8_000) -> Samples:
    times = np.arange(round(RATE * seconds)) / RATE
    return (np.sin(2 * np.pi * hertz * times) * amplitude).astype(np.int16)


def amplitude_of(samples: Samples, hertz: float) -> float:
    """The amplitude of one frequency in the samples, as the generator counts it."""
    if not len(samples):
        return 0.0
    turns = np.exp(-2j * np.pi * hertz / RATE * np.arange(len(samples)))
    return float(2 * abs(np.dot(samples.astype(np.float64), turns)) / len(samples))


class RingingTone:
    """What a caller hears while the other side rings, frame by frame: in Europe 425 Hz for one second
    of every five."""

    def __init__(self) -> None:
        self._samples = np.concatenate((sine(425, 1), np.zeros(4 * RATE, np.int16)))
        self._position = 0

    def next_frame(self) -> Samples:
        frame = self._samples[self._position : self._position + FRAME_SAMPLES]
        self._position = (self._position + FRAME_SAMPLES) % len(self._samples)
        return frame


@dataclass(frozen=True, slots=True)
class ToneSpan:
    """From when to when a tone was audible, in seconds from the start of the samples."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def tone_spans(
    samples: Samples, hertz: float, threshold: float = AUDIBLE_AMPLITUDE
) -> Iterator[ToneSpan]:
    """When the tone was audible, to 20 ms."""
    window = round(RATE * WINDOW_SECONDS)
    start: float | None = None
    count = len(samples) // window
    for index in range(count + 1):
        frame = samples[index * window : (index + 1) * window]
        audible = index < count and amplitude_of(frame, hertz) > threshold
        at = index * WINDOW_SECONDS
        if audible and start is None:
            start = at
        elif not audible and start is not None:
            yield ToneSpan(start, at)
            start = None


def audible_seconds(samples: Samples, hertz: float, threshold: float = AUDIBLE_AMPLITUDE) -> float:
    """For how long the tone was audible in total."""
    return sum(span.seconds for span in tone_spans(samples, hertz, threshold))
