"""Decides what to do after an outbound phone call was answered, from what is heard and said.

The verdict and the action are two things. A verdict may come early and be revised; an action waits for
its proof. No person is hung up on because of words alone: the call is ended after a tone that confirms
them, or when the other side stays quiet after we have spoken. The detection is a value: each report
returns the next one, and `step` returns what to do now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from domain.telephony.answering.hearing import SILENCE_AFTER_BEEP_SECONDS, Heard, Tone, ToneKind
from domain.telephony.answering.phrases import asks_to_wait, find_phrase
from domain.telephony.answering.verdicts import (
    GREETED_SILENCE_SECONDS,
    UNDECIDED_SILENCE_SECONDS,
    WORDLESS_SILENCE_SECONDS,
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

NO_TONE_SILENCE_SECONDS = 2.0
"""After this much silence a mailbox is taken to record without a tone."""
QUIET_AFTER_US_SECONDS = 4.0
"""What is quiet for this long after we have spoken to it, and sounded like a machine, is one."""
MENU_SILENCE_SECONDS = 1.5
"""After this much silence a menu has been read out."""
MAX_LISTENING_SECONDS = 20.0
"""The agent speaks to a party that is still undecided then. After the greeting, verdicts are revised for
as long again."""
MAX_ROUNDS = 2
"""How many introductions a screener hears at most."""
MAX_ANSWERS_TO_US = 2
"""After this many answers to what we said, the verdict is final."""
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
    """The menu is operated until a person answers."""
    SETTLED = auto()


class Action(Enum):
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
"""Those that do not listen, whatever the settings are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDetection:
    settings: AnsweringSettings
    heard: Heard
    phase: Phase = Phase.LISTENING
    verdict: Verdict | None = None
    model_state: ModelState = ModelState.NOT_ASKED
    prior: Verdict | None = None
    """A verdict that decides where no rule does: of a model, or of the worker before."""
    rounds: int = 0
    """How many introductions a screener has heard."""
    is_talking: bool = False
    """Whether we are speaking."""
    spoke_until: float | None = None
    """When our last words of this phase were over; None before the first ones were."""
    utterances_before: int = 0
    """How often the other side had begun to speak when our first words were over."""
    tone_heard: bool = False
    """Whether a tone came before the message that is said."""

    @classmethod
    def start(
        cls, settings: AnsweringSettings, now: float, prior: Verdict | None = None
    ) -> AnswerDetection:
        return cls(settings=settings, heard=Heard.nothing(now), prior=prior)

    # ---- reports ---------------------------------------------------------------------------

    def words(self, at: float, text: str, is_final: bool) -> AnswerDetection:
        return replace(self, heard=self.heard.words(at, text, is_final))

    def speech(self, at: float, is_speaking: bool) -> AnswerDetection:
        return replace(self, heard=self.heard.speech(at, is_speaking))

    def tone(self, tone: Tone) -> AnswerDetection:
        return replace(self, heard=self.heard.tone(tone))

    def model_answered(self, verdict: Verdict | None) -> AnswerDetection:
        return replace(self, model_state=ModelState.DONE, prior=verdict)

    def talking(self) -> AnswerDetection:
        """We have begun to speak."""
        return replace(self, is_talking=True)

    def spoken(self, at: float) -> AnswerDetection:
        """Our words are over: the greeting, the message or the introduction."""
        is_first = self.spoke_until is None
        before = self.heard.utterances if is_first else self.utterances_before
        detection = replace(self, is_talking=False, spoke_until=at, utterances_before=before)
        if self.phase is Phase.LEAVING_MESSAGE:
            return replace(detection, phase=Phase.MESSAGE_LEFT)
        if self.phase is Phase.INTRODUCING:
            return replace(detection, phase=Phase.SCREENED, heard=Heard.nothing(at))
        return detection

    def listen_again(self, at: float) -> AnswerDetection:
        """Another party speaks now, such as the person behind a screener or a menu."""
        return replace(
            self,
            phase=Phase.LISTENING,
            heard=Heard.nothing(at),
            verdict=None,
            prior=None,
            model_state=ModelState.NOT_ASKED,
            spoke_until=None,
        )

    def other_party_heard(self, at: float, text: str) -> AnswerDetection:
        """A party other than the menu says this."""
        return self.listen_again(at).words(at, text, is_final=True)

    def menu_heard(self, at: float) -> AnswerDetection:
        """The menu that was read out so far has been acted upon."""
        return replace(self, heard=Heard.nothing(at))

    # ---- decisions -------------------------------------------------------------------------

    def step(self, now: float) -> tuple[AnswerDetection, Action | None]:
        """The next detection, and what to do now; None if there is nothing to do."""
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
        for silence in SILENCES:
            yield heard.quiet_since + silence
        for tone in heard.tones:
            yield tone.ended_at + SILENCE_AFTER_BEEP_SECONDS
        if self.spoke_until is not None:
            quiet_since = max(heard.quiet_since, self.spoke_until)
            yield quiet_since + NO_TONE_SILENCE_SECONDS
            yield quiet_since + QUIET_AFTER_US_SECONDS
            yield self.spoke_until + MAX_LISTENING_SECONDS
            yield self.spoke_until + settings.screening_seconds

    def _listen(self, now: float) -> tuple[AnswerDetection, Action | None]:
        verdict = judge(self.heard, now, self.settings.silent_seconds, self.prior)
        detection = replace(self, verdict=verdict)
        action = _action(detection, now)
        if action is Action.ASK_MODEL:
            return replace(detection, model_state=ModelState.ASKED), action
        return detection._begin(action, now), action

    def _begin(self, action: Action | None, now: float) -> AnswerDetection:
        if action is None:
            return self
        detection = replace(self, phase=PHASES[action], spoke_until=None, is_talking=False)
        match action:
            case Action.LEAVE_MESSAGE:
                # What is heard from now on is not the greeting any more.
                return replace(detection, heard=self.heard.afresh(now), tone_heard=self._has_tone)
            case Action.INTRODUCE:
                return replace(detection, rounds=self.rounds + 1)
        return detection

    @property
    def _has_tone(self) -> bool:
        return self.verdict is not None and Evidence.TONE in self.verdict.evidence

    def _watch(self, now: float) -> tuple[AnswerDetection, Action | None]:
        """After the greeting: revise the verdict, until it is settled."""
        detection = replace(self, verdict=self._revised(now))
        action = _revised_action(detection, now)
        if action is not None:
            return detection._begin(action, now), action
        if detection._is_settled(now):
            return replace(detection, phase=Phase.SETTLED), Action.SETTLE
        return detection, None

    def _revised(self, now: float) -> Verdict | None:
        """The verdict with what was heard since. The length of the speech shows only that
        there is a voice, and the line of a person who has hung up may give a tone."""
        before = self.verdict
        verdict = judge(self.heard, now, self.settings.silent_seconds, self.prior)
        if verdict is None or before is None:
            return before
        is_by_beep = before.party is Party.VOICEMAIL and before.evidence == (Evidence.TONE,)
        if is_by_beep:  # which does not count any more if speech followed it
            return verdict
        if verdict.party is Party.UNSURE:
            return before
        if verdict.evidence == (Evidence.LENGTH,) and before.party is not Party.UNSURE:
            return before
        if verdict.evidence == (Evidence.TONE,) and before.party is Party.PERSON:
            return before
        return verdict

    def _is_settled(self, now: float) -> bool:
        if self.spoke_until is None:
            return False
        answers = self.heard.utterances - self.utterances_before
        has_answered = answers >= MAX_ANSWERS_TO_US and not self.heard.is_speaking
        return has_answered or self._is_late_after_us(now)

    def _follow_message(self, now: float) -> tuple[AnswerDetection, Action | None]:
        heard = self.heard
        if self._is_person_answering:
            verdict = Verdict(party=Party.PERSON, evidence=(Evidence.WORDS,), quote=heard.text)
            return replace(self, verdict=verdict)._begin(Action.GREET, now), Action.GREET
        if not self.tone_heard and heard.has_tone(ToneKind.BEEP, now):
            again = replace(self, phase=Phase.LEAVING_MESSAGE, heard=heard.afresh(now))
            return replace(again, tone_heard=True, spoke_until=None), Action.LEAVE_MESSAGE
        if self.phase is Phase.LEAVING_MESSAGE:
            return self, None
        # A mailbox that has given its tone is silent; what spoke into the message may be a person.
        is_recorded = self.tone_heard and heard.utterances == 0
        is_quiet = self._quiet_after_us(now) >= QUIET_AFTER_US_SECONDS
        if is_recorded or is_quiet or self._is_late_after_us(now):
            return replace(self, phase=Phase.SETTLED), Action.END_AFTER_MESSAGE
        return self, None

    @property
    def _is_person_answering(self) -> bool:
        """Whether words were said that a machine would not say while it records. The transcript of
        what was said before may come late."""
        match = find_phrase(self.heard.text)
        is_machine = match is not None and match.party is not Party.PERSON
        has_words = self.heard.utterances > 0 and self.heard.word_count >= MIN_PERSON_WORDS
        return has_words and not is_machine

    def _wait_for_person(self, now: float) -> tuple[AnswerDetection, Action | None]:
        if asks_to_wait(self.heard.text):
            return replace(self, heard=Heard.nothing(now)), None
        if self.heard.has_spoken:
            again = replace(self.listen_again(now), heard=self.heard)
            detection, action = again._listen(now)
            return (detection, action) if action is not None else (self, None)
        assert self.spoke_until is not None
        if now >= self.spoke_until + self.settings.screening_seconds:
            verdict = Verdict(party=Party.SCREENER, evidence=(Evidence.SILENCE,))
            return replace(self, verdict=verdict, phase=Phase.SETTLED), Action.HANG_UP
        return self, None

    def _is_late_after_us(self, now: float) -> bool:
        """Whether our words are long over: a television may be heard all the time."""
        return self.spoke_until is not None and now >= self.spoke_until + MAX_LISTENING_SECONDS

    def _quiet_after_us(self, now: float) -> float:
        """How long both sides have been quiet since our last words."""
        if self.spoke_until is None or self.is_talking or self.heard.is_speaking:
            return 0.0
        return max(0.0, now - max(self.spoke_until, self.heard.quiet_since))


