"""Rules by which what was heard shows who answered. A verdict may be revised when more is heard."""

from __future__ import annotations

from dataclasses import dataclass

from domain.telephony.answering.hearing import Heard, ToneKind
from domain.telephony.answering.phrases import find_phrase
from domain.workflows.answering import AnswerEvidence as Evidence
from domain.workflows.answering import AnsweringParty as Party

GREETED_SILENCE_SECONDS = 0.45
"""A party that has said a few words and is quiet for this long waits for us."""
WORDLESS_SILENCE_SECONDS = 1.25
"""The same, when there is no transcript."""
UNDECIDED_SILENCE_SECONDS = 0.6
"""The same, when no rule applies to a longer greeting."""
SHORT_GREETING_WORDS = 5
SHORT_SPEECH_SECONDS = 2.5
MAX_QUOTE_LENGTH = 200

BEFORE_A_BEEP = frozenset({Party.VOICEMAIL, Party.IVR, Party.UNREACHABLE})
"""Those that are mailboxes if a beep follows."""
BEFORE_A_BUSY_TONE = frozenset({Party.VOICEMAIL, Party.NO_MESSAGE, Party.UNREACHABLE})
"""Those whose line is over when a busy tone follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who answered, and what that rests on. `quote` has the words that decided, if words did."""

    party: Party
    evidence: tuple[Evidence, ...]
    quote: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether something other than words confirms the words, so that a call may be ended."""
        words = Evidence.WORDS in self.evidence or Evidence.MODEL in self.evidence
        return Evidence.TONE in self.evidence and (words or self.party in PROVED_BY_TONE)


PROVED_BY_TONE = frozenset({Party.FAX, Party.UNREACHABLE})
"""Those whose tone no person and no mailbox makes."""


def judge(
    heard: Heard, now: float, silent_seconds: float, prior: Verdict | None = None
) -> Verdict | None:
    """Who answered, as far as it is known; None while it is not. `prior` decides where no rule
    does."""
    if heard.has_tone(ToneKind.FAX, now):
        return Verdict(party=Party.FAX, evidence=(Evidence.TONE,))
    spoken = _by_words(heard) or prior
    if spoken is None:
        return _by_tone(heard, now) or _by_length(heard, now, silent_seconds)
    return _confirmed(spoken, heard, now)


def _by_words(heard: Heard) -> Verdict | None:
    match = find_phrase(heard.text)
    if match is None:
        return None
    quote = match.quote[:MAX_QUOTE_LENGTH]
    return Verdict(party=match.party, evidence=(Evidence.WORDS,), quote=quote)


def _confirmed(spoken: Verdict, heard: Heard, now: float) -> Verdict:
    """The verdict together with what the tones add to it. Tones never outweigh a person's words."""
    if spoken.party is Party.PERSON:
        return spoken
    with_tone = (*spoken.evidence, Evidence.TONE)
    if heard.has_tone(ToneKind.SIT, now) and spoken.party is not Party.SCREENER:
        return Verdict(party=Party.UNREACHABLE, evidence=with_tone, quote=spoken.quote)
    if heard.has_tone(ToneKind.BEEP, now):
        party = Party.VOICEMAIL if spoken.party in BEFORE_A_BEEP else spoken.party
        return Verdict(party=party, evidence=with_tone, quote=spoken.quote)
    if heard.has_tone(ToneKind.BUSY, now) and spoken.party in BEFORE_A_BUSY_TONE:
        return Verdict(party=spoken.party, evidence=with_tone, quote=spoken.quote)
    return spoken


def _by_tone(heard: Heard, now: float) -> Verdict | None:
    if heard.has_tone(ToneKind.SIT, now) or heard.has_tone(ToneKind.BUSY, now):
        return Verdict(party=Party.UNREACHABLE, evidence=(Evidence.TONE,))
    if heard.has_tone(ToneKind.BEEP, now):
        return Verdict(party=Party.VOICEMAIL, evidence=(Evidence.TONE,))
    return None


def _by_length(heard: Heard, now: float, silent_seconds: float) -> Verdict | None:
    silence = heard.silence(now)
    if not heard.has_spoken:
        is_silent = now - heard.since >= silent_seconds
        return Verdict(party=Party.UNSURE, evidence=(Evidence.SILENCE,)) if is_silent else None
    if heard.word_count == 0:
        is_short = heard.speech_seconds(now) <= SHORT_SPEECH_SECONDS
        needed = WORDLESS_SILENCE_SECONDS
    else:
        is_short = heard.word_count <= SHORT_GREETING_WORDS
        needed = GREETED_SILENCE_SECONDS if is_short else UNDECIDED_SILENCE_SECONDS
    if silence < needed:
        return None
    return Verdict(party=Party.PERSON if is_short else Party.UNSURE, evidence=(Evidence.LENGTH,))
