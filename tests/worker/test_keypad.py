"""The keys of a phone call in a worker: turns of the caller, digits that a tool asks for, and what is
masked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice import io
from livekit.agents.voice.events import UserInputTranscribedEvent
from livekit.rtc.participant import PublishDTMFError

from domain.calls.events import (
    DtmfReceived,
    DtmfRequested,
    DtmfSent,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
)
from domain.calls.model import CallKind
from domain.common.tasks import background_task
from domain.tool_execution.environment import CollectedDigits
from domain.tools.actions import DTMF_KEYS, CollectDigits
from domain.workflows.agents import SilencePrompt
from tests.support.conversations import voice_conversation
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime, settle
from worker.session.announcements import Announcements
from worker.session.conversation import CallLost, Conversation
from worker.session.dtmf_sender import NOT_SENT
from worker.session.keypad import SPOKE_INSTEAD, PhoneKeypad
from worker.session.resume import ASK_AGAIN, first_agent
from worker.session.silence_monitor import SilenceMonitor
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio

ACCOUNT = CollectDigits(
    name="account", min=4, max=6, prompt="Your number?", retry_prompt="Once more?", attempts=2
)
PIN = CollectDigits(name="pin", count=4, prompt="Your PIN?", masked=True)
LOUD = rtc.AudioFrame(np.full(1_280, 9_000, np.int16).tobytes(), 16_000, 1, 1_280)
"""80 ms of audio."""
FRAME_SECONDS = 0.08


class FakeSpeech:
    """A prompt, until the test ends it."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.id = words
        self.interrupted = False
        self._callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._callbacks.append(callback)

    def interrupt(self, *, force: bool = False) -> None:
        self.interrupted = True
        self.finish()

    def finish(self) -> None:
        for callback in self._callbacks:
            callback(self)


class FakeAudio(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="phone")

    async def __anext__(self) -> rtc.AudioFrame:
        return LOUD


class FakeInput:
    def __init__(self) -> None:
        self.audio: io.AudioInput = FakeAudio()
        self.is_enabled = True

    def set_audio_enabled(self, enable: bool) -> None:
        self.is_enabled = enable


class FakeSession(rtc.EventEmitter[str]):
    def __init__(self) -> None:
        super().__init__()
        self.input = FakeInput()
        self.said: list[FakeSpeech] = []
        self.interruptions = 0

    def say(self, words: str, **options: Any) -> FakeSpeech:
        self.said.append(FakeSpeech(words))
        return self.said[-1]

    def interrupt(self, *, force: bool = False) -> None:
        assert not force
        self.interruptions += 1


class FakeRoom(rtc.EventEmitter[str]):
    """Notes when each key arrives at the phone line, in seconds."""

    def __init__(self, time: FakeTime) -> None:
        super().__init__()
        self._time = time
        self._origin = time.now()
        self.sent: list[tuple[str, float]] = []
        self.is_broken = False

    @property
    def local_participant(self) -> FakeRoom:
        return self

    async def publish_dtmf(self, *, code: int, digit: str) -> None:
        assert DTMF_KEYS[code] == digit
        if self.is_broken:
            raise PublishDTMFError("the connection is lost")
        self.sent.append((digit, (self._time.now() - self._origin).total_seconds()))


@dataclass
class Rig:
    conversation: Conversation
    writer: InMemoryEventWriter
    time: FakeTime
    session: FakeSession
    room: FakeRoom
    keypad: PhoneKeypad
    results: list[CollectedDigits] = field(default_factory=list)

    def press(self, keys: str, identity: str = "caller") -> None:
        for key in keys:
            sender = cast(rtc.RemoteParticipant, SimpleNamespace(identity=identity))
            code = "0123456789*#ABCD".index(key)
            self.room.emit("sip_dtmf_received", rtc.SipDTMF(code, key, sender))

    async def press_slowly(self, keys: str, seconds: float) -> None:
        for key in keys:
            self.press(key)
            await self.time.advance(seconds)

    def say(self, words: str) -> None:
        event = UserInputTranscribedEvent(transcript=words, is_final=True)
        self.session.emit("user_input_transcribed", event)

    @asynccontextmanager
    async def asking(self, action: CollectDigits) -> AsyncIterator[None]:
        """A tool asks for digits; the result is in `results` at the end of the block."""

        async def collect() -> None:
            self.results.append(await self.keypad.collect(action))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(collect())
            await settle()
            yield
            await settle()

    def events(self, kind: type) -> list[Any]:
        return [event for event in self.writer.events if isinstance(event, kind)]

    @property
    def prompts(self) -> list[str]:
        return [speech.words for speech in self.session.said]

    async def heard(self, seconds: float) -> float:
        """How much of so much audio others receive, in seconds."""
        frames = [await self.session.input.audio.__anext__() for _ in range(round(seconds / 0.08))]
        loud = [frame for frame in frames if bytes(frame.data) == bytes(LOUD.data)]
        silent = [frame for frame in frames if not any(bytes(frame.data))]
        assert len(loud) + len(silent) == len(frames)
        return len(loud) * FRAME_SECONDS