PHASES = {
    Action.GREET: Phase.GREETED,
    Action.LEAVE_MESSAGE: Phase.LEAVING_MESSAGE,
    Action.INTRODUCE: Phase.INTRODUCING,
    Action.NAVIGATE: Phase.NAVIGATING,
    Action.HANG_UP: Phase.SETTLED,
}
"""The phase that each action begins."""
SILENCES = (
    GREETED_SILENCE_SECONDS,
    UNDECIDED_SILENCE_SECONDS,
    WORDLESS_SILENCE_SECONDS,
    MENU_SILENCE_SECONDS,
    NO_TONE_SILENCE_SECONDS,
)
"""The lengths of silence after which a rule may apply."""


def _action(detection: AnswerDetection, now: float) -> Action | None:
    """What to do while nothing has been said to the other side."""
    verdict = detection.verdict
    action = None if verdict is None else _action_for(detection, verdict, now)
    is_late = now - detection.heard.since >= _longest_wait(detection)
    return _late_action(detection) if action is None and is_late else action


def _longest_wait(detection: AnswerDetection) -> float:
    is_mailbox = detection.verdict is not None and detection.verdict.party is Party.VOICEMAIL
    return detection.settings.tone_seconds if is_mailbox else MAX_LISTENING_SECONDS


def _late_action(detection: AnswerDetection) -> Action:
    """What to do when the other side does not stop."""
    party, settings = detection.verdict and detection.verdict.party, detection.settings
    if party is Party.VOICEMAIL and settings.voicemail is VoicemailAction.LEAVE_MESSAGE:
        return Action.LEAVE_MESSAGE
    if party is Party.IVR and settings.ivr is IvrAction.NAVIGATE:
        return Action.NAVIGATE
    return Action.GREET


