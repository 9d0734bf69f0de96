"""The start of an outbound phone call in a worker, on a session whose speech a test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.voice import io
from livekit.agents.voice.events import AgentStateChangedEvent, UserStateChangedEvent

from bench.harness.answering.sounds import RATE, silence, to_pcm, tone
from domain.calls.events import (
    AnsweredBy,
    CallAnswered,
    CallEvent,
    DtmfSent,
    MessageLeft,
    ScreenerAnswered,
    UserTurn,
)
from domain.calls.model import CallKind, Direction, EndReason
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import AgentSpec
from domain.workflows.answering import (
    AnswerEvidence,
    AnsweringParty,
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)
from tests.support.conversations import voice_conversation
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime, settle
from tests.support.waiting import until
from worker.session.announcements import Announcements
from worker.session.answering import PhoneAnswering, phone_answering
from worker.session.conversation import Conversation
from worker.session.speech import SpeechProviders
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio

_P, _E = AnsweringParty, AnswerEvidence
MAILBOX_WORDS = "please leave a message after the tone"
MENU_WORDS = "for sales press one for billing press two"
LEAVES_MESSAGES = AnsweringSettings(voicemail=VoicemailAction.LEAVE_MESSAGE, message="Call back.")
HANGS_UP = AnsweringSettings(voicemail=VoicemailAction.HANG_UP)
ANSWERS = AnsweringSettings(screener=ScreenerAction.ANSWER, introduction="The clinic.")
NAVIGATES = AnsweringSettings(ivr=IvrAction.NAVIGATE, goal="billing")
VOICEMAIL = AnsweredBy(
    by=_P.VOICEMAIL, evidence=(_E.WORDS, _E.TONE), quote="a message", decided_after_ms=1
)


class FakeSpeech:
    """What the session says, until the test ends it."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.id = words
        self.interrupted = False
        self._over = asyncio.Event()

    def __await__(self) -> Generator[Any, None, None]:
        yield from self._over.wait().__await__()

    def done(self) -> bool:
        return self._over.is_set()

    def interrupt(self, *, force: bool = False) -> None:
        self.interrupted = True
        self._over.set()

    def finish(self) -> None:
        self._over.set()


class FakeAudio(io.AudioInput):
    """The audio of the phone, frame by frame."""

    def __init__(self) -> None:
        super().__init__(label="phone")
        self.frames: list[rtc.AudioFrame] = []

    async def __anext__(self) -> rtc.AudioFrame:
        return self.frames.pop(0)


class FakeSession(rtc.EventEmitter[str]):
    def __init__(self) -> None:
        super().__init__()
        self.user_state = "listening"
        self.phone = FakeAudio()
        self.input = SimpleNamespace(audio=self.phone)
        self.said: list[FakeSpeech] = []
        self.interruptions = 0

    def say(self, words: str, **options: Any) -> FakeSpeech:
        assert options["allow_interruptions"] is False
        self.said.append(FakeSpeech(words))
        return self.said[-1]

    def interrupt(self, *, force: bool = False) -> None:
        self.interruptions += 1


@dataclass
class FakeRoom:
    pressed: str = ""

    @property
    def local_participant(self) -> FakeRoom:
        return self

    async def publish_dtmf(self, *, code: int, digit: str) -> None:
        assert "0123456789*#"[code] == digit
        self.pressed += digit


