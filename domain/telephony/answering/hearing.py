"""What is heard from the other side after an outbound phone call was answered.

All times are seconds of one clock, which the caller of these functions chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.telephony.answering.phrases import spoken_words

SPEECH_BEFORE_BEEP_SECONDS = 1.0
"""A tone that follows less speech than this is not the tone of a mailbox."""
SILENCE_AFTER_BEEP_SECONDS = 0.3
"""A tone that speech follows sooner than this belongs to music or to the speech."""
MAX_TEXTS = 100
MAX_TONES = 20
"""Further transcripts and tones are ignored."""


class ToneKind(StrEnum):
    """A tone of the phone network or of a machine."""

    BEEP = "BEEP"
    """One steady tone, such as that of a mailbox."""
    SIT = "SIT"
    """The three rising tones before the announcement of a network."""
    FAX = "FAX"
    BUSY = "BUSY"
    """The tone of a line that is busy or over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    kind: ToneKind
    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard since a moment. `quiet_since` is when the other side was last heard to stop."""

    since: float
    quiet_since: float
    speaking_since: float | None = None
    has_spoken: bool = False
    utterances: int = 0
    """How often the other side has begun to speak."""
    seconds: float = 0.0
    """The length of the speech that is over."""
    finals: tuple[str, ...] = ()
    interim: str = ""
    tones: tuple[Tone, ...] = ()

    @classmethod
    def nothing(cls, since: float) -> Heard:
        return cls(since=since, quiet_since=since)

    def afresh(self, now: float) -> Heard:
        """Nothing as of now, except that a beep still follows the speech before."""
        return replace(Heard.nothing(now), seconds=self.speech_seconds(now))

    @property
    def text(self) -> str:
        return " ".join(filter(None, (*self.finals, self.interim)))

    @property
    def word_count(self) -> int:
        return len(spoken_words(self.text))

    @property
    def is_speaking(self) -> bool:
        return self.speaking_since is not None

    def silence(self, now: float) -> float:
        """How long the other side has been quiet."""
        return 0.0 if self.is_speaking else max(0.0, now - self.quiet_since)

    def speech_seconds(self, now: float) -> float:
        running = 0.0 if self.speaking_since is None else max(0.0, now - self.speaking_since)
        return self.seconds + running

    def words(self, at: float, text: str, is_final: bool) -> Heard:
        """Take a transcript. One that is not final replaces the one before it."""
        if not text.strip():
            return self
        if not self.has_spoken:
            # The speech was too soft to be noticed.
            heard = replace(self, has_spoken=True, quiet_since=at)
            return heard.words(at, text, is_final)
        if is_final:
            return replace(self, finals=(*self.finals, text)[:MAX_TEXTS], interim="")
        return replace(self, interim=text)

    def speech(self, at: float, is_speaking: bool) -> Heard:
        if is_speaking == self.is_speaking:
            return self
        if is_speaking:
            # A mailbox does not speak after its tone.
            kept = tuple(t for t in self.tones if t.kind is not ToneKind.BEEP)
            return replace(
                self,
                speaking_since=at,
                has_spoken=True,
                utterances=self.utterances + 1,
                tones=kept,
            )
        # Speech that continued after a beep was no greeting of a mailbox.
        kept = tuple(t for t in self.tones if not _is_outlasted(t, at))
        return replace(
            self,
            seconds=self.speech_seconds(at),
            speaking_since=None,
            quiet_since=at,
            tones=kept,
        )

    def tone(self, tone: Tone) -> Heard:
        before = self.speech_seconds(tone.started_at)
        if tone.kind is ToneKind.BEEP and before < SPEECH_BEFORE_BEEP_SECONDS:
            return self
        quiet_since = max(self.quiet_since, tone.ended_at)
        return replace(self, tones=(*self.tones, tone)[:MAX_TONES], quiet_since=quiet_since)

    def has_tone(self, kind: ToneKind, now: float) -> bool:
        """Whether the tone was heard; a beep counts only once it was followed by a moment of silence, and
        while nothing is said: a person may speak before and after the beep of something near them."""
        if kind is ToneKind.BEEP and self.is_speaking:
            return False
        silence = SILENCE_AFTER_BEEP_SECONDS if kind is ToneKind.BEEP else 0.0
        return any(t.kind is kind and now >= t.ended_at + silence for t in self.tones)


def _is_outlasted(tone: Tone, speech_until: float) -> bool:
    later = speech_until > tone.ended_at + SILENCE_AFTER_BEEP_SECONDS
    return tone.kind is ToneKind.BEEP and later