def new_rig(*events: Any) -> Rig:
    time, writer = FakeTime(), InMemoryEventWriter()
    agent = replace(
        RECEPTION, session=replace(RECEPTION.session, silence=(SilencePrompt(after=5, say=""),))
    )
    conversation = voice_conversation(time, writer, agent)
    call = replace(conversation.claim.call, kind=CallKind.SIP)
    conversation.claim = replace(conversation.claim, call=call)
    for event in events:
        conversation.projection = conversation.projection.apply(event, time.now())
    session, room = FakeSession(), FakeRoom(time)

    async def prompt(_: str) -> None: ...

    keypad = PhoneKeypad(
        conversation,
        cast(Any, session),
        cast(rtc.Room, room),
        Announcements(cast(Any, session), conversation),
        SilenceMonitor(conversation, time.now, prompt),
    )
    return Rig(conversation, writer, time, session, room, keypad)


@asynccontextmanager
async def keypad_rig(*events: Any) -> AsyncIterator[Rig]:
    rig = new_rig(*events)
    async with background_task(rig.keypad.run()):
        await settle()
        rig.keypad.tap(cast(Any, rig.session))
        yield rig


# ---- turns of the caller ------------------------------------------------------------------


async def test_keys_that_follow_each_other_are_one_turn_of_the_caller() -> None:
    async with keypad_rig() as rig:
        rig.press("9", identity="human")
        await rig.press_slowly("1A2", 0.9)
        assert rig.session.interruptions == 1
        assert rig.events(DtmfReceived) == []
        await rig.time.advance(1.2)
        assert rig.events(DtmfReceived) == [DtmfReceived(digits="12")]
        text = rig.conversation.turn.deferred_text
        assert text == "[The caller pressed 12 on the keypad of the phone.]"
        rig.conversation.record_user_turn(text, None, None, {})
        rig.press("3#4")
        await settle()
        assert rig.events(DtmfReceived)[1:] == [DtmfReceived(digits="3#")]
        await rig.time.advance(3)
        assert rig.events(DtmfReceived)[2:] == [DtmfReceived(digits="4")]


async def test_keys_do_not_interrupt_a_running_tool() -> None:
    started = ToolStarted(tool_call_id="t", node="only", tool="pay", arguments={})
    async with keypad_rig(started) as rig:
        rig.press("1")
        assert rig.session.interruptions == 0


async def test_keys_are_ignored_while_the_caller_waits_for_a_colleague() -> None:
    async with keypad_rig() as rig:
        rig.conversation.transfers = cast(Any, SimpleNamespace(is_holding=True))
        rig.press("12#")
        rig.conversation.transfers = cast(Any, SimpleNamespace(is_holding=False))
        rig.press("3#")
        assert rig.events(DtmfReceived) == [DtmfReceived(digits="3#")]


async def test_keys_are_stored_when_the_call_ends_before_the_turn_is_over() -> None:
    async with keypad_rig() as rig:
        rig.press("12")
    assert rig.events(DtmfReceived) == [DtmfReceived(digits="12")]


# ---- digits that a tool asks for ------------------------------------------------------------


async def test_a_tool_receives_the_digits_as_soon_as_they_are_complete() -> None:
    async with keypad_rig() as rig:
        async with rig.asking(ACCOUNT):
            assert rig.prompts == ["Your number?"]
            rig.press("12")
            assert rig.session.said[0].interrupted
            await rig.time.advance(2)
            rig.press("3456")
        assert rig.results == [CollectedDigits(pressed="123456", attempts=1)]
        rig.press("#")  # belongs to the digits
        await rig.time.advance(3)
        assert rig.events(DtmfReceived) == []
        assert rig.session.interruptions == 0


@pytest.mark.parametrize(
    ("keys", "seconds", "result"),
    [
        ("1234#", 0, CollectedDigits(pressed="1234", attempts=1)),
        ("1234", 3.1, CollectedDigits(pressed="1234", attempts=1)),
    ],
)
async def test_digits_are_complete_with_the_terminator_or_after_a_pause(
    keys: str, seconds: float, result: CollectedDigits
) -> None:
    async with keypad_rig() as rig:
        async with rig.asking(ACCOUNT):
            rig.press(keys)
            await rig.time.advance(seconds)
        assert rig.results == [result]


async def test_the_caller_is_asked_again_and_the_tool_fails_in_the_end() -> None:
    async with keypad_rig() as rig:
        async with rig.asking(ACCOUNT):
            await rig.time.advance(20)  # the prompt takes long
            assert rig.prompts == ["Your number?"]
            rig.session.said[0].finish()
            await rig.time.advance(7)
            rig.press("12")
            await rig.time.advance(3.1)
            assert rig.prompts == ["Your number?", "Once more?"]
            rig.session.said[1].finish()
            await rig.time.advance(8.1)
        expected = CollectedDigits(attempts=2, problem="The caller pressed no key.")
        assert rig.results == [expected]
        rig.press("1234#")  # too late for the tool
        assert rig.events(DtmfReceived) == [DtmfReceived(digits="1234#")]


