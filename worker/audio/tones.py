"""Detects the tones of phone networks and machines in the audio of a phone line.

No library does this: those for DTMF look for pairs of eight frequencies, and those for music or
speech need models. A tone is simple by comparison: nearly all energy in one place of the spectrum, at
a frequency and a level that do not move. The detector looks at frames of 20 ms for single tones, and at
windows of 64 ms for pairs such as 480 and 620 Hz, which are too close for a short frame. It takes about
0.1 ms for each frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.telephony.answering.hearing import Tone, ToneKind

Samples = NDArray[np.floating[Any]]

RATE = 8_000
SAMPLE_RATES = (RATE, 2 * RATE)
FRAME = 160
"""Samples of one frame: 20 ms."""
FRAME_SECONDS = FRAME / RATE
FFT_SIZE = 512
PAIR_WINDOW = 512
"""Samples of the window for pairs: 64 ms."""
HERTZ_PER_BIN = RATE / FFT_SIZE
MIN_LEVEL_DB = -45.0
"""Softer frames, relative to full scale, are silence."""
PEAK_BINS = 4
"""Bins on both sides of a peak that belong to it: the width that the window gives to a tone."""
MIN_PURITY = 0.75
"""The share of the energy that a tone has at its peak."""
LOWEST_HERTZ, HIGHEST_HERTZ = 300.0, 3_000.0
LINE_FROM_HERTZ = 250.0
"""Phone lines carry nothing below but hum and noise."""
MAX_HERTZ_SPREAD = 4.0
MAX_DECIBEL_SPREAD = 1.2
"""Standard deviations within a tone. Vowels and melodies move more."""
MIN_TONE_SECONDS = 0.2
MAX_MISSED_FRAMES = 1
"""Frames within a tone in which noise may be too loud."""
MAX_HERTZ_STEP = 20.0
"""A larger step from one frame to the next begins another tone."""

SIT_HERTZ = ((900.0, 1_000.0), (1_340.0, 1_460.0), (1_740.0, 1_820.0))
SIT_GAP_SECONDS = 0.15
FAX_ANSWER_HERTZ, FAX_ANSWER_SECONDS = (2_080.0, 2_120.0), 1.5
MAX_FAX_GAP_SECONDS = 0.3
FAX_CALL_HERTZ, FAX_CALL_SECONDS, FAX_CALL_PERIOD = (1_060.0, 1_140.0), (0.4, 0.7), 4.5
"""A calling fax machine sends its tone for half a second every three and a half seconds."""
LINE_HERTZ = (415.0, 435.0)
"""Ringing, busy and dial tones of most countries are 425 Hz, which no mailbox uses."""
RINGING_HERTZ, RINGING_SECONDS = (435.0, 470.0), 0.8
"""Ringing tones of others. A beep is shorter."""
BUSY_SECONDS = (0.15, 0.65)
"""The length of a busy tone, and of the pause after it."""
BUSY_CYCLES = 3
MAX_CYCLE_SPREAD = 0.1
"""In seconds: how much the lengths of busy tones may differ."""
PAIR_HERTZ = (330.0, 700.0)
MIN_PAIR_PURITY = 0.85


@dataclass(frozen=True, slots=True)
class _Steady:
    """A steady tone that is over."""

    hertz: float
    started_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        return self.ended_at - self.started_at

    def is_within(self, hertz: tuple[float, float]) -> bool:
        return hertz[0] <= self.hertz <= hertz[1]


@dataclass(slots=True)
class _Run:
    """Frames of one tone that may continue."""

    started_at: float
    hertz: list[float] = field(default_factory=list)
    decibels: list[float] = field(default_factory=list)
    missed: int = 0
    """Frames since the last one with the tone."""


class ToneDetector:
    """Feed it the audio of a line; times are seconds since the start of that audio."""

    def __init__(self, sample_rate: int) -> None:
        if sample_rate not in SAMPLE_RATES:
            raise ValueError("The tone detector takes audio of 8 or 16 kHz.")
        self._halve = sample_rate == 2 * RATE
        self._rest: Samples = np.zeros(0, np.float32)
        self._odd: Samples = np.zeros(0, np.float32)
        self._recent: Samples = np.zeros(PAIR_WINDOW, np.float32)
        self._frames = 0
        self._run: _Run | None = None
        self._last: list[_Steady] = []
        self._cadence = _Cadence()

    def add(self, pcm: bytes) -> list[Tone]:
        """Take signed 16-bit mono samples, and return the tones that are over."""
        samples: Samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32_768
        if self._halve:
            samples = self._at_half_rate(samples)
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        found: list[Tone] = []
        for start in range(0, whole, FRAME):
            found.extend(self._add_frame(samples[start : start + FRAME]))
        return found

    def _at_half_rate(self, samples: Samples) -> Samples:
        """The mean of each two samples: the little that it folds back lies above the tones."""
        samples = np.concatenate((self._odd, samples))
        whole = len(samples) // 2 * 2
        self._odd = samples[whole:]
        halved: Samples = samples[:whole].reshape(-1, 2).mean(axis=1)
        return halved

    @property
    def seconds(self) -> float:
        """How much audio has been examined."""
        return self._frames * FRAME_SECONDS

    def _add_frame(self, frame: Samples) -> Iterator[Tone]:
        started_at = self.seconds
        self._frames += 1
        self._recent = np.concatenate((self._recent[FRAME:], frame))
        decibels = _level(frame)
        peak = _peak(frame) if decibels > MIN_LEVEL_DB else None
        ended = self._follow(started_at, peak, decibels)
        if ended is not None:
            yield from self._classify(ended)
        is_pair = decibels > MIN_LEVEL_DB and _is_line_tone(self._recent)
        if self._cadence.add(started_at, is_pair):
            yield Tone(kind=ToneKind.BUSY, started_at=self._cadence.began_at, ended_at=self.seconds)

    def _follow(self, at: float, peak: float | None, decibels: float) -> _Steady | None:
        """Continue the present tone with a frame, or end it. Returns the tone that is over."""
        run = self._run
        if run is not None and peak is not None and abs(peak - run.hertz[-1]) <= MAX_HERTZ_STEP:
            run.hertz.append(peak)
            run.decibels.append(decibels)
            run.missed = 0
            return None
        if run is not None and peak is None and run.missed < MAX_MISSED_FRAMES:
            run.missed += 1
            return None
        self._run = None if peak is None else _Run(at, [peak], [decibels])
        return None if run is None else _steady(run, at - run.missed * FRAME_SECONDS)

    def _classify(self, tone: _Steady) -> Iterator[Tone]:
        self._last = [*self._last[-2:], tone]
        kind = self._kind(tone)
        if kind is not None:
            yield Tone(kind=kind, started_at=tone.started_at, ended_at=tone.ended_at)

    def _kind(self, tone: _Steady) -> ToneKind | None:
        if _is_sit(self._last):
            return ToneKind.SIT
        if _fax_answer_seconds(self._last) >= FAX_ANSWER_SECONDS:
            return ToneKind.FAX
        if _is_fax_call(self._last):
            return ToneKind.FAX
        is_ringing = tone.is_within(RINGING_HERTZ) and tone.seconds >= RINGING_SECONDS
        return None if is_ringing or tone.is_within(LINE_HERTZ) else ToneKind.BEEP


def _steady(run: _Run, ended_at: float) -> _Steady | None:
    """The run as a tone; None if it was too short or moved. The frames at both ends hold parts of
    the tone only."""
    hertz, decibels = run.hertz[1:-1], run.decibels[1:-1]
    if ended_at - run.started_at < MIN_TONE_SECONDS or len(hertz) < 3:
        return None
    if np.std(hertz) > MAX_HERTZ_SPREAD or np.std(decibels) > MAX_DECIBEL_SPREAD:
        return None
    return _Steady(float(np.mean(hertz)), run.started_at, ended_at)


def _is_sit(tones: Sequence[_Steady]) -> bool:
    if len(tones) < len(SIT_HERTZ):
        return False
    in_order = all(tone.is_within(hertz) for tone, hertz in zip(tones, SIT_HERTZ, strict=True))
    pairs = pairwise(tones)
    return in_order and all(b.started_at - a.ended_at < SIT_GAP_SECONDS for a, b in pairs)


def _fax_answer_seconds(tones: Sequence[_Steady]) -> float:
    """The length of the last tone if it is that of a fax machine that answers, with the parts of it
    that were before gaps: packets of the audio may be lost."""
    seconds, follows_at = 0.0, tones[-1].started_at
    for tone in reversed(tones):
        if not tone.is_within(FAX_ANSWER_HERTZ) or follows_at - tone.ended_at > MAX_FAX_GAP_SECONDS:
            break
        seconds, follows_at = seconds + tone.seconds, tone.started_at
    return seconds


def _is_fax_call(tones: Sequence[_Steady]) -> bool:
    calls = [tone for tone in tones[-2:] if tone.is_within(FAX_CALL_HERTZ)]
    shortest, longest = FAX_CALL_SECONDS
    if len(calls) < 2 or not all(shortest <= tone.seconds <= longest for tone in calls):
        return False
    return 2.0 < calls[1].started_at - calls[0].started_at < FAX_CALL_PERIOD


class _Cadence:
    """Counts tones of a line that come and go as regularly as a busy tone."""

    def __init__(self) -> None:
        self.began_at = 0.0
        self._is_on = False
        self._changed_at = 0.0
        self._lengths: list[float] = []

    def add(self, at: float, is_on: bool) -> bool:
        """Take a frame. Returns whether a busy tone has been recognized with it."""
        if is_on is self._is_on:
            return False
        length, self._changed_at, self._is_on = at - self._changed_at, at, is_on
        shortest, longest = BUSY_SECONDS
        if not shortest <= length <= longest:
            self._lengths = []
            self.began_at = at
            return False
        self._lengths = [*self._lengths, length][-2 * BUSY_CYCLES :]
        is_complete = len(self._lengths) >= 2 * BUSY_CYCLES - 1 and not is_on
        if is_complete and self._is_regular():
            self._lengths = []
            return True
        return False

    def _is_regular(self) -> bool:
        alternating = (self._lengths[0::2], self._lengths[1::2])
        return all(max(each) - min(each) <= MAX_CYCLE_SPREAD for each in alternating)


def _level(frame: Samples) -> float:
    """In decibels relative to full scale."""
    return float(10 * np.log10(np.mean(np.square(frame)) + 1e-12))


_WINDOW = np.hanning(FRAME).astype(np.float32)
_PAIR_WINDOW = np.hanning(PAIR_WINDOW).astype(np.float32)
_LOWEST, _HIGHEST = round(LOWEST_HERTZ / HERTZ_PER_BIN), round(HIGHEST_HERTZ / HERTZ_PER_BIN)
_AUDIBLE = round(LINE_FROM_HERTZ / HERTZ_PER_BIN)
_PAIR_LOWEST, _PAIR_HIGHEST = (round(each / HERTZ_PER_BIN) for each in PAIR_HERTZ)


def _peak(frame: Samples) -> float | None:
    """The frequency of the one tone in the frame; None if there is more than that."""
    power = np.square(np.abs(np.fft.rfft(frame * _WINDOW, FFT_SIZE)))
    at = int(np.argmax(power))
    if not _LOWEST <= at <= _HIGHEST:
        return None
    around = power[max(0, at - PEAK_BINS) : at + PEAK_BINS + 1].sum()
    if around < MIN_PURITY * power[_AUDIBLE:].sum():
        return None
    left, middle, right = np.log(power[at - 1 : at + 2] + 1e-20)
    curve = left - 2 * middle + right
    offset = 0.0 if curve == 0 else 0.5 * (left - right) / curve
    return float((at + offset) * HERTZ_PER_BIN)


def _is_line_tone(window: Samples) -> bool:
    """Whether the window holds one or two tones of a line and nothing else."""
    power = np.square(np.abs(np.fft.rfft(window * _PAIR_WINDOW)))
    band = power[_PAIR_LOWEST : _PAIR_HIGHEST + 1]
    total = power.sum()
    if band.sum() < MIN_PAIR_PURITY * total:
        return False
    first = int(np.argmax(band))
    rest = band.copy()
    rest[max(0, first - 2) : first + 3] = 0.0
    second = int(np.argmax(rest))
    rest[max(0, second - 2) : second + 3] = 0.0
    return bool(band.sum() - rest.sum() >= MIN_PAIR_PURITY * total)