def _action_for(detection: AnswerDetection, verdict: Verdict, now: float) -> Action | None:
    silence = detection.heard.silence(now)
    match verdict.party:
        case Party.PERSON:
            return _after(silence, GREETED_SILENCE_SECONDS, Action.GREET)
        case Party.UNSURE:
            return _for_unsure(detection, verdict)
        case Party.VOICEMAIL:
            return _for_mailbox(detection, verdict, silence)
        case Party.SCREENER:
            return _for_screener(detection, verdict, silence)
        case Party.IVR:
            return _for_ivr(detection.settings.ivr, silence)
        case Party.NO_MESSAGE | Party.UNREACHABLE | Party.FAX:
            if verdict.is_proved:
                return Action.HANG_UP
            return _after(silence, NO_TONE_SILENCE_SECONDS, Action.GREET)


def _after(silence: float, needed: float, action: Action) -> Action | None:
    return action if silence >= needed else None


def _for_unsure(detection: AnswerDetection, verdict: Verdict) -> Action | None:
    is_model_usable = detection.settings.ask_model and bool(detection.heard.text)
    if Evidence.SILENCE in verdict.evidence or not is_model_usable:
        return Action.GREET
    match detection.model_state:
        case ModelState.NOT_ASKED:
            return Action.ASK_MODEL
        case ModelState.ASKED:
            return None
        case ModelState.DONE:
            return Action.GREET


