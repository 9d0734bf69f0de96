"""Decides what to do after an outbound phone call was answered, from what is heard and said.

The verdict and the deed are two things. A verdict may come early and be revised; a deed waits for its
proof. Nobody is hung up on because of words alone: the call is ended after a tone that confirms them,
or when the other side stays quiet after we have spoken. The machine is a value: each report returns the
next one, and `step` returns what to do now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from domain.telephony.answering.hearing import HUSH_AFTER_BEEP_SECONDS, Heard, Tone, ToneKind
from domain.telephony.answering.phrases import asks_to_wait, find_phrase
from domain.telephony.answering.verdicts import (
    GREETED_HUSH_SECONDS,
    UNDECIDED_HUSH_SECONDS,
    WORDLESS_HUSH_SECONDS,
    Verdict,
    judge,
)
from domain.workflows.answering import AnswerEvidence as Evidence
from domain.workflows.answering import AnsweringParty as Party
from domain.workflows.answering import (
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)

NO_TONE_HUSH_SECONDS = 2.0
"""After this much hush a mailbox is taken to record without a tone."""
QUIET_AFTER_US_SECONDS = 4.0
"""What is quiet for this long after we have spoken to it, and sounded like a machine, is one."""
MENU_HUSH_SECONDS = 1.5
"""After this much hush a menu has been read out."""
MAX_LISTENING_SECONDS = 20.0
"""The agent speaks to whoever is still undecided then. After the greeting, verdicts are revised for
as long again."""
MAX_ROUNDS = 2
"""How often a screener is told who is calling."""
MAX_ANSWERS_TO_US = 2
"""Whoever has answered us this often is settled."""
ROUNDING_SECONDS = 0.001
"""A deadline is checked this much later, so that the time that has passed is not rounded down."""
MIN_PERSON_WORDS = 2
"""A mailbox does not speak while it records: this many words are a person's."""


class Phase(Enum):
    LISTENING = auto()
    """Nothing has been said to the other side."""
    GREETED = auto()
    """The agent speaks; what is heard may still revise the verdict."""
    LEAVING_MESSAGE = auto()
    MESSAGE_LEFT = auto()
    """The message was said without a tone before it; perhaps to a person, who would answer."""
    INTRODUCING = auto()
    SCREENED = auto()
    """A screener knows who is calling and looks for the person."""
    NAVIGATING = auto()
    """Somebody else operates the menu until a person answers."""
    SETTLED = auto()


class Deed(Enum):
    """What to do now."""

    ASK_MODEL = auto()
    GREET = auto()
    LEAVE_MESSAGE = auto()
    """Also to say the message again, because a tone came while it was said."""
    INTRODUCE = auto()
    NAVIGATE = auto()
    HANG_UP = auto()
    END_AFTER_MESSAGE = auto()
    SETTLE = auto()
    """Listen no more."""


class ModelState(Enum):
    NOT_ASKED = auto()
    ASKED = auto()
    DONE = auto()


