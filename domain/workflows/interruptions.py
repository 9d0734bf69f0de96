"""Interruptions: what a caller must say while an agent speaks for the agent to stop and listen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import lru_cache

from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import check_text
from domain.workflows.interruption_phrases import ACKNOWLEDGEMENTS, DEMANDS, SOUNDS
from domain.workflows.spoken_texts import FALLBACK_LANGUAGE, text_language

MAX_PHRASES = 50
MAX_PHRASE_LENGTH = 100
MAX_MIN_WORDS = 10

Words = tuple[str, ...]


class InterruptedBy(StrEnum):
    """What makes an agent that speaks stop and listen."""

    SOUND = "SOUND"
    WORDS = "WORDS"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """How a caller interrupts an agent. Times are in seconds.

    `ignore` and `always` that are None stand for the built-in phrases of the agent's languages. An
    agent that paused for a sound continues after `resume_after` of silence; None makes every pause
    final."""

    by: InterruptedBy = InterruptedBy.WORDS
    min_words: int = 1
    min_seconds: float = 0.5
    ignore: tuple[str, ...] | None = None
    always: tuple[str, ...] | None = None
    resume_after: float | None = 2.0


def check_interruption(interruption: Interruption, path: Path) -> None:
    """Raise `InvalidInput` for the first field that breaks a rule."""
    if not 1 <= interruption.min_words <= MAX_MIN_WORDS:
        raise InvalidInput(f"minWords must be between 1 and {MAX_MIN_WORDS}.", (*path, "minWords"))
    resume_after = 0.3 if interruption.resume_after is None else interruption.resume_after
    limits = {
        "minSeconds": (interruption.min_seconds, 0.05, 3.0),
        "resumeAfter": (resume_after, 0.3, 10.0),
    }
    for name, (value, minimum, maximum) in limits.items():
        if not minimum <= value <= maximum:
            raise InvalidInput(
                f"{name} must be between {minimum:g} and {maximum:g} seconds.", (*path, name)
            )
    ignored = _check_phrases(interruption.ignore, (*path, "ignore"))
    for index, phrase in enumerate(interruption.always or ()):
        if split_words(phrase) in ignored:
            raise InvalidInput(
                "A phrase must not be in both ignore and always.", (*path, "always", str(index))
            )
    _check_phrases(interruption.always, (*path, "always"))


def _check_phrases(phrases: tuple[str, ...] | None, path: Path) -> frozenset[Words]:
    if phrases is not None and len(phrases) > MAX_PHRASES:
        raise InvalidInput(f"{path[-1]} must not have more than {MAX_PHRASES} items.", path)
    seen: set[Words] = set()
    for index, phrase in enumerate(phrases or ()):
        here = (*path, str(index))
        check_text(phrase, here, max_length=MAX_PHRASE_LENGTH)
        words = split_words(phrase)
        if not words:
            raise InvalidInput("A phrase must contain a letter or a digit.", here)
        if words in seen:
            raise InvalidInput("The same item is listed twice.", here)
        seen.add(words)
    return frozenset(seen)


# ---- judging what the caller says ----------------------------------------------------------


class Utterance(Enum):
    """What a caller's words mean to an agent that speaks."""

    IGNORED = auto()
    """An acknowledgement, or too few words: the agent continues, and it is no turn."""
    INTERRUPTS = auto()
    """The caller takes the turn."""
    INTERRUPTS_AT_ONCE = auto()
    """The caller takes the turn, however short the utterance is."""


@dataclass(frozen=True, slots=True)
class InterruptionRules:
    min_words: int
    ignored: frozenset[Words]
    urgent: frozenset[Words]

    def judge(self, text: str, *, is_final: bool) -> Utterance:
        """What the utterance means as far as it is transcribed. Without `is_final` more words may
        follow, so that "uh" may become "uh huh"."""
        words = split_words(text)
        if _consists_of(words, self.ignored, may_continue=not is_final):
            return Utterance.IGNORED
        if any(_contains(words, phrase) for phrase in self.urgent):
            return Utterance.INTERRUPTS_AT_ONCE
        return Utterance.INTERRUPTS if len(words) >= self.min_words else Utterance.IGNORED


@lru_cache(maxsize=256)
def interruption_rules(interruption: Interruption, languages: frozenset[str]) -> InterruptionRules:
    """The rules for an agent. `languages` are those that the caller may speak; English if none is
    known."""
    spoken = {text_language(tag) for tag in languages} or {FALLBACK_LANGUAGE}
    urgent = _phrases(interruption.always, _of_languages(DEMANDS, spoken))
    ignored = _phrases(interruption.ignore, (*SOUNDS, *_of_languages(ACKNOWLEDGEMENTS, spoken)))
    # A phrase that the agent lists itself has priority over the built-in ones.
    if interruption.ignore is not None and interruption.always is None:
        urgent -= ignored
    return InterruptionRules(interruption.min_words, ignored - urgent, urgent)


def _phrases(own: tuple[str, ...] | None, built_in: Iterable[str]) -> frozenset[Words]:
    return frozenset(split_words(phrase) for phrase in (built_in if own is None else own))


def _of_languages(
    phrases: Mapping[str, tuple[str, ...]], languages: Iterable[str]
) -> tuple[str, ...]:
    return tuple(phrase for each in languages for phrase in phrases.get(each, ()))


WITHOUT_SPACES = re.compile("([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
"""Thai, kana and Chinese characters: each counts as a word, as LiveKit counts them."""
LENGTHENED = re.compile(r"(\w)\1{2,}")
APOSTROPHES = re.compile("['’]")


def split_words(text: str) -> Words:
    """The words in lower case and without punctuation; "mmmm" is "mm"."""
    folded = APOSTROPHES.sub("", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return tuple(WITHOUT_SPACES.sub(r" \1 ", LENGTHENED.sub(r"\1\1", letters)).split())


def _consists_of(words: Words, phrases: frozenset[Words], *, may_continue: bool) -> bool:
    """Whether the words are nothing but a sequence of such phrases; the last one may be incomplete
    if `may_continue`."""
    longest = max(map(len, phrases), default=0)
    reachable = [True]
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        reachable.append(any(reachable[at] and words[at:end] in phrases for at in starts))
    if not may_continue:
        return reachable[-1]
    return any(
        reachable[at] and any(phrase[: len(words) - at] == words[at:] for phrase in phrases)
        for at in range(max(0, len(words) - longest), len(words) + 1)
    )


def _contains(words: Words, phrase: Words) -> bool:
    starts = range(len(words) - len(phrase) + 1)
    return any(words[at : at + len(phrase)] == phrase for at in starts)