@dataclass
class Rig:
    """A phone call that has just been answered."""

    conversation: Conversation
    writer: InMemoryEventWriter
    time: FakeTime
    session: FakeSession = field(default_factory=FakeSession)
    room: FakeRoom = field(default_factory=FakeRoom)
    reasons: list[EndReason] = field(default_factory=list)
    passed_on: list[str] = field(default_factory=list)
    """The transcripts that the session received."""

    def answering(self) -> PhoneAnswering | None:
        session = cast(Any, self.session)
        announcements = Announcements(session, self.conversation)
        room = cast(rtc.Room, self.room)
        return phone_answering(self.conversation, session, room, announcements, self.reasons.append)

    async def speak(self, words: str, seconds: float = 1.0) -> None:
        """The other side speaks; the transcript arrives at the end."""
        self._change_user_state("listening", "speaking")
        await self.time.advance(seconds)
        self._change_user_state("speaking", "listening")
        self.transcribe(words)
        await settle()

    def _change_user_state(self, before: Any, after: Any) -> None:
        event = UserStateChangedEvent(old_state=before, new_state=after)
        self.session.emit("user_state_changed", event)

    def transcribe(self, words: str) -> None:
        assert self.conversation.speech is not None
        event = SpeechEvent(
            type=SpeechEventType.FINAL_TRANSCRIPT,
            alternatives=[SpeechData(language=cast(Any, "en"), text=words)],
        )
        self.conversation.speech.transcripts.pass_on(
            event, lambda passed: self.passed_on.append(passed.alternatives[0].text)
        )

    async def beep(self) -> None:
        """A tone of 0.4 s, and half a second of silence."""
        line = np.concatenate([tone((1_000.0,), 0.4), silence(0.5)])
        pcm = to_pcm(line)
        size = 2 * RATE * 80 // 1000
        for start in range(0, len(pcm) - size + 1, size):
            self.session.phone.frames.append(
                rtc.AudioFrame(pcm[start : start + size], RATE, 1, size // 2)
            )
            await self.time.advance(0.08)
            await self.session.input.audio.__anext__()
        await settle()

    async def finish_speech(self, seconds: float = 2.0) -> None:
        """What we say to a machine is audible, and over after some time."""
        self._change_agent_state("listening", "speaking")
        await self.time.advance(seconds)
        self._change_agent_state("speaking", "listening")
        self.session.said[-1].finish()
        await settle()

    def _change_agent_state(self, before: Any, after: Any) -> None:
        event = AgentStateChangedEvent(old_state=before, new_state=after)
        self.session.emit("agent_state_changed", event)

    def events(self, kind: type) -> list[Any]:
        return [event for event in self.writer.events if isinstance(event, kind)]

    @property
    def verdicts(self) -> list[AnsweringParty]:
        return [event.by for event in self.events(AnsweredBy)]

    @property
    def spoken(self) -> list[str]:
        return [speech.words for speech in self.session.said]


def new_rig(settings: AnsweringSettings, agent: AgentSpec = RECEPTION, *events: CallEvent) -> Rig:
    time, writer = FakeTime(), InMemoryEventWriter()
    conversation = voice_conversation(time, writer, agent)
    claim = conversation.claim
    call = replace(claim.call, kind=CallKind.SIP, direction=Direction.OUTBOUND)
    snapshot = claim.version.snapshot
    workflow = replace(snapshot.workflow, answering=settings)
    version = replace(claim.version, snapshot=replace(snapshot, workflow=workflow))
    projection = replace(conversation.projection, node=None)
    for event in events:
        projection = projection.apply(event, time.now())
    conversation.claim = replace(claim, call=call, version=version)
    conversation.projection = projection
    conversation.speech = SpeechProviders(
        ProviderKeys(), conversation.record_failover, conversation.add_usage, Settings()
    )
    return Rig(conversation, writer, time)


@asynccontextmanager
async def answered(
    settings: AnsweringSettings, agent: AgentSpec = RECEPTION, *events: CallEvent
) -> AsyncIterator[tuple[Rig, PhoneAnswering]]:
    rig = new_rig(settings, agent, *events)
    answering = rig.answering()
    assert answering is not None
    answering.tap(cast(Any, rig.session))
    async with background_task(answering.run()):
        await settle()
        yield rig, answering


async def test_the_first_agent_waits_for_a_person_and_receives_their_words_as_a_turn() -> None:
    async with answered(HANGS_UP) as (rig, answering):
        entering = asyncio.create_task(answering.wait_until_open())
        await rig.speak("Hello?")
        assert answering.is_held
        assert not entering.done()
        await rig.time.advance(1)
        assert await entering
        assert not answering.is_held
        assert rig.verdicts == [_P.PERSON]
        assert [turn.text for turn in rig.events(UserTurn)] == ["Hello?"]
        assert rig.passed_on == []
        await rig.speak("Who is this?")
        assert rig.passed_on == ["Who is this?"]


async def test_what_a_mailbox_says_is_no_turn_and_it_is_hung_up_on_after_its_tone() -> None:
    async with answered(HANGS_UP) as (rig, answering):
        await rig.speak(MAILBOX_WORDS, 3)
        assert rig.verdicts == [_P.VOICEMAIL]
        assert rig.reasons == []
        await rig.beep()
        assert rig.reasons == [EndReason.VOICEMAIL]
        proofs = [event.evidence for event in rig.events(AnsweredBy)]
        assert proofs == [(_E.WORDS,), (_E.WORDS, _E.TONE)]
        assert rig.events(UserTurn) == []
        assert rig.passed_on == []
        assert answering.is_held


async def test_a_message_is_said_after_the_tone_and_recorded() -> None:
    async with answered(LEAVES_MESSAGES) as (rig, _):
        await rig.speak(MAILBOX_WORDS, 3)
        assert rig.spoken == []
        await rig.beep()
        assert rig.spoken == ["Call back."]
        await rig.finish_speech(2.5)
        [left] = rig.events(MessageLeft)
        assert left == MessageLeft(text="Call back.", tone_heard=True, heard_ms=2500.0)
        assert rig.reasons == [EndReason.MESSAGE_LEFT]


async def test_a_message_is_said_again_when_the_tone_comes_late() -> None:
    async with answered(LEAVES_MESSAGES) as (rig, _):
        await rig.speak(MAILBOX_WORDS, 3)
        await rig.time.advance(2.1)
        assert rig.spoken == ["Call back."]
        await rig.beep()
        assert rig.spoken == ["Call back.", "Call back."]
        assert rig.session.said[0].interrupted
        await rig.finish_speech()
        assert [left.tone_heard for left in rig.events(MessageLeft)] == [True]


async def test_a_person_who_interrupts_the_message_gets_an_agent() -> None:
    async with answered(LEAVES_MESSAGES) as (rig, answering):
        await rig.speak(MAILBOX_WORDS, 3)
        await rig.time.advance(2.1)
        await rig.speak("wait it is me")
        assert rig.session.said[0].interrupted
        assert await answering.wait_until_open()
        assert [turn.text for turn in rig.events(UserTurn)] == ["wait it is me"]
        assert rig.events(MessageLeft) == []
        assert rig.reasons == []


async def test_a_message_that_is_not_audible_ends_the_call_with_the_failure() -> None:
    async with answered(LEAVES_MESSAGES) as (rig, _):
        await rig.speak(MAILBOX_WORDS, 3)
        await rig.beep()
        rig.session.said[0].finish()
        await settle()
        assert rig.reasons == [EndReason.PROVIDER_FAILED]
        assert rig.events(MessageLeft) == []


async def test_a_message_without_words_is_not_left() -> None:
    empty = replace(LEAVES_MESSAGES, message="{{user.text}}")
    async with answered(empty) as (rig, _):
        await rig.speak(MAILBOX_WORDS, 3)
        await rig.beep()
        assert rig.spoken == []
        assert rig.reasons == [EndReason.VOICEMAIL]


async def test_a_screener_hears_the_introduction_and_the_person_is_greeted() -> None:
    async with answered(ANSWERS) as (rig, answering):
        await rig.speak("please state your name and the reason for your call", 3)
        await rig.time.advance(1)
        assert rig.spoken == ["The clinic."]
        await rig.finish_speech()
        assert rig.events(ScreenerAnswered) == [ScreenerAnswered(round=1, text="The clinic.")]
        await rig.time.advance(5)
        assert answering.is_held
        await rig.speak("Hello?")
        await rig.time.advance(1)
        assert await answering.wait_until_open()
        assert rig.verdicts == [_P.SCREENER, _P.PERSON]
        assert [turn.text for turn in rig.events(UserTurn)] == ["Hello?"]


async def test_a_call_that_is_screened_out_says_so() -> None:
    async with answered(ANSWERS) as (rig, _):
        await rig.speak("please state your name and the reason for your call", 3)
        await rig.time.advance(1)
        await rig.finish_speech()
        await rig.time.advance(31)
        assert rig.reasons == [EndReason.SCREENED_OUT]


def operator(*rules: dict[str, Any]) -> AgentSpec:
    """An agent whose model follows these rules."""
    assert RECEPTION.llm is not None
    return replace(RECEPTION, llm=replace(RECEPTION.llm, options={"rules": list(rules)}))


async def test_keys_are_pressed_until_a_person_answers() -> None:
    agent = operator({"hears": ["billing"], "says": '{"press": "2"}'})
    async with answered(NAVIGATES, agent) as (rig, answering):
        await rig.speak(MENU_WORDS, 3)
        await rig.time.advance(2)
        await until(lambda: rig.room.pressed == "2")
        assert rig.events(DtmfSent) == [DtmfSent(digits="2")]
        await rig.speak("hello how can I help you", 2)
        await rig.time.advance(2)
        await rig.time.advance(1)
        assert await answering.wait_until_open()
        assert rig.verdicts == [_P.IVR, _P.PERSON]


@pytest.mark.parametrize("answer", ['{"give_up": true}', '{"press": "2"}'])
async def test_a_menu_that_leads_nowhere_is_given_up(answer: str) -> None:
    async with answered(NAVIGATES, operator({"says": answer})) as (rig, _):
        for _round in range(3):
            if rig.reasons:
                break
            pressed = len(rig.room.pressed)
            await rig.speak(MENU_WORDS, 3)
            await rig.time.advance(2)
            await until(lambda: rig.reasons or len(rig.room.pressed) > pressed)  # noqa: B023
        assert rig.reasons == [EndReason.MACHINE_ANSWERED]


async def test_a_long_greeting_is_put_to_the_model() -> None:
    quote = '{"who": "VOICEMAIL", "quote": "say it to the machine"}'
    async with answered(LEAVES_MESSAGES, operator({"says": quote})) as (rig, _):
        await rig.speak("we are all out in the garden say it to the machine", 3)
        await rig.time.advance(0.7)
        await until(lambda: rig.verdicts == [_P.VOICEMAIL])
        [verdict] = rig.events(AnsweredBy)
        assert verdict.evidence == (_E.MODEL,)
        assert rig.events(UserTurn) == []


# ---- which calls, and after a takeover -----------------------------------------------------


async def test_only_calls_that_dial_a_phone_are_listened_to_first() -> None:
    rig = new_rig(HANGS_UP)
    call = rig.conversation.claim.call
    for other in (
        replace(call, kind=CallKind.VOIP),
        replace(call, direction=Direction.INBOUND),
    ):
        rig.conversation.claim = replace(rig.conversation.claim, call=other)
        assert rig.answering() is None
    assert new_rig(replace(HANGS_UP, enabled=False)).answering() is None


@pytest.mark.parametrize(
    "events",
    [
        (CallAnswered(),),
        (CallAnswered(), replace(VOICEMAIL, by=_P.PERSON)),
    ],
    ids=["undecided", "person"],
)
async def test_after_a_takeover_an_undecided_party_is_greeted(
    events: tuple[CallEvent, ...],
) -> None:
    assert new_rig(HANGS_UP, RECEPTION, *events).answering() is None


async def test_after_a_takeover_a_mailbox_gets_its_message() -> None:
    async with answered(LEAVES_MESSAGES, RECEPTION, CallAnswered(), VOICEMAIL) as (rig, _):
        assert rig.spoken == ["Call back."]
        assert rig.verdicts == []


async def test_after_a_takeover_a_message_is_not_left_twice() -> None:
    left = MessageLeft(text="Call back.", tone_heard=True, heard_ms=1)
    async with answered(LEAVES_MESSAGES, RECEPTION, CallAnswered(), VOICEMAIL, left) as (rig, _):
        assert rig.spoken == []
        assert rig.reasons == [EndReason.MESSAGE_LEFT]


async def test_an_agent_that_waits_returns_when_the_call_is_over() -> None:
    async with answered(HANGS_UP) as (_, answering):
        entering = asyncio.create_task(answering.wait_until_open())
        await settle()
        answering.close()
        assert not await entering