ENDED_IF_QUIET = frozenset({Party.NO_MESSAGE, Party.UNREACHABLE, Party.FAX})
"""Those that nobody can speak to, whatever the settings are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringMachine:
    settings: AnsweringSettings
    heard: Heard
    phase: Phase = Phase.LISTENING
    verdict: Verdict | None = None
    model_state: ModelState = ModelState.NOT_ASKED
    prior: Verdict | None = None
    """A verdict that decides where no rule does: of a model, or of the worker before."""
    rounds: int = 0
    """How often a screener has been told who is calling."""
    spoke_until: float | None = None
    """When our first words of this phase were over; None before."""
    stretches_before: int = 0
    """How often the other side had begun to speak by then."""
    tone_heard: bool = False
    """Whether a tone came before the message that is said."""

    @classmethod
    def start(
        cls, settings: AnsweringSettings, now: float, prior: Verdict | None = None
    ) -> AnsweringMachine:
        return cls(settings=settings, heard=Heard.nothing(now), prior=prior)

    # ---- reports ---------------------------------------------------------------------------

    def words(self, at: float, text: str, is_final: bool) -> AnsweringMachine:
        return replace(self, heard=self.heard.words(at, text, is_final))

    def speech(self, at: float, is_speaking: bool) -> AnsweringMachine:
        return replace(self, heard=self.heard.speech(at, is_speaking))

    def tone(self, tone: Tone) -> AnsweringMachine:
        return replace(self, heard=self.heard.tone(tone))

    def model_answered(self, verdict: Verdict | None) -> AnsweringMachine:
        return replace(self, model_state=ModelState.DONE, prior=verdict)

    def spoken(self, at: float) -> AnsweringMachine:
        """Our words are over: the greeting, the message or the introduction."""
        machine = self
        if self.spoke_until is None:
            machine = replace(self, spoke_until=at, stretches_before=self.heard.stretches)
        if self.phase is Phase.LEAVING_MESSAGE:
            return replace(machine, phase=Phase.MESSAGE_LEFT)
        if self.phase is Phase.INTRODUCING:
            return replace(machine, phase=Phase.SCREENED, heard=Heard.nothing(at))
        return machine

    def listen_again(self, at: float) -> AnsweringMachine:
        """Somebody else speaks now, such as the person behind a screener or a menu."""
        return replace(
            self,
            phase=Phase.LISTENING,
            heard=Heard.nothing(at),
            verdict=None,
            prior=None,
            model_state=ModelState.NOT_ASKED,
            spoke_until=None,
        )

    def somebody_heard(self, at: float, text: str) -> AnsweringMachine:
        """Somebody other than the menu says this."""
        return self.listen_again(at).words(at, text, is_final=True)

    def menu_heard(self, at: float) -> AnsweringMachine:
        """The menu that was read out so far has been acted upon."""
        return replace(self, heard=Heard.nothing(at))

    # ---- decisions -------------------------------------------------------------------------

    def step(self, now: float) -> tuple[AnsweringMachine, Deed | None]:
        """The next machine, and what to do now; None if there is nothing to do."""
        match self.phase:
            case Phase.LISTENING:
                return self._listen(now)
            case Phase.GREETED:
                return self._watch(now)
            case Phase.LEAVING_MESSAGE | Phase.MESSAGE_LEFT:
                return self._follow_message(now)
            case Phase.SCREENED:
                return self._wait_for_person(now)
            case Phase.INTRODUCING | Phase.NAVIGATING | Phase.SETTLED:
                return self, None

    def next_check(self, now: float) -> float | None:
        """When `step` may decide something although nothing more is reported; None if never."""
        later = (at + ROUNDING_SECONDS for at in self._checks())
        return min((at for at in later if at > now), default=None)

    def _checks(self) -> Iterator[float]:
        if self.phase in (Phase.INTRODUCING, Phase.NAVIGATING, Phase.SETTLED):
            return
        heard, settings = self.heard, self.settings
        yield heard.since + settings.silent_seconds
        yield heard.since + settings.tone_seconds
        yield heard.since + MAX_LISTENING_SECONDS
        for hush in HUSHES:
            yield heard.quiet_since + hush
        for tone in heard.tones:
            yield tone.ended_at + HUSH_AFTER_BEEP_SECONDS
        if self.spoke_until is not None:
            quiet_since = max(heard.quiet_since, self.spoke_until)
            yield quiet_since + NO_TONE_HUSH_SECONDS
            yield quiet_since + QUIET_AFTER_US_SECONDS
            yield self.spoke_until + MAX_LISTENING_SECONDS
            yield self.spoke_until + settings.screening_seconds

    def _listen(self, now: float) -> tuple[AnsweringMachine, Deed | None]:
        verdict = judge(self.heard, now, self.settings.silent_seconds, self.prior)
        machine = replace(self, verdict=verdict)
        deed = _deed(machine, now)
        if deed is Deed.ASK_MODEL:
            return replace(machine, model_state=ModelState.ASKED), deed
        return machine._begin(deed, now), deed

    def _begin(self, deed: Deed | None, now: float) -> AnsweringMachine:
        if deed is None:
            return self
        machine = replace(self, phase=PHASES[deed], spoke_until=None)
        match deed:
            case Deed.LEAVE_MESSAGE:
                # What is heard from now on is not the greeting any more.
                return replace(machine, heard=self.heard.afresh(now), tone_heard=self._has_tone)
            case Deed.INTRODUCE:
                return replace(machine, rounds=self.rounds + 1)
        return machine

    @property
    def _has_tone(self) -> bool:
        return self.verdict is not None and Evidence.TONE in self.verdict.evidence

    def _watch(self, now: float) -> tuple[AnsweringMachine, Deed | None]:
        """After the greeting: revise the verdict, until it is settled."""
        machine = replace(self, verdict=self._revised(now))
        deed = _revised_deed(machine, now)
        if deed is not None:
            return machine._begin(deed, now), deed
        if machine._is_settled(now):
            return replace(machine, phase=Phase.SETTLED), Deed.SETTLE
        return machine, None

    def _revised(self, now: float) -> Verdict | None:
        """The verdict with what was heard since. What the length of the speech tells is only that
        somebody is there, and the line of a person who has hung up may give a tone."""
        before = self.verdict
        verdict = judge(self.heard, now, self.settings.silent_seconds, self.prior)
        if verdict is None or before is None or verdict.party is Party.UNSURE:
            return before
        if verdict.evidence == (Evidence.LENGTH,) and before.party is not Party.UNSURE:
            return before
        if verdict.evidence == (Evidence.TONE,) and before.party is Party.PERSON:
            return before
        return verdict

    def _is_settled(self, now: float) -> bool:
        if self.spoke_until is None:
            return False
        answers = self.heard.stretches - self.stretches_before
        has_answered = answers >= MAX_ANSWERS_TO_US and not self.heard.is_speaking
        return has_answered or now >= self.spoke_until + MAX_LISTENING_SECONDS

    def _follow_message(self, now: float) -> tuple[AnsweringMachine, Deed | None]:
        heard = self.heard
        if self._is_person_answering:
            verdict = Verdict(party=Party.PERSON, evidence=(Evidence.WORDS,), quote=heard.text)
            return replace(self, verdict=verdict)._begin(Deed.GREET, now), Deed.GREET
        if not self.tone_heard and heard.has_tone(ToneKind.BEEP, now):
            again = replace(self, phase=Phase.LEAVING_MESSAGE, heard=heard.afresh(now))
            return replace(again, tone_heard=True, spoke_until=None), Deed.LEAVE_MESSAGE
        if self.phase is Phase.LEAVING_MESSAGE:
            return self, None
        if self.tone_heard or self._quiet_after_us(now) >= QUIET_AFTER_US_SECONDS:
            return replace(self, phase=Phase.SETTLED), Deed.END_AFTER_MESSAGE
        return self, None

    @property
    def _is_person_answering(self) -> bool:
        """Whether words were heard that a machine would not say while it records."""
        match = find_phrase(self.heard.text)
        is_machine = match is not None and match.party is not Party.PERSON
        return self.heard.word_count >= MIN_PERSON_WORDS and not is_machine

    def _wait_for_person(self, now: float) -> tuple[AnsweringMachine, Deed | None]:
        if asks_to_wait(self.heard.text):
            return replace(self, heard=Heard.nothing(now)), None
        if self.heard.has_spoken:
            again = replace(self.listen_again(now), heard=self.heard)
            machine, deed = again._listen(now)
            return (machine, deed) if deed is not None else (self, None)
        assert self.spoke_until is not None
        if now >= self.spoke_until + self.settings.screening_seconds:
            verdict = Verdict(party=Party.SCREENER, evidence=(Evidence.SILENCE,))
            return replace(self, verdict=verdict, phase=Phase.SETTLED), Deed.HANG_UP
        return self, None

    def _quiet_after_us(self, now: float) -> float:
        """How long both sides have been quiet since our last words."""
        if self.spoke_until is None or self.heard.is_speaking:
            return 0.0
        return max(0.0, now - max(self.spoke_until, self.heard.quiet_since))


PHASES = {
    Deed.GREET: Phase.GREETED,
    Deed.LEAVE_MESSAGE: Phase.LEAVING_MESSAGE,
    Deed.INTRODUCE: Phase.INTRODUCING,
    Deed.NAVIGATE: Phase.NAVIGATING,
    Deed.HANG_UP: Phase.SETTLED,
}
"""The phase that each deed begins."""
HUSHES = (
    GREETED_HUSH_SECONDS,
    UNDECIDED_HUSH_SECONDS,
    WORDLESS_HUSH_SECONDS,
    MENU_HUSH_SECONDS,
    NO_TONE_HUSH_SECONDS,
)
"""The lengths of hush after which a rule may apply."""


def _deed(machine: AnsweringMachine, now: float) -> Deed | None:
    """What to do while nothing has been said to the other side."""
    verdict = machine.verdict
    deed = None if verdict is None else _deed_for(machine, verdict, now)
    is_late = now - machine.heard.since >= _longest_wait(machine)
    return _late_deed(machine) if deed is None and is_late else deed


def _longest_wait(machine: AnsweringMachine) -> float:
    is_mailbox = machine.verdict is not None and machine.verdict.party is Party.MAILBOX
    return machine.settings.tone_seconds if is_mailbox else MAX_LISTENING_SECONDS


def _late_deed(machine: AnsweringMachine) -> Deed:
    """What to do when the other side does not stop."""
    party, settings = machine.verdict and machine.verdict.party, machine.settings
    if party is Party.MAILBOX and settings.voicemail is VoicemailAction.LEAVE_MESSAGE:
        return Deed.LEAVE_MESSAGE
    if party is Party.IVR and settings.ivr is IvrAction.NAVIGATE:
        return Deed.NAVIGATE
    return Deed.GREET


def _deed_for(machine: AnsweringMachine, verdict: Verdict, now: float) -> Deed | None:
    hush = machine.heard.hush(now)
    match verdict.party:
        case Party.PERSON:
            return _after(hush, GREETED_HUSH_SECONDS, Deed.GREET)
        case Party.UNSURE:
            return _for_unsure(machine, verdict)
        case Party.MAILBOX:
            return _for_mailbox(machine, verdict, hush)
        case Party.SCREENER:
            return _for_screener(machine, verdict, hush)
        case Party.IVR:
            return _for_ivr(machine.settings.ivr, hush)
        case Party.NO_MESSAGE | Party.UNREACHABLE | Party.FAX:
            if verdict.is_proved:
                return Deed.HANG_UP
            return _after(hush, NO_TONE_HUSH_SECONDS, Deed.GREET)


def _after(hush: float, needed: float, deed: Deed) -> Deed | None:
    return deed if hush >= needed else None


def _for_unsure(machine: AnsweringMachine, verdict: Verdict) -> Deed | None:
    is_model_usable = machine.settings.ask_model and bool(machine.heard.text)
    if Evidence.SILENCE in verdict.evidence or not is_model_usable:
        return Deed.GREET
    match machine.model_state:
        case ModelState.NOT_ASKED:
            return Deed.ASK_MODEL
        case ModelState.ASKED:
            return None
        case ModelState.DONE:
            return Deed.GREET


def _for_mailbox(machine: AnsweringMachine, verdict: Verdict, hush: float) -> Deed | None:
    action = machine.settings.voicemail
    deed = Deed.LEAVE_MESSAGE if action is VoicemailAction.LEAVE_MESSAGE else Deed.GREET
    if Evidence.TONE not in verdict.evidence:
        return _after(hush, NO_TONE_HUSH_SECONDS, deed)
    is_over = action is VoicemailAction.HANG_UP and verdict.is_proved
    return Deed.HANG_UP if is_over else deed


def _for_screener(machine: AnsweringMachine, verdict: Verdict, hush: float) -> Deed | None:
    action = machine.settings.screener
    if action is ScreenerAction.HANG_UP and verdict.is_proved:
        return Deed.HANG_UP
    is_answered = action is ScreenerAction.ANSWER and machine.rounds < MAX_ROUNDS
    deed = Deed.INTRODUCE if is_answered else Deed.GREET
    has_tone = Evidence.TONE in verdict.evidence
    return deed if has_tone else _after(hush, UNDECIDED_HUSH_SECONDS, deed)


def _for_ivr(action: IvrAction, hush: float) -> Deed | None:
    deed = Deed.NAVIGATE if action is IvrAction.NAVIGATE else Deed.GREET
    return _after(hush, MENU_HUSH_SECONDS, deed)


def _revised_deed(machine: AnsweringMachine, now: float) -> Deed | None:
    """What to do when the agent has greeted and the other side turns out to be a machine."""
    verdict, settings = machine.verdict, machine.settings
    if verdict is None or verdict.party in (Party.PERSON, Party.UNSURE):
        return None
    hush = machine.heard.hush(now)
    match verdict.party:
        case Party.MAILBOX if verdict.is_proved:
            deed = _for_mailbox(machine, verdict, hush)
            return None if deed is Deed.GREET else deed
        case Party.SCREENER if settings.screener is ScreenerAction.ANSWER:
            deed = _for_screener(machine, verdict, hush)
            return None if deed is Deed.GREET else deed
        case Party.IVR if settings.ivr is IvrAction.NAVIGATE:
            return _for_ivr(settings.ivr, hush)
        case Party.NO_MESSAGE | Party.UNREACHABLE | Party.FAX if verdict.is_proved:
            return Deed.HANG_UP
    is_quiet = machine._quiet_after_us(now) >= QUIET_AFTER_US_SECONDS
    has_answered = machine.heard.stretches > machine.stretches_before
    is_over = is_quiet and not has_answered and _is_unwanted(verdict.party, settings)
    return Deed.HANG_UP if is_over else None


def _is_unwanted(party: Party, settings: AnsweringSettings) -> bool:
    """Whether the workflow does not want to talk to it."""
    match party:
        case Party.MAILBOX:
            return settings.voicemail is not VoicemailAction.TALK
        case Party.SCREENER:
            return settings.screener is ScreenerAction.HANG_UP
        case Party.IVR:
            return settings.ivr is IvrAction.HANG_UP
    return party in ENDED_IF_QUIET
