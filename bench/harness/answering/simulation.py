"""Runs the decision about who answered on a greeting, in simulated time.

The words are known, and reach the decision as late as those of an STT. After our words, a person
answers and a machine stays silent, or the other way round for a person who has nothing to say."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from bench.harness.answering.voices import HeardGreeting, Spoken
from domain.telephony.answering.detection import Action, AnswerDetection
from domain.telephony.answering.hearing import Tone
from domain.telephony.answering.phrases import spoken_words
from domain.telephony.answering.verdicts import Verdict
from domain.workflows.answering import AnsweringParty, AnsweringSettings

INTERIM_SECONDS = 0.3
WORD_DELAY_SECONDS = 0.3
FINAL_DELAY_SECONDS = 0.4
VAD_DELAY_SECONDS = 0.1
VAD_SILENCE_SECONDS = 0.55
FIRST_SOUND_SECONDS = 0.25
"""From the decision to our first sound: the voice has to begin."""
OUR_SECONDS = 3.0
REPLY_SECONDS = 0.8
LIMIT_SECONDS = 120.0

Report = Callable[[AnswerDetection], AnswerDetection]


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the other side behaves, and how well it is understood."""

    word_errors: float = 0.0
    interim: bool = True
    persons_answer: bool = True


@dataclass(slots=True)
class Outcome:
    """What was decided. Times are in seconds from the answer."""

    verdicts: list[tuple[float, Verdict]] = field(default_factory=list)
    actions: list[tuple[float, Action]] = field(default_factory=list)

    @property
    def party(self) -> AnsweringParty:
        return self.verdicts[-1][1].party if self.verdicts else AnsweringParty.UNSURE

    @property
    def is_hung_up(self) -> bool:
        return any(
            action in (Action.HANG_UP, Action.END_AFTER_MESSAGE) for _, action in self.actions
        )

    def first(self, action: Action) -> float | None:
        return next((at for at, each in self.actions if each is action), None)


class Simulation:
    def __init__(
        self,
        heard: HeardGreeting,
        tones: tuple[Tone, ...],
        settings: AnsweringSettings,
        conditions: Conditions = Conditions(),
    ) -> None:
        self._is_person = heard.greeting.who is AnsweringParty.PERSON
        self._conditions = conditions
        self._random = random.Random(heard.greeting.id)
        self._detection = AnswerDetection.start(settings, 0.0)
        self._queue: list[tuple[float, int, Report]] = []
        self._order = count()
        self._outcome = Outcome()
        for spoken in _joined(heard.spoken):
            self._say(spoken)
        for tone in tones:
            self._add(tone.ended_at + 0.03, lambda m, tone=tone: m.tone(tone))  # type: ignore[misc]

    def run(self) -> Outcome:
        now = 0.0
        while now < LIMIT_SECONDS and not self._is_over:
            check = self._detection.next_check(now)
            reported = self._queue[0][0] if self._queue else None
            times = [at for at in (check, reported) if at is not None]
            if not times:
                break
            now = max(now, min(times)) + 1e-6
            while self._queue and self._queue[0][0] <= now:
                self._detection = heapq.heappop(self._queue)[2](self._detection)
            self._step(now)
        return self._outcome

    @property
    def _is_over(self) -> bool:
        ends = (Action.HANG_UP, Action.END_AFTER_MESSAGE, Action.SETTLE)
        return any(action in ends for _, action in self._outcome.actions)

    def _step(self, now: float) -> None:
        self._detection, action = self._detection.step(now)
        verdict, verdicts = self._detection.verdict, self._outcome.verdicts
        is_new = not verdicts or (verdict and verdict.party is not verdicts[-1][1].party)
        if verdict is not None and is_new:
            verdicts.append((now, verdict))
        if action is None:
            return
        self._outcome.actions.append((now, action))
        if action is Action.ASK_MODEL:
            self._add(now + 0.6, lambda detection: detection.model_answered(None))
        elif action in (Action.GREET, Action.LEAVE_MESSAGE, Action.INTRODUCE):
            self._speak(now)

    def _speak(self, now: float) -> None:
        over = now + FIRST_SOUND_SECONDS + OUR_SECONDS
        self._add(over, lambda detection: detection.spoken(over))
        if self._is_person and self._conditions.persons_answer:
            at = over + REPLY_SECONDS
            self._say(Spoken("well that is fine with me", at, at + 1.5))

    # ---- what the other side says ----------------------------------------------------------

    def _add(self, at: float, report: Report) -> None:
        heapq.heappush(self._queue, (at, next(self._order), report))

    def _say(self, spoken: Spoken) -> None:
        start, end = spoken.start, spoken.end
        self._add(start + VAD_DELAY_SECONDS, lambda detection: detection.speech(start, True))
        self._add(end + VAD_SILENCE_SECONDS, lambda detection: detection.speech(end, False))
        words = [(word, at) for word, at in timed_words(spoken) if self._is_understood()]
        if self._conditions.interim:
            at = start + INTERIM_SECONDS
            while at < end + WORD_DELAY_SECONDS:
                self._transcribe(words, at, at - WORD_DELAY_SECONDS, is_final=False)
                at += INTERIM_SECONDS
        self._transcribe(words, end + FINAL_DELAY_SECONDS, end, is_final=True)

    def _is_understood(self) -> bool:
        return self._random.random() >= self._conditions.word_errors

    def _transcribe(
        self, words: list[tuple[str, float]], at: float, until: float, is_final: bool
    ) -> None:
        text = " ".join(word for word, end in words if end <= until + 1e-9)
        self._add(at, lambda detection: detection.words(at, text, is_final))


def decisive_moment(heard: HeardGreeting, verdict: Verdict) -> float | None:
    """When the words that decided had been said; None if it was not words."""
    said = [
        (each, end)
        for spoken in heard.spoken
        for word, end in timed_words(spoken)
        for each in spoken_words(word)
    ]
    quote = spoken_words(verdict.quote)
    for at in range(len(said) - len(quote) + 1):
        if quote and tuple(word for word, _ in said[at : at + len(quote)]) == quote:
            return said[at + len(quote) - 1][1]
    return None


def timed_words(spoken: Spoken) -> Iterator[tuple[str, float]]:
    """The words and when each of them ends, as if all letters took the same time."""
    letters, length = 0, max(1, len(spoken.text))
    for word in spoken.text.split():
        letters += len(word) + 1
        share = min(1.0, letters / length)
        yield word, spoken.start + share * (spoken.end - spoken.start)


def _joined(parts: tuple[Spoken, ...]) -> Iterator[Spoken]:
    """The utterances that a VAD separates."""
    before: Spoken | None = None
    for part in parts:
        if before is not None and part.start - before.end < VAD_SILENCE_SECONDS:
            before = Spoken(f"{before.text} {part.text}", before.start, part.end)
            continue
        if before is not None:
            yield before
        before = part
    if before is not None:
        yield before
