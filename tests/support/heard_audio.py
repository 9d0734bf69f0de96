"""What reached a caller, word by word, if agents speak with the voice `WordTones`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from local.emulators.voices import WordTones, plain_word

RATE = 16_000
"""The sample rate of the audio to decode."""


class AudioSink(Protocol):
    def add(self, track: str, samples: NDArray[np.int16]) -> None:
        """Take audio of a track that has just arrived."""


@dataclass(frozen=True, slots=True)
class AudibleWord:
    text: str
    at: float
    """When it became audible, in seconds of `monotonic`."""
    until: float


@dataclass(slots=True)
class _Track:
    frames: list[NDArray[np.int16]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each frame arrived."""


@dataclass(slots=True)
class HeardAudio:
    """The audio of all agents that a caller received."""

    voice: WordTones
    _tracks: dict[str, _Track] = field(default_factory=dict)

    def add(self, track: str, samples: NDArray[np.int16], at: float | None = None) -> None:
        recorded = self._tracks.setdefault(track, _Track())
        recorded.frames.append(samples)
        recorded.times.append(time.monotonic() if at is None else at)

    def words(self, since: float = 0.0) -> list[AudibleWord]:
        """The words that became audible after `since`, in order."""
        heard = [word for track in self._tracks.values() for word in self._words_of(track)]
        return sorted((w for w in heard if w.at > since), key=lambda w: w.at)

    def text(self, since: float = 0.0) -> str:
        return " ".join(word.text for word in self.words(since))

    def _words_of(self, track: _Track) -> list[AudibleWord]:
        decoded = self.voice.decode(np.concatenate(track.frames), RATE)
        ends = np.cumsum([len(frame) / RATE for frame in track.frames])

        def arrival(seconds: float) -> float:
            frame = min(int(np.searchsorted(ends, seconds)), len(ends) - 1)
            return track.times[frame]

        return [AudibleWord(w.text, arrival(w.start), arrival(w.end)) for w in decoded]


def words_of(text: str) -> list[str]:
    """The words of a text as they are decoded."""
    return [plain_word(word) for word in text.split()]
