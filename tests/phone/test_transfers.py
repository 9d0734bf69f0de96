"""Calls that are transferred to a colleague, over SIP and RTP. Each party has a tone of its own, so it can
be measured which party hears which, and for how long."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    CommandApplied,
    CommandRefused,
    HandedOff,
    ToolFinished,
    ToolOutcome,
    TransferAdvanced,
    TransferFailed,
    TransferIsolationLost,
    TransferStarted,
    UserTurn,
)
from domain.calls.model import Call, CallKind, EndReason
from domain.calls.transfers import TransferFailure, TransferPhase, TransferVia
from domain.common.access import Viewer
from domain.common.errors import DialRefused
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import OutboundTrunk
from domain.tools.actions import Conditional, TransferCall
from domain.tools.model import ToolSpec
from domain.tools.transfers import TransferMode, TransferTarget
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.transfers import transfer_call
from domain.workflows.agents import AgentSpec
from domain.workflows.answering import AnsweringSettings
from domain.workflows.model import EntryAction, Node, WorkflowSpec
from local.emulators.audio import synthetic_speech, tone
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.livekit import LivekitCredentials
from local.phone.answer import ANSWERS, BUSY, RINGS_FOREVER, Answer, ReferAnswer
from local.phone.g711 import RATE, Samples
from local.phone.media import Media
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.tones import audible_seconds, sine
from persistence.wiring import api_services
from tests.phone.conftest import SipContract
from tests.phone.test_inbound_calls import opened_number
from tests.phone.test_sip_inbound_contract import CALLER, NUMBER, delete_rooms
from tests.phone.test_sip_outage_contract import Installation as SipInstallation
from tests.phone.test_sip_outage_contract import installation
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk, dialed, invites
from tests.support.voice_clients import joined_caller, with_speech, with_voice_providers
from tests.support.waiting import until
from tests.worker.test_text_calls import running_worker, watch
from worker.session.transfers import NOT_ON_A_TELEPHONE

assert installation
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

CALLER_TONE, COLLEAGUE_TONE, VOICE_TONE, HOLD_TONE = 1_000.0, 1_800.0, 2_600.0, 523.25
LEAK_AMPLITUDE = 800.0
"""A party that is heard is several times as loud; the edges of loud tones are far below."""
DESK, DESK_SHOWN = "+12025550103", "+12025550104"
SORRY = "Sorry they cannot talk now."
MAILBOX_WORDS = "you have reached the voicemail of Kim please leave a message after the tone"
assert RECEPTION.llm is not None
RULES = [
    {"noted": ["transfer failed"], "says": SORRY},
    {"hears": ["appointment"], "calls": {"tool": "transfer_to_booking"}},
    {"says": "How can I help?"},
]
HOST = replace(RECEPTION, llm=replace(RECEPTION.llm, options={"rules": RULES}))
GREETS_AT_ONCE = replace(CLINIC, answering=AnsweringSettings(enabled=False))
"""The clinic greets as soon as the phone is answered."""
RINGS_SHORTLY = replace(ANSWERS, ring_seconds=1.0)


@dataclass(frozen=True, slots=True)
class OneTone:
    """A voice that says every word with the same tone."""

    word_seconds: float = 0.12

    def speak(self, words: Sequence[str], rate: int) -> bytes:
        return tone(self.word_seconds * len(words), rate, VOICE_TONE)


@dataclass(frozen=True, slots=True)
class Rig:
    """A clinic with one worker, the phone of a caller, and that of a colleague at the desk."""

    services: Services
    viewer: Viewer
    settings: Settings
    phone: Phone
    desk: Phone
    speech: SpeechEmulator
    trunk: OutboundTrunk
    """It leads to the phone of the caller; the trunk `desk` to that of the colleague."""

    async def connected(self) -> tuple[Call, PhoneCall]:
        """A call to the caller, after the greeting."""
        call = await dialed(self.services, self.viewer, trunk_id=self.trunk.id)
        phone_call = await self.phone.next_call()
        await self.watch(call, AgentTurn)
        return call, phone_call

    async def transfer(self, call: Call, key: str | None = None, **target: Any) -> None:
        fields = {"number": DESK, "mode": TransferMode.WARM, "trunk": "desk", **target}
        await transfer_call(self.services, self.viewer, call.id, TransferTarget(**fields), key)

    async def watch(
        self, call: Call, until: type | tuple[type, ...], count: int = 1
    ) -> list[CallEvent]:
        return await watch(self.services, self.viewer, call.id, until, count)


@asynccontextmanager
async def clinic(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    *,
    answer: Answer = ANSWERS,
    workflow: WorkflowSpec = GREETS_AT_ONCE,
    host: AgentSpec = HOST,
    tool: ToolSpec = BOOK,
) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(open_phone(CALLEE_NUMBER, answer))
        desk = await stack.enter_async_context(open_phone(DESK, RINGS_SHORTLY))
        speech = await stack.enter_async_context(run_speech_emulator())
        speech.voice = OneTone()
        voiced = with_voice_providers(settings, livekit, speech)
        services = await stack.enter_async_context(api_services(voiced))
        trunk = await add_trunk(services, viewer, phone.host_and_port)
        await add_trunk(services, viewer, desk.host_and_port, DESK_SHOWN, name="desk")
        agents = with_speech(host, BOOKING)
        await publish_clinic(services, viewer, agents, tool, workflow)
        await stack.enter_async_context(running_worker(voiced))
        yield Rig(services, viewer, voiced, phone, desk, speech, trunk)


def heard_ms(media: Media, hertz: float, since: int = 0, before: int | None = None) -> float:
    """For how many milliseconds a tone was audible between two positions of what a phone heard."""
    samples = media.heard.since(since)
    samples = samples if before is None else samples[: before - since]
    return 1_000 * audible_seconds(samples, hertz, LEAK_AMPLITUDE)


def speech(seconds: float) -> Samples:
    """Speech, and then silence."""
    pcm = synthetic_speech(seconds, RATE) + bytes(2 * RATE)
    return np.frombuffer(pcm, np.int16)


def phases(events: list[CallEvent]) -> list[TransferPhase]:
    return [event.phase for event in events if isinstance(event, TransferAdvanced)]


def reasons(events: list[CallEvent]) -> list[EndReason]:
    return [event.reason for event in events if isinstance(event, CallEnded)]


P = TransferPhase
ACCEPTED = [P.RINGING, P.ANSWERED, P.BRIEFING, P.ACCEPTED, P.BRIDGED]


async def until_both_hear_each_other(caller: PhoneCall, colleague: PhoneCall) -> None:
    since = caller.media.heard.position, colleague.media.heard.position
    await until(lambda: heard_ms(caller.media, COLLEAGUE_TONE, since[0]) > 200)
    await until(lambda: heard_ms(colleague.media, CALLER_TONE, since[1]) > 200)


async def test_a_colleague_is_briefed_in_private_and_takes_the_call(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with clinic(settings, viewer, sip.livekit) as rig:
        call, caller = await rig.connected()
        await rig.transfer(call, "once", extension="42#")
        await rig.transfer(call, "once", extension="42#")
        colleague = await rig.desk.next_call()
        begun = caller.media.heard.position
        caller.media.play(sine(CALLER_TONE, 1), repeat=True)
        await colleague.until_answered()
        colleague.media.play(sine(COLLEAGUE_TONE, 1), repeat=True)
        assert await colleague.media.until_digits(3) == "42#"
        await until(lambda: heard_ms(colleague.media, VOICE_TONE) > 200)
        await until(lambda: heard_ms(caller.media, HOLD_TONE, begun) > 100)
        ends = caller.media.heard.position, colleague.media.heard.position
        colleague.media.send_digits("1")
        events = await rig.watch(call, TransferAdvanced, len(ACCEPTED))
        await until_both_hear_each_other(caller, colleague)
        bridged = caller.media.heard.position
        leaks = {
            "the colleague hears the caller": heard_ms(colleague.media, CALLER_TONE, 0, ends[1]),
            "the colleague hears the hold tone": heard_ms(colleague.media, HOLD_TONE, 0, ends[1]),
            "the caller hears the colleague": heard_ms(
                caller.media, COLLEAGUE_TONE, begun, ends[0]
            ),
            "the caller hears the briefing": heard_ms(caller.media, VOICE_TONE, begun, ends[0]),
        }
        print(f"leaked audio in ms: {leaks}")
        assert set(leaks.values()) == {0.0}
        await colleague.media.until_heard(1.0)
        assert heard_ms(caller.media, HOLD_TONE, bridged) == 0
        await colleague.hang_up()
        log = await rig.watch(call, CallEnded)
        await caller.until_ended()
    assert phases(log) == ACCEPTED
    assert reasons(log) == [EndReason.TRANSFERRED]
    assert (colleague.number, colleague.headers["X-Studio-Caller"]) == (DESK_SHOWN, CALLEE_NUMBER)
    [started] = [event for event in log if isinstance(event, TransferStarted)]
    assert (started.requested_by, started.number) == (TransferVia.OPERATOR, DESK)
    assert [
        event.brief for event in events if isinstance(event, TransferAdvanced) if event.brief
    ] == ["A call from 12 02 55 50 10 2."]
    assert len([event for event in log if isinstance(event, CommandApplied)]) == 1
    assert not any(isinstance(event, UserTurn) for event in log)
    assert invites(rig.desk) == 1


async def test_a_caller_is_taken_back_when_the_colleague_does_not_take_the_call(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with clinic(settings, viewer, sip.livekit) as rig:
        call, caller = await rig.connected()

        async def attempt(answer: Answer, **target: Any) -> PhoneCall:
            rig.desk.answer = answer
            await rig.transfer(call, **target)
            return await rig.desk.next_call()

        async def taken_back(count: int, colleague: PhoneCall) -> None:
            await colleague.until_ended()
            before = caller.media.heard.position
            await rig.watch(call, AgentTurn, count + 1)
            await until(lambda: heard_ms(caller.media, VOICE_TONE, before) > 200)

        await taken_back(1, await attempt(BUSY))
        colleague = await attempt(RINGS_SHORTLY)
        await rig.transfer(call)
        await rig.watch(call, CommandRefused)
        await rig.watch(call, TransferAdvanced, 3)
        colleague.media.send_digits("2")
        await taken_back(2, colleague)
        colleague = await attempt(RINGS_SHORTLY)
        rig.speech.utterances = [MAILBOX_WORDS]
        await colleague.until_answered()
        colleague.media.play(speech(4.0))
        await taken_back(3, colleague)
        await taken_back(4, await attempt(RINGS_FOREVER, ringing_seconds=5))
        with pytest.raises(DialRefused):
            await rig.transfer(call, number="+18765550123", trunk=None)
        await end_call(rig.services, viewer, call.id)
        log = await rig.watch(call, CallEnded)
    failures = [event for event in log if isinstance(event, TransferFailed)]
    assert [(event.failure, event.sip_status) for event in failures] == [
        (TransferFailure.BUSY, 486),
        (TransferFailure.DECLINED, None),
        (TransferFailure.VOICEMAIL, None),
        (TransferFailure.NO_ANSWER, None),
    ]
    said = [event.text for event in log if isinstance(event, AgentTurn)]
    assert said[1:] == [SORRY] * 4
    assert invites(rig.desk) == 4


async def test_a_phone_that_rings_for_a_caller_who_hangs_up_stops(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with clinic(settings, viewer, sip.livekit) as rig:
        rig.desk.answer = RINGS_FOREVER
        call, caller = await rig.connected()
        await rig.transfer(call)
        colleague = await rig.desk.next_call()
        await caller.hang_up()
        log = await rig.watch(call, CallEnded)
        await colleague.until_ended()
    assert reasons(log) == [EndReason.HUNG_UP_BY_USER]
    assert not colleague.answered.is_set()


async def test_a_carrier_that_refuses_to_transfer_leaves_the_caller_with_the_agent(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    refuses = replace(ANSWERS, refer=ReferAnswer(status=403))
    async with clinic(settings, viewer, sip.livekit, answer=refuses) as rig:
        call, caller = await rig.connected()
        await rig.transfer(call, mode=TransferMode.COLD, trunk=None)
        refer = await caller.until_referred()
        log = await rig.watch(call, AgentTurn, 2)
        [failed] = [event for event in log if isinstance(event, TransferFailed)]
        assert (failed.failure, failed.sip_status) == (TransferFailure.REFUSED, 403)
        assert [event.text for event in log if isinstance(event, AgentTurn)][1:] == [SORRY]
        assert DESK in refer.header("refer-to")
        await end_call(rig.services, viewer, call.id)
        await rig.watch(call, CallEnded)
        rig.phone.answer = ANSWERS
        call, caller = await rig.connected()
        await rig.transfer(call, mode=TransferMode.COLD, trunk=None)
        await caller.until_referred()
        log = await rig.watch(call, CallEnded)
        await caller.until_ended()
    assert phases(log) == [P.REFERRED]
    assert reasons(log) == [EndReason.TRANSFERRED]
    assert invites(rig.desk) == 0  # the carrier calls it


async def test_a_node_transfers_a_caller_who_has_called_and_words_accept(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    target = TransferTarget(
        number=DESK, mode=TransferMode.WARM, trunk="desk", brief="Kim needs {{user.need}} help."
    )
    transfers = Node(
        id="booking", agent="booking", on_entry=EntryAction.TRANSFER_CALL, transfer=target
    )
    workflow = replace(GREETS_AT_ONCE, nodes=(GREETS_AT_ONCE.nodes[0], transfers))
    await delete_rooms(sip.client)
    async with (
        clinic(settings, viewer, sip.livekit, workflow=workflow) as rig,
        opened_number(rig.services, viewer, rig.settings),
        open_phone(CALLER) as phone,
    ):
        rig.speech.utterances = ["I need an appointment."]
        caller = await phone.dial(NUMBER, sip.address)
        await caller.until_answered()
        await until(lambda: heard_ms(caller.media, VOICE_TONE) > 200)
        await caller.media.until_heard(1.0)
        caller.media.play(speech(1.0))
        colleague = await rig.desk.next_call()
        await colleague.until_answered()
        colleague.media.play(speech(0.6))
        await until(lambda: heard_ms(colleague.media, VOICE_TONE) > 200)
        await until(lambda: silent_for(colleague.media, 0.8))
        rig.speech.utterances = ["Yes please."]
        colleague.media.play(speech(0.6))
        caller.media.play(sine(CALLER_TONE, 1), repeat=True)
        await until(lambda: heard_ms(colleague.media, CALLER_TONE) > 200)
        colleague.media.play(sine(COLLEAGUE_TONE, 1), repeat=True)
        await until(lambda: heard_ms(caller.media, COLLEAGUE_TONE) > 200)
        await caller.hang_up()
        await colleague.until_ended()
        async with rig.services.store.transaction(viewer.tenant_id) as work:
            [call] = (await work.calls.page(Window(2))).items
        log = await rig.watch(call, CallEnded)
    assert phases(log) == ACCEPTED
    assert reasons(log) == [EndReason.TRANSFERRED]
    assert any(isinstance(event, HandedOff) for event in log)
    [started] = [event for event in log if isinstance(event, TransferStarted)]
    assert (started.requested_by, started.node) == (TransferVia.NODE, "booking")
    assert [event.text for event in log if isinstance(event, UserTurn)] == [
        "I need an appointment."
    ]
    assert [e.brief for e in log if isinstance(e, TransferAdvanced) and e.brief] == [
        "Kim needs  help."
    ]


def silent_for(media: Media, seconds: float) -> bool:
    return audible_seconds(media.heard.last(seconds), VOICE_TONE, LEAK_AMPLITUDE) == 0


BY_TOOL = replace(
    BOOK,
    actions=(
        Conditional(
            condition="params.slot == 'carrier'",
            then=(TransferCall(number=DESK),),
            otherwise=(
                TransferCall(
                    number="{{user.desk}}",
                    mode=TransferMode.WARM,
                    trunk="desk",
                    announcement="One moment please.",
                ),
            ),
        ),
    ),
)
TOOL_RULES = [
    {"after": "book_appointment", "says": "{{output}}"},
    {"hears": ["carrier"], "calls": {"tool": BY_TOOL.name, "arguments": {"slot": "carrier"}}},
    {"hears": ["desk"], "calls": {"tool": BY_TOOL.name, "arguments": {"slot": "desk"}}},
    {"says": "How can I help?"},
]


async def test_a_tool_transfers_a_caller_in_a_browser_but_not_by_the_carrier(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    assert RECEPTION.llm is not None
    llm = replace(RECEPTION.llm, options={"rules": TOOL_RULES})
    host = replace(HOST, llm=llm, tools=(BY_TOOL.name,))
    async with clinic(settings, viewer, sip.livekit, host=host, tool=BY_TOOL) as rig:
        rig.speech.utterances = ["Use the carrier.", "To the desk then."]
        request = CallRequest(
            workflow_name="clinic", kind=CallKind.VOIP, user_context={"desk": DESK}
        )
        call = await start_call(rig.services, viewer, request)
        async with joined_caller(rig.services, call) as caller:
            await caller.speak(1.0)
            log = await rig.watch(call, ToolFinished)
            assert isinstance(log[-1], ToolFinished)
            assert (log[-1].outcome, log[-1].result) == (ToolOutcome.FAILED, NOT_ON_A_TELEPHONE)
            await rig.watch(call, AgentTurn, 2)
            await caller.wait_for_silence()
            await caller.speak(1.0)
            colleague = await rig.desk.next_call()
            await colleague.until_answered()
            await rig.watch(call, TransferAdvanced, 3)
            colleague.media.send_digits("1")
            await rig.watch(call, TransferAdvanced, len(ACCEPTED))
            since, position = time.monotonic(), colleague.media.heard.position
            colleague.media.play(speech(1.0))
            await caller.wait_for_audio(since)
            await caller.speak(1.0)
            await until(
                lambda: np.abs(colleague.media.heard.since(position)).max(initial=0) > 2_000
            )
        await colleague.until_ended()
        log = await rig.watch(call, CallEnded)
    assert reasons(log) == [EndReason.TRANSFERRED]
    assert phases(log) == ACCEPTED
    said = [event.text for event in log if isinstance(event, AgentTurn)]
    assert "One moment please." in said
    [started] = [event for event in log if isinstance(event, TransferStarted)]
    assert started.requested_by is TransferVia.TOOL
    assert "X-Studio-Caller" not in colleague.headers


async def test_both_are_separated_again_after_a_restart_of_livekit_in_a_consultation(
    settings: Settings, viewer: Viewer, installation: SipInstallation
) -> None:
    async with clinic(settings, viewer, installation.sip.server.livekit) as rig:
        call, caller = await rig.connected()
        await rig.transfer(call)
        colleague = await rig.desk.next_call()
        caller.media.play(sine(CALLER_TONE, 1), repeat=True)
        await colleague.until_answered()
        colleague.media.play(sine(COLLEAGUE_TONE, 1), repeat=True)
        await rig.watch(call, TransferAdvanced, 3)
        await installation.livekit.server.kill()
        await installation.livekit.server.start()
        # The legs come back, unless the colleague's time is over before.
        await rig.watch(call, (TransferIsolationLost, TransferFailed))

        def are_separated() -> bool:
            caller_hears = audible_seconds(caller.media.heard.last(2.5), COLLEAGUE_TONE)
            colleague_hears = audible_seconds(colleague.media.heard.last(2.5), CALLER_TONE)
            # A phone that has hung up keeps what it heard last.
            return caller_hears == 0 and (colleague_hears == 0 or colleague.end is not None)

        await until(are_separated)
        await end_call(rig.services, viewer, call.id)
        log = await rig.watch(call, CallEnded)
    assert len(reasons(log)) == 1
    assert TransferPhase.BRIDGED not in phases(log)
