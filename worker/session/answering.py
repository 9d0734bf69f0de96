"""The start of an outbound phone call: finds out who answers, and deals with machines.

Until a person is there, the agents neither speak nor receive what is said: what a machine says is no
turn of the caller. `AnswerDetection` decides; this class reports to it what is heard, and does what it
decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import AgentStateChangedEvent, UserStateChangedEvent

from domain.calls.events import AnsweredBy, CallAnswered, MessageLeft, ScreenerAnswered
from domain.calls.model import EndReason
from domain.telephony.answering.detection import (
    MENU_SILENCE_SECONDS,
    Action,
    AnswerDetection,
    Phase,
)
from domain.telephony.answering.hearing import Tone
from domain.telephony.answering.verdicts import Verdict
from domain.templating.templates import render
from domain.workflows.answering import (
    MAX_SPOKEN_LENGTH,
    AnsweringParty,
    AnsweringSettings,
    answering_of,
)
from worker.audio.taps import CallerTap
from worker.audio.tones import SAMPLE_RATES, ToneDetector
from worker.session.announcements import Announcements
from worker.session.answer_question import ask_who_answered
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import CallLost, Conversation
from worker.session.held_transcripts import HeldTranscripts
from worker.session.ivr_navigation import IvrNavigation
from worker.session.llm import get_model
from worker.session.node_agent import NodeAgent
from worker.session.turn_detection import get_vad

_P = AnsweringParty
PERSONS = frozenset({_P.PERSON, _P.UNSURE})
"""Those whose words are a turn of the caller."""
END_REASONS = {
    _P.VOICEMAIL: EndReason.VOICEMAIL,
    _P.NO_MESSAGE: EndReason.VOICEMAIL,
    _P.UNREACHABLE: EndReason.UNREACHABLE,
    _P.SCREENER: EndReason.SCREENED_OUT,
    _P.IVR: EndReason.MACHINE_ANSWERED,
    _P.FAX: EndReason.MACHINE_ANSWERED,
}


class PhoneAnswering:
    """Observes the start of one phone call, from the answer on. `run` returns when it is settled who
    answered."""

    def __init__(
        self,
        conversation: Conversation,
        session: AgentSession[None],
        room: rtc.Room,
        announcements: Announcements,
        settings: AnsweringSettings,
        end_call: Callable[[EndReason], None],
    ) -> None:
        assert conversation.speech is not None, "a phone call has speech"
        self._conversation = conversation
        self._session = session
        self._room = room
        self._announcements = announcements
        self._settings = settings
        self._end_call = end_call
        self._clock = conversation.clock
        self._origin = self._clock.now()
        self._began_at = 0.0
        self._detection: AnswerDetection | None = None
        self._check_at: float | None = None
        """When to decide, unless something is heard before."""
        self._has_news = False
        self._detector: ToneDetector | None = None
        self._is_tapped = False
        self._language: str | None = None
        self._speech: SpeechHandle | None = None
        """What we say to a machine."""
        self._sounding_since: float | None = None
        """When the present speech of ours became audible; None if it has not."""
        self._message = ""
        self._message_seconds = 0.0
        self._navigation: IvrNavigation | None = None
        self._open = asyncio.Event()
        self._is_closed = False
        self._tasks: asyncio.TaskGroup
        self.released_at = self._origin
        """When the agents began to receive what is said."""
        self._transcripts = HeldTranscripts(conversation.speech.overlap, self._on_words)
        conversation.speech.transcripts = self._transcripts
        conversation.opening = self
        session.on("user_state_changed", self._on_user_state_changed)
        session.on("agent_state_changed", self._on_agent_state_changed)

    # ---- what the agents ask ---------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        return self._transcripts.is_held

    async def wait_until_open(self) -> bool:
        await self._open.wait()
        return not self._is_closed

    def close(self) -> None:
        """The call is over: the first agent waits no longer."""
        self._is_closed = True
        self._open.set()

    def tap(self, session: AgentSession[Any]) -> None:
        """Listen for tones in the audio of the session; repeats are ignored."""
        if not self._is_tapped and session.input.audio is not None:
            self._is_tapped = True
            session.input.audio = CallerTap(session.input.audio, self._on_frame)

    # ---- what is heard ---------------------------------------------------------------------

    def _now(self) -> float:
        return (self._clock.now() - self._origin).total_seconds()

    def _take(self, detection: AnswerDetection) -> None:
        self._detection = detection
        self._has_news = True
        self._clock.changed()

    def _on_words(self, text: str, is_final: bool, language: str | None) -> None:
        if self._detection is not None:
            self._language = language or self._language
            self._take(self._detection.words(self._now(), text, is_final))

    def _on_user_state_changed(self, event: UserStateChangedEvent) -> None:
        if self._detection is None:
            return
        if event.new_state == "speaking":
            self._take(self._detection.speech(self._now(), True))
        elif event.old_state == "speaking":
            self._take(self._detection.speech(self._now() - self._vad_silence(), False))

    def _vad_silence(self) -> float:
        """How long the VAD has heard silence when it reports the end of speech."""
        vad = get_vad(self._conversation.snapshot.agent_at(self._conversation.node).vad)
        return float(getattr(vad, "min_silence_duration", None) or 0.0)

    def _on_frame(self, at: float, frame: rtc.AudioFrame | None) -> None:
        detection = self._detection
        if frame is None or detection is None or detection.phase is Phase.SETTLED:
            return
        if frame.sample_rate not in SAMPLE_RATES:
            return
        if self._detector is None:
            self._detector = ToneDetector(frame.sample_rate)
        for tone in self._detector.add(bytes(frame.data)):
            passed = self._now() - self._detector.seconds
            started_at, ended_at = tone.started_at + passed, tone.ended_at + passed
            detection = detection.tone(
                Tone(kind=tone.kind, started_at=started_at, ended_at=ended_at)
            )
            self._take(detection)

    def _on_agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        is_talking, detection = event.new_state == "speaking", self._detection
        if is_talking:
            self._sounding_since = self._now()
        if detection is None or detection.phase is not Phase.GREETED:
            return
        if is_talking:
            self._take(detection.talking())
        elif event.old_state == "speaking":
            self._take(detection.spoken(self._now()))

    # ---- deciding --------------------------------------------------------------------------

    async def run(self) -> None:
        projection = self._conversation.projection
        if projection.is_message_left:  # by a worker that was lost before it could end the call
            self._end_call(EndReason.MESSAGE_LEFT)
            return
        self._begin()
        async with asyncio.TaskGroup() as self._tasks:
            while self._detection is not None and self._detection.phase is not Phase.SETTLED:
                await self._clock.wait_until(self._due)
                self._step()
        self._transcripts.stop_reporting()

    def _begin(self) -> None:
        projection = self._conversation.projection
        prior = projection.answered_by
        verdict = None
        if prior is not None:
            verdict = Verdict(party=prior.by, evidence=prior.evidence, quote=prior.quote)
        detection = AnswerDetection.start(self._settings, self._now(), verdict)
        if self._session.user_state == "speaking":
            detection = detection.speech(self._now(), True)
        self._began_at = self._now()
        self._take(detection)

    def _due(self) -> datetime | None:
        if self._has_news:
            return IMMEDIATELY
        if self._check_at is None:
            return None
        # A microsecond later, because the clock has no shorter times and might round down.
        return self._origin + timedelta(seconds=self._check_at, microseconds=1)

    def _step(self) -> None:
        assert self._detection is not None
        self._has_news = False
        now = self._now()
        self._detection, action = self._detection.step(now)
        self._check_at = self._detection.next_check(now)
        self._report(self._detection.verdict, action)
        if action is not None:
            self._has_news = True
            self._do(action)

    def _report(self, verdict: Verdict | None, action: Action | None) -> None:
        """Record who answered, once it is decided and when it is revised or proved."""
        before = self._conversation.projection.answered_by
        if verdict is None:
            return
        if verdict.party is _P.UNSURE and action is not Action.GREET and before is None:
            return
        if before is not None and before.by is verdict.party:
            is_proof = action is Action.HANG_UP and before.evidence != verdict.evidence
            if not is_proof:
                return
        self._conversation.record(
            AnsweredBy(
                by=verdict.party,
                evidence=verdict.evidence,
                quote=verdict.quote,
                decided_after_ms=_ms(self._now() - self._began_at),
                revises=_other(before, verdict),
            )
        )

    # ---- doing -----------------------------------------------------------------------------

    def _do(self, action: Action) -> None:
        match action:
            case Action.ASK_MODEL:
                self._tasks.create_task(self._ask_model())
            case Action.GREET:
                self._greet()
            case Action.LEAVE_MESSAGE:
                self._hold()
                self._tasks.create_task(self._leave_message())
            case Action.INTRODUCE:
                self._hold()
                self._tasks.create_task(self._introduce())
            case Action.NAVIGATE:
                self._hold()
                self._tasks.create_task(self._navigate())
            case Action.HANG_UP:
                self._hang_up()
            case Action.END_AFTER_MESSAGE:
                self._end_after_message()
            case Action.SETTLE:
                pass

    def _hold(self) -> None:
        """Let the agents neither speak nor listen, because it is a machine that they talk to."""
        self._transcripts.hold()
        if self._open.is_set():
            with suppress(RuntimeError):  # the session is closing
                self._session.interrupt(force=True)

    def _greet(self) -> None:
        """Let the first agent speak; one that has spoken already replies."""
        assert self._detection is not None
        if self._speech is not None and not self._speech.done():
            self._speech.interrupt(force=True)
        heard = self._detection.heard
        verdict = self._detection.verdict
        self._transcripts.release(taken=heard.interim)
        self.released_at = self._clock.now()
        is_turn = verdict is not None and verdict.party in PERSONS and bool(heard.text)
        if not self._open.is_set():
            if is_turn:
                self._record_turn(heard.text, heard.silence(self._now()))
            self._open.set()
        elif is_turn:
            self._tasks.create_task(self._reply_to(heard.text))

    def _record_turn(self, text: str, silence: float) -> None:
        """Record the first words of a person as a turn, which the first agent replies to."""
        conversation = self._conversation
        assert conversation.speech is not None
        conversation.speech.update_caller_language(text, self._language)
        metrics = {"stopped_speaking_at": time.time() - silence, "end_of_turn_delay": silence}
        language = conversation.speech.caller_language
        conversation.record_user_turn(text, language, None, metrics)

    async def _reply_to(self, text: str) -> None:
        agent: Any = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        with suppress(CallLost, RuntimeError):  # RuntimeError if no agent accepts speech
            await agent.reply_to(text)

    async def _ask_model(self) -> None:
        assert self._detection is not None
        conversation = self._conversation
        model = get_model(conversation, conversation.snapshot.agent_at(conversation.node))
        verdict = await ask_who_answered(self._detection.heard.text, model)
        self._take(self._detection.model_answered(verdict))

    async def _leave_message(self) -> None:
        self._message = self._render(self._settings.message)
        if not self._message.strip():
            self._end_call(EndReason.VOICEMAIL)
            return
        seconds = await self._say(self._message)
        if seconds is not None and self._detection is not None:
            self._message_seconds = seconds
            self._take(self._detection.spoken(self._now()))

    async def _introduce(self) -> None:
        introduction = self._render(self._settings.introduction)
        if not introduction.strip():
            self._end_call(EndReason.SCREENED_OUT)
            return
        seconds = await self._say(introduction)
        if seconds is not None and self._detection is not None:
            answered = ScreenerAnswered(round=self._detection.rounds, text=introduction)
            self._conversation.record(answered)
            self._take(self._detection.spoken(self._now()))

    async def _say(self, words: str) -> float | None:
        """Say the words to a machine. Returns how long they were audible; None if they were cut off
        because a person answers or a tone came late."""
        if self._speech is not None and not self._speech.done():
            self._speech.interrupt(force=True)
            await self._speech
        self._sounding_since = None
        try:
            self._speech = speech = self._announcements.start_uninterruptible(words)
        except RuntimeError:
            return None  # the session is closing
        await speech
        if speech.interrupted:
            return None
        if self._sounding_since is None:
            self._end_call(EndReason.PROVIDER_FAILED)
            return None
        return self._now() - self._sounding_since

    async def _navigate(self) -> None:
        goal = self._render(self._settings.goal)
        self._navigation = self._navigation or IvrNavigation(
            self._conversation, self._room, goal, self._say, self._read_menu
        )
        words = await self._navigation.run()
        if words is None:
            self._end_call(EndReason.MACHINE_ANSWERED)
        elif self._detection is not None:
            self._take(self._detection.other_party_heard(self._now(), words))

    async def _read_menu(self, seconds: float) -> str:
        """What the other side says until it falls silent, waiting at most that long."""
        limit = self._clock.now() + timedelta(seconds=seconds)

        def due() -> datetime:
            assert self._detection is not None
            heard = self._detection.heard
            if heard.is_speaking or not heard.text:
                return limit
            at = self._origin + timedelta(seconds=heard.quiet_since + MENU_SILENCE_SECONDS)
            return min(limit, at)

        await self._clock.wait_until(due)
        assert self._detection is not None
        text = self._detection.heard.text
        self._detection = self._detection.menu_heard(self._now())
        return text

    def _hang_up(self) -> None:
        assert self._detection is not None
        assert self._detection.verdict is not None
        self._end_call(END_REASONS[self._detection.verdict.party])

    def _end_after_message(self) -> None:
        assert self._detection is not None
        self._conversation.record(
            MessageLeft(
                text=self._message,
                tone_heard=self._detection.tone_heard,
                heard_ms=_ms(self._message_seconds),
            )
        )
        self._end_call(EndReason.MESSAGE_LEFT)

    def _render(self, text: str | None) -> str:
        context = self._conversation.visible_context(self._conversation.node)
        return render(text or "", context, {})[:MAX_SPOKEN_LENGTH]


def _other(before: AnsweredBy | None, verdict: Verdict) -> AnsweringParty | None:
    """The decision that the verdict replaces."""
    return None if before is None or before.by is verdict.party else before.by


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def record_answer(conversation: Conversation) -> None:
    """Record that the phone was answered, unless a worker before has done so."""
    projection = conversation.projection
    if projection.is_phone_answered:
        return
    after_ms = None
    if projection.dialed_at is not None:
        after_ms = _ms((conversation.clock.now() - projection.dialed_at).total_seconds())
    conversation.record(CallAnswered(after_ms=after_ms))


def phone_answering(
    conversation: Conversation,
    session: AgentSession[None],
    room: rtc.Room,
    announcements: Announcements,
    end_call: Callable[[EndReason], None],
) -> PhoneAnswering | None:
    """What finds out who answers the call; None in a call that needs no such thing, or in which it is
    settled already. After the loss of a worker, an undecided party is treated as a person."""
    call, projection = conversation.claim.call, conversation.projection
    settings = answering_of(conversation.snapshot.workflow.answering, call.answering)
    if not call.is_dialed or not settings.enabled:
        return None
    prior = projection.answered_by
    is_machine = prior is not None and prior.by not in PERSONS
    if projection.is_phone_answered and not is_machine:
        return None
    if projection.visited and not projection.is_message_left:
        return None  # the agent talks already
    return PhoneAnswering(conversation, session, room, announcements, settings, end_call)