async def test_what_was_typed_before_the_question_counts() -> None:
    async with keypad_rig() as rig:
        rig.press("12")
        async with rig.asking(ACCOUNT):
            assert rig.prompts == []
            rig.press("34#")
        assert rig.results == [CollectedDigits(pressed="1234", attempts=1)]
        await rig.time.advance(3)
        assert rig.events(DtmfReceived) == []


async def test_a_caller_who_speaks_instead_is_not_asked_again() -> None:
    async with keypad_rig() as rig:
        async with rig.asking(ACCOUNT):
            rig.session.said[0].finish()
            rig.say("I do not have it here")
        assert rig.results == [CollectedDigits(attempts=1, problem=SPOKE_INSTEAD)]


async def test_a_call_that_ends_does_not_wait_for_keys() -> None:
    async with keypad_rig() as rig:
        asking = asyncio.create_task(rig.keypad.collect(PIN))
        sending = asyncio.create_task(rig.keypad.send("1wwww2"))
        await settle()
        rig.keypad.close()
        for task in (asking, sending):
            with pytest.raises(CallLost):
                await task
        assert rig.events(DtmfSent) == [DtmfSent(digits="1")]
        assert await rig.heard(4) == 0  # the caller may still press keys
        rig.press("84#")
        assert rig.events(DtmfReceived) == []


# ---- masked digits --------------------------------------------------------------------------


async def test_nothing_is_heard_from_the_prompt_until_two_seconds_after_masked_digits() -> None:
    async with keypad_rig() as rig:
        assert await rig.heard(0.8) == pytest.approx(0.8)
        rig.press("7")  # typed too early: neither stored nor taken
        async with rig.asking(PIN):
            assert await rig.heard(4) == 0
            rig.say("words from before")
            rig.press("84")
            assert await rig.heard(4) == 0
            rig.press("02")
        assert rig.results == [CollectedDigits(pressed="8402", attempts=1)]
        assert await rig.heard(1.6) == 0
        rig.press("5#")  # too many keys are masked as well
        await rig.time.advance(5)
        assert await rig.heard(4) == pytest.approx(2, abs=0.1)
        assert rig.writer.events == []
        assert rig.conversation.turn.deferred_text == ""
        assert "8402" not in repr(rig.results)
        rig.press("1#")
        await settle()
        assert rig.events(DtmfReceived) == [DtmfReceived(digits="1#")]


async def test_a_masked_key_too_many_does_not_belong_to_the_next_digits() -> None:
    async with keypad_rig() as rig:
        async with rig.asking(PIN):
            rig.press("8402")
        async with rig.asking(ACCOUNT):
            rig.press("7")
            await rig.time.advance(2.5)
            rig.press("1234#")
        assert rig.results[1].pressed == "1234"


async def test_masked_keys_that_a_lost_worker_asked_for_reach_nothing() -> None:
    started = ToolStarted(tool_call_id="t", node="only", tool="pay", arguments={})
    asked = DtmfRequested(tool_call_id="t", name="pin", masked=True)
    rig = new_rig(started, asked)
    assert not rig.session.input.is_enabled
    rig.keypad.tap(cast(Any, rig.session))
    assert rig.session.input.is_enabled
    async with background_task(rig.keypad.run()):
        rig.press("84")
        assert await rig.heard(8) == 0
        await rig.time.advance(6)
        rig.press("02")
        assert await rig.heard(1.6) == 0
        await rig.time.advance(5)
        assert rig.writer.events == []


async def test_the_model_asks_again_after_the_loss_of_a_worker() -> None:
    time, writer = FakeTime(), InMemoryEventWriter()
    conversation = voice_conversation(time, writer)
    for event in (
        ToolStarted(tool_call_id="t", node="only", tool="pay", arguments={}),
        DtmfRequested(tool_call_id="t", name="pin", masked=True),
    ):
        conversation.projection = conversation.projection.apply(event, time.now())
    first_agent(conversation)
    [finished] = [event for event in writer.events if isinstance(event, ToolFinished)]
    assert (finished.outcome, finished.result) == (ToolOutcome.UNKNOWN, ASK_AGAIN)
    assert conversation.projection.digits_requested is None


# ---- keys that the agent presses ------------------------------------------------------------


async def test_keys_are_pressed_as_fast_as_the_line_plays_them() -> None:
    async with keypad_rig() as rig:
        sending = asyncio.create_task(rig.keypad.send("1w2#"))
        await rig.time.advance(5)
        assert await sending is None
        assert rig.room.sent == [("1", 0.0), ("2", 1.0), ("#", 1.5)]
        assert rig.events(DtmfSent) == [DtmfSent(digits="12#")]


async def test_a_lost_line_is_reported() -> None:
    async with keypad_rig() as rig:
        rig.room.is_broken = True
        assert await rig.keypad.send("1") == NOT_SENT
        assert rig.events(DtmfSent) == []
