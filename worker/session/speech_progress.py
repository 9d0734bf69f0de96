"""Which words of an agent's speech have been played, from the audio and the timestamps of its voice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livekit.agents.types import TimedString
from livekit.agents.utils import is_given
from livekit.agents.voice import SpeechHandle

MAX_SKIPPED_CHARACTERS = 20
"""A word that the voice reports is looked for this far ahead in the text. Voices report some words in
another form than they are written, such as numbers."""


SpeechKey = tuple[str, int]
"""The id of a speech of the session and the number of its step; each reply to a tool is a step."""


def speech_key(speech: SpeechHandle | None) -> SpeechKey | None:
    return None if speech is None else (speech.id, speech.num_steps)


@dataclass(frozen=True, slots=True)
class TimedText:
    """A part of the text, and when it is spoken, in seconds from the start of the speech."""

    text: str
    start: float
    end: float | None
    """None if it is spoken until the next part begins, or until the audio ends."""


class SpeechProgress:
    """One speech, from the first word of its text to the end of its audio."""

    def __init__(self) -> None:
        self.text = ""
        """The text as far as it has been generated."""
        self._parts: list[TimedText] = []
        self._audio_seconds = 0.0
        self._is_complete = False

    def add_timestamps(self, words: Iterable[TimedString]) -> None:
        for word in words:
            if is_given(word.start_time):
                end = word.end_time if is_given(word.end_time) else None
                self._parts.append(TimedText(str(word), word.start_time, end))

    def add_audio(self, seconds: float) -> None:
        self._audio_seconds += seconds

    def audio_ended(self) -> None:
        """The audio of the whole text has been added."""
        self._is_complete = True

    def heard_text(self, played_seconds: float) -> str | None:
        """The start of the text that is heard in so many seconds of the audio; None if that is not
        known, because the voice sends no timestamps and more audio is to come."""
        parts = self._parts
        if not parts and self._is_complete:
            parts = [TimedText(self.text, 0.0, self._audio_seconds)]
        if not parts:
            return None
        heard = [word for word, middle in self._words(parts) if middle <= played_seconds]
        end = _end_of(heard, self.text)
        return None if heard and not end else self.text[:end].strip()

    def _words(self, parts: list[TimedText]) -> Iterator[tuple[str, float]]:
        """Every word, and the middle of the time in which it is spoken."""
        ends = [part.start for part in parts[1:]] + [self._audio_seconds]
        for part, following in zip(parts, ends, strict=True):
            seconds = max(0.0, (following if part.end is None else part.end) - part.start)
            words = part.text.split()
            characters, before = sum(map(len, words)), 0
            for word in words:
                yield word, part.start + seconds * (before + len(word) / 2) / characters
                before += len(word)


def _end_of(words: list[str], text: str) -> int:
    """Where the words, which come in order, end in the text."""
    end = 0
    for word in words:
        found = text.find(word, end, end + len(word) + MAX_SKIPPED_CHARACTERS)
        if found >= 0:
            end = found + len(word)
    return end