def _for_mailbox(detection: AnswerDetection, verdict: Verdict, silence: float) -> Action | None:
    choice = detection.settings.voicemail
    action = Action.LEAVE_MESSAGE if choice is VoicemailAction.LEAVE_MESSAGE else Action.GREET
    if Evidence.TONE not in verdict.evidence:
        return _after(silence, NO_TONE_SILENCE_SECONDS, action)
    is_over = choice is VoicemailAction.HANG_UP and verdict.is_proved
    return Action.HANG_UP if is_over else action


def _for_screener(detection: AnswerDetection, verdict: Verdict, silence: float) -> Action | None:
    choice = detection.settings.screener
    if choice is ScreenerAction.HANG_UP and verdict.is_proved:
        return Action.HANG_UP
    is_answered = choice is ScreenerAction.ANSWER and detection.rounds < MAX_ROUNDS
    action = Action.INTRODUCE if is_answered else Action.GREET
    has_tone = Evidence.TONE in verdict.evidence
    return action if has_tone else _after(silence, UNDECIDED_SILENCE_SECONDS, action)


def _for_ivr(choice: IvrAction, silence: float) -> Action | None:
    action = Action.NAVIGATE if choice is IvrAction.NAVIGATE else Action.GREET
    return _after(silence, MENU_SILENCE_SECONDS, action)


def _revised_action(detection: AnswerDetection, now: float) -> Action | None:
    """What to do when the agent has greeted and the other side turns out to be a machine."""
    verdict, settings = detection.verdict, detection.settings
    if verdict is None or verdict.party in (Party.PERSON, Party.UNSURE):
        return None
    silence = detection.heard.silence(now)
    match verdict.party:
        case Party.VOICEMAIL if verdict.is_proved:
            action = _for_mailbox(detection, verdict, silence)
            return None if action is Action.GREET else action
        case Party.SCREENER if settings.screener is ScreenerAction.ANSWER:
            action = _for_screener(detection, verdict, silence)
            return None if action is Action.GREET else action
        case Party.IVR if settings.ivr is IvrAction.NAVIGATE:
            return _for_ivr(settings.ivr, silence)
        case Party.NO_MESSAGE | Party.UNREACHABLE | Party.FAX if verdict.is_proved:
            return Action.HANG_UP
    is_quiet = detection._quiet_after_us(now) >= QUIET_AFTER_US_SECONDS
    has_answered = detection.heard.utterances > detection.utterances_before
    is_over = is_quiet and not has_answered and _is_unwanted(verdict.party, settings)
    return Action.HANG_UP if is_over else None


def _is_unwanted(party: Party, settings: AnsweringSettings) -> bool:
    """Whether the workflow does not want to talk to it."""
    match party:
        case Party.VOICEMAIL:
            return settings.voicemail is not VoicemailAction.TALK
        case Party.SCREENER:
            return settings.screener is ScreenerAction.HANG_UP
        case Party.IVR:
            return settings.ivr is IvrAction.HANG_UP
    return party in ENDED_IF_QUIET
