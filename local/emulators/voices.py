"""The voices of the text-to-speech emulators.

`WordTones` says each distinct word as a tone of its own frequency, so that a test can decode from the
audio which words reached the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from local.emulators.audio import tone

LOWEST_HERTZ = 400.0
HERTZ_BETWEEN_WORDS = 35.0
MAX_WORDS = 90
"""The tones stay below 3.6 kHz, which every codec transmits."""
SOUNDING_PART = 0.8
"""Part of a word's time that it sounds; the rest is silence, so that words do not touch."""
FADE_SECONDS = 0.005
WINDOW_SECONDS = 0.04
HOP_SECONDS = 0.02
MIN_AMPLITUDE = 300.0
MIN_HOPS = 2
"""Fewer hops with the same frequency are a transition between two words."""
MIN_HOPS_OF_WORD = 4
MAX_HERTZ_OFF = 12.0
FFT_SIZE = 4096


class Voice(Protocol):
    """Turns words into audio; every word takes `word_seconds`."""

    @property
    def word_seconds(self) -> float: ...

    def speak(self, words: Sequence[str], rate: int) -> bytes:
        """16-bit PCM of the words."""


@dataclass(frozen=True, slots=True)
class Monotone:
    """One tone for everything, without pauses."""

    word_seconds: float = 0.12

    def speak(self, words: Sequence[str], rate: int) -> bytes:
        return tone(self.word_seconds * len(words), rate)


@dataclass(frozen=True, slots=True)
class HeardWord:
    text: str
    start: float
    """Seconds from the start of the audio."""
    end: float


@dataclass(slots=True)
class WordTones:
    """A tone per distinct word, ignoring case and punctuation at its ends."""

    word_seconds: float = 0.3
    vocabulary: list[str] = field(default_factory=list)
    """The words spoken so far; the position of a word determines its frequency."""

    def speak(self, words: Sequence[str], rate: int) -> bytes:
        return b"".join(self._speak_word(word, rate) for word in words)

    def _speak_word(self, word: str, rate: int) -> bytes:
        size = int(rate * self.word_seconds)
        sound = np.zeros(size, np.int16)
        hertz = LOWEST_HERTZ + HERTZ_BETWEEN_WORDS * self._index_of(word)
        sounding = np.frombuffer(tone(self.word_seconds * SOUNDING_PART, rate, hertz), np.int16)
        fade = np.linspace(0.0, 1.0, int(rate * FADE_SECONDS))
        envelope = np.ones(len(sounding))
        envelope[: len(fade)], envelope[-len(fade) :] = fade, fade[::-1]
        sound[: len(sounding)] = (sounding * envelope).astype(np.int16)
        return sound.tobytes()

    def _index_of(self, word: str) -> int:
        plain = plain_word(word)
        if plain not in self.vocabulary:
            if len(self.vocabulary) == MAX_WORDS:
                raise ValueError(f"this voice has no tone left for {word!r}")
            self.vocabulary.append(plain)
        return self.vocabulary.index(plain)

    def decode(self, samples: NDArray[np.int16], rate: int) -> list[HeardWord]:
        """The words in the audio. A word that was cut off counts from 80 ms on; a word that follows
        itself counts once, as one that was interrupted for a moment."""
        heard: list[tuple[int, int, int, int]] = []
        """The index of each word, its first and last hop, and for how many hops it sounds."""
        position = 0
        for index, hops in groupby(self._indices(samples, rate)):
            first, count = position, sum(1 for _ in hops)
            position += count
            if index < 0 or count < MIN_HOPS:
                continue
            if heard and heard[-1][0] == index:
                _, first, _, before = heard.pop()
                count += before
            heard.append((index, first, position, count))
        loud = np.flatnonzero(np.abs(samples) > MIN_AMPLITUDE)
        hop, window = int(rate * HOP_SECONDS), int(rate * WINDOW_SECONDS)

        def audible(first: int, last: int) -> tuple[float, float]:
            start, end = np.searchsorted(loud, (first * hop, (last - 1) * hop + window))
            return float(loud[start]) / rate, float(loud[end - 1]) / rate

        return [
            HeardWord(self.vocabulary[index], *audible(first, last))
            for index, first, last, count in heard
            if count >= MIN_HOPS_OF_WORD
        ]

    def _indices(self, samples: NDArray[np.int16], rate: int) -> list[int]:
        """The index of the word in each hop; -1 for silence and for what is no word."""
        window, hop = int(rate * WINDOW_SECONDS), int(rate * HOP_SECONDS)
        if len(samples) < window or not self.vocabulary:
            return []
        frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
        indices: list[int] = []
        for chunk in np.array_split(frames.astype(np.float32), max(1, len(frames) // 500)):
            spectrum = np.abs(np.fft.rfft(chunk * np.hanning(window), FFT_SIZE))
            hertz = spectrum.argmax(axis=1) * rate / FFT_SIZE
            index = np.rint((hertz - LOWEST_HERTZ) / HERTZ_BETWEEN_WORDS).astype(int)
            off = np.abs(hertz - LOWEST_HERTZ - HERTZ_BETWEEN_WORDS * index)
            loud = np.abs(chunk).max(axis=1) > MIN_AMPLITUDE
            known = (index >= 0) & (index < len(self.vocabulary)) & (off <= MAX_HERTZ_OFF)
            indices.extend(np.where(loud & known, index, -1).tolist())
        return indices


def plain_word(word: str) -> str:
    return word.strip(".,;:!?\"'()").casefold()
