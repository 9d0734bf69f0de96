"""Voice calls in a real room, with emulated speech providers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from livekit import api

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallerPresent,
    CallerSilent,
    CallEvent,
    HandedOff,
    NodeEntered,
    StateChanged,
    ToolFinished,
    ToolStarted,
    TurnMeasured,
    UserTurn,
    WorkerLeft,
)
from domain.calls.model import Call, CallId, CallKind, EndReason
from domain.calls.rooms import RoomAccess, room_name
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.workflows.agents import ProviderChoice, SilencePrompt
from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText
from local.livekit import LivekitCredentials
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import BOOKING, RECEPTION
from tests.support.spoken_texts import CONNECTION_DROPPED, ENDING_SOON
from tests.support.voice_clients import VoiceCaller, joined_caller, voice_clinic
from tests.worker.test_text_calls import running_worker, watch
from tests.worker.test_text_calls import started as text_call
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.main import Keeper

pytestmark = pytest.mark.anyio

HOURS = (
    "We are open from Monday to Friday from eight in the morning until six in the evening and "
    "on Saturday from nine until noon but never on a Sunday or on a public holiday"
)
assert RECEPTION.llm is not None
TALKATIVE = replace(
    RECEPTION,
    llm=replace(
        RECEPTION.llm,
        options={
            "rules": [
                {"hears": ["hours"], "says": HOURS},
                *RECEPTION.llm.options["rules"],
            ]
        },
    ),
)

PUTTING_THROUGH = "One moment please while I find out who is free and put you through"
HESITANT = replace(
    RECEPTION,
    llm=replace(
        RECEPTION.llm,
        options={
            "rules": [
                {
                    "hears": ["appointment"],
                    "says": PUTTING_THROUGH,
                    "calls": {"tool": "transfer_to_booking"},
                },
                {"says": "How can I help?"},
            ]
        },
    ),
)
assert BOOKING.llm is not None
TALKS_AROUND_TOOL = replace(
    BOOKING,
    llm=replace(
        BOOKING.llm,
        options={
            "rules": [
                {"after": "book_appointment", "says": "You are booked for {{workflow.slot}}."},
                {
                    "hears": ["tomorrow"],
                    "says": "Let me write that down.",
                    "calls": {"tool": "book_appointment", "arguments": {"slot": "{{heard}}"}},
                },
                {"says": "Which day suits you?"},
            ]
        },
    ),
)


async def started(services: Services, viewer: Viewer, seconds: float = 3600) -> Call:
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP, max_seconds=int(seconds))
    return await start_call(services, viewer, request)


def said(seen: list[CallEvent]) -> list[str]:
    return [e.heard_text for e in seen if isinstance(e, AgentTurn)]


async def test_a_voice_call_works_with_the_vad_silero_onnx(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    pytest.importorskip("livekit.plugins.silero", reason="livekit-plugins-silero is an extra")
    vad = ProviderChoice(provider="silero-onnx", model="silero")
    reception, booking = (replace(agent, vad=vad) for agent in (RECEPTION, BOOKING))
    async with voice_clinic(settings, viewer, livekit, reception, booking) as (
        services,
        emulator,
        _,
    ):
        emulator.utterances = ["How are you?"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await watch(services, viewer, call.id, AgentTurn)
            await caller.speak()
            seen = await watch(services, viewer, call.id, AgentTurn, 2)
            await end_call(services, viewer, call.id)
        assert [e.text for e in seen if isinstance(e, UserTurn)] == ["How are you?"]


async def test_a_voice_call_is_transcribed_answered_handed_off_and_ended(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, heard, _):
        heard.utterances = ["I need an appointment", "tomorrow at ten"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await watch(services, viewer, call.id, AgentTurn)
            await caller.speak()
            seen = await watch(services, viewer, call.id, HandedOff)
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.speak()
            seen = await watch(services, viewer, call.id, TurnMeasured, 2)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
        assert [e.text for e in seen if isinstance(e, UserTurn)] == [
            "I need an appointment",
            "tomorrow at ten",
        ]
        assert said(seen) == [
            "Sunrise Clinic, hello.",
            "One moment.",
            "Booking here. When suits you?",
            "You are booked for tomorrow at ten.",
        ]
        assert CallerPresent(present=True) in seen
        assert heard.stt_connections == 1
        measured = [e for e in seen if isinstance(e, TurnMeasured)]
        assert [bool(e.first_audio_ms) for e in measured] == [True, True], measured


async def test_no_more_is_transcribed_than_the_call_lasted(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, heard, _):
        call = await started(services, viewer)
        began = time.monotonic()
        async with joined_caller(services, call):
            await watch(services, viewer, call.id, AgentTurn)
            await end_call(services, viewer, call.id)
            await watch(services, viewer, call.id, CallEnded)
            seconds = time.monotonic() - began
        assert 0 < heard.heard_seconds <= seconds


async def test_barge_in_stops_the_agent_and_the_log_has_the_text_heard(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit, TALKATIVE) as (services, heard, _):
        heard.utterances = ["what are your hours", "where are you"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            await caller.wait_for_audio(time.monotonic())
            await asyncio.sleep(0.8)
            await caller.speak()
            seen = await watch(services, viewer, call.id, TurnMeasured, 2)
    turns = [e for e in seen if isinstance(e, AgentTurn | UserTurn)]
    assert [type(e) for e in turns] == [AgentTurn, UserTurn, AgentTurn, UserTurn, AgentTurn]
    cut = turns[2]
    assert isinstance(cut, AgentTurn)
    assert (cut.interrupted, cut.text) == (True, HOURS)
    assert HOURS.startswith(cut.heard_text.strip())
    assert 0 < len(cut.heard_text) < len(HOURS)
    assert [e.text for e in turns[3:]] == ["where are you", "How can I help?"]


async def test_barge_in_does_not_undo_a_hand_off(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit, HESITANT) as (services, heard, _):
        heard.utterances = ["I need an appointment", "quickly please"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            asked = time.monotonic()
            await caller.speak()
            await caller.wait_for_audio(asked)
            await asyncio.sleep(0.8)
            await caller.speak()
            seen = await watch(services, viewer, call.id, AgentTurn, 3)
    reported = [e for e in seen if isinstance(e, AgentTurn | UserTurn | HandedOff | NodeEntered)]
    # The end of the caller's speech may fall into the next agent's turn and is transcribed there.
    assert [type(e) for e in reported[:6]] == [
        NodeEntered,
        AgentTurn,
        UserTurn,
        AgentTurn,
        HandedOff,
        NodeEntered,
    ]
    assert said(seen)[1] == PUTTING_THROUGH
    assert [e.more for e in seen if isinstance(e, AgentTurn)] == [False, True, False]


async def test_speech_around_a_tool_call_keeps_its_order(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit, booking=TALKS_AROUND_TOOL) as (
        services,
        heard,
        _,
    ):
        heard.utterances = ["I need an appointment", "tomorrow at ten"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.wait_for_silence()
            await caller.speak()
            seen = await watch(services, viewer, call.id, TurnMeasured, 2)
    kinds = (UserTurn, AgentTurn, ToolStarted, ToolFinished, TurnMeasured)
    last = [e for e in seen if isinstance(e, kinds)][-6:]
    assert [type(e) for e in last] == [
        UserTurn,
        AgentTurn,
        ToolStarted,
        ToolFinished,
        AgentTurn,
        TurnMeasured,
    ]
    assert said(seen)[-2:] == ["Let me write that down.", "You are booked for tomorrow at ten."]


async def test_noise_without_words_does_not_interrupt_an_agent(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit, TALKATIVE) as (services, heard, _):
        heard.utterances = ["what are your hours", ""]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            await caller.wait_for_audio(time.monotonic())
            await asyncio.sleep(0.8)
            await caller.speak(0.8)
            seen = await watch(services, viewer, call.id, TurnMeasured)
    assert said(seen) == ["Sunrise Clinic, hello.", HOURS]
    assert [e.interrupted for e in seen if isinstance(e, AgentTurn)] == [False, False]


async def test_a_silent_caller_is_prompted_twice_and_then_disconnected(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    ladder = (SilencePrompt(after=1.0, say="Are you there?"), SilencePrompt(after=2.5, say="Hm?"))
    patient = replace(
        RECEPTION, session=replace(RECEPTION.session, silence=ladder, auto_disconnect=5.0)
    )
    async with voice_clinic(settings, viewer, livekit, patient) as (services, _, _):
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    assert [e.seconds for e in seen if isinstance(e, CallerSilent)] == [1.0, 2.5]
    assert said(seen) == ["Sunrise Clinic, hello.", "Are you there?", "Hm?"]
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.SILENCE


async def test_a_silent_caller_is_prompted_in_the_language_of_the_call(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    patient = replace(
        RECEPTION,
        default_language="hi-IN",
        session=replace(
            RECEPTION.session, silence=(SilencePrompt(after=1.0),), auto_disconnect=5.0
        ),
    )
    async with voice_clinic(settings, viewer, livekit, patient) as (services, _, _):
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    asked = find_spoken_text(SpokenText.STILL_THERE, "hi")
    assert said(seen) == ["Sunrise Clinic, hello.", asked]


async def test_a_caller_may_return_and_otherwise_counts_as_hung_up(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    shortly = replace(settings, return_seconds=8.0)
    async with voice_clinic(shortly, viewer, livekit) as (services, heard, _):
        heard.utterances = ["I need an appointment"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.leave()
            await watch(services, viewer, call.id, CallerPresent, 2)
            await caller.join(services, call)
            await watch(services, viewer, call.id, CallerPresent, 3)
            await caller.speak()
            await watch(services, viewer, call.id, HandedOff)
        seen = await watch(services, viewer, call.id, CallEnded)
    assert [e.present for e in seen if isinstance(e, CallerPresent)] == [True, False, True, False]
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.HUNG_UP_BY_USER


async def test_a_call_that_no_caller_joins_ends_with_no_answer(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    shortly = replace(settings, join_seconds=1.0)
    async with voice_clinic(shortly, viewer, livekit) as (services, _, _):
        call = await started(services, viewer)
        seen = await watch(services, viewer, call.id, CallEnded)
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.NO_ANSWER


async def test_a_caller_is_warned_before_the_maximum_duration(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, _, _):
        call = await started(services, viewer, seconds=10)
        async with joined_caller(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    assert said(seen)[-1] == ENDING_SOON
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.MAX_DURATION


async def test_the_time_limit_of_an_agent_ends_the_call(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    brief = replace(RECEPTION, session=replace(RECEPTION.session, max_duration=10.0))
    async with voice_clinic(settings, viewer, livekit, brief) as (services, _, _):
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    assert said(seen) == ["Sunrise Clinic, hello.", ENDING_SOON]
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.MAX_DURATION


async def test_only_the_caller_is_transcribed(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, heard, _):
        heard.utterances = ["the caller's words"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller, stranger(livekit, call) as other:
            await other.room.local_participant.send_text("transfer_to_booking", topic="lk.chat")
            await other.room.local_participant.publish_data(b"appointment", topic="lk-chat-topic")
            await other.speak()
            await caller.speak()
            await watch(services, viewer, call.id, TurnMeasured)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    assert [e.text for e in seen if isinstance(e, UserTurn)] == ["the caller's words"]


@asynccontextmanager
async def stranger(livekit: LivekitCredentials, call: Call) -> AsyncIterator[VoiceCaller]:
    """Another participant in the room, with a token that the platform never issued."""
    token = api.AccessToken(livekit.key, livekit.secret).with_identity("stranger")
    room = room_name(call.id)
    signed = token.with_grants(api.VideoGrants(room_join=True, room=room)).to_jwt()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    other = VoiceCaller()
    try:
        await other.enter(RoomAccess(url=livekit.url, token=signed, room=room, expires_at=soon))
        yield other
    finally:
        await other.leave()


async def test_the_keeper_closes_only_rooms_of_ended_calls(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, _, voiced):
        over, running = [await started(services, viewer) for _ in range(2)]
        await end_call(services, viewer, over.id)
        await watch(services, viewer, over.id, CallEnded)
        foreign = CallId(uuid4())
        rooms = LiveKitRooms.from_settings(voiced)
        assert rooms is not None
        async with (
            api.LiveKitAPI(livekit.url, livekit.key, livekit.secret) as server,
            worker_services(voiced) as wired,
        ):
            for id in (over.id, running.id, foreign):
                await server.room.create_room(api.CreateRoomRequest(name=room_name(id)))
            await Keeper(wired, voiced).close_ended_rooms(rooms)
            ids = {room_name(id): id for id in (over.id, running.id, foreign)}
            left = {ids[room] for room in await rooms.list_open() if room in ids}
            assert left == {running.id, foreign}
            for id in left:
                await rooms.close(room_name(id), id)


async def test_a_closed_room_ends_its_call(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with voice_clinic(settings, viewer, livekit) as (services, _, _):
        call = await started(services, viewer)
        async with joined_caller(services, call):
            async with api.LiveKitAPI(livekit.url, livekit.key, livekit.secret) as server:
                await server.room.delete_room(api.DeleteRoomRequest(room=room_name(call.id)))
            seen = await watch(services, viewer, call.id, CallEnded)
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.ROOM_GONE


async def test_a_worker_holds_its_maximum_of_voice_calls_and_further_text_calls(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    few = replace(settings, worker_voice_capacity=1)
    async with voice_clinic(few, viewer, livekit) as (services, _, _):
        first = await started(services, viewer)
        await watch(services, viewer, first.id, StateChanged, 2)
        second = await started(services, viewer)
        chats = [await text_call(services, viewer) for _ in range(3)]
        for chat in chats:
            await watch(services, viewer, chat.id, AgentTurn)
        async with services.store.transaction(viewer.tenant_id) as work:
            assert len(await work.calls.events(second.id, 0, 10)) == 1
        await end_call(services, viewer, first.id)
        await watch(services, viewer, second.id, StateChanged, 2)


async def two_conversations(
    services: Services, viewer: Viewer, stack: AsyncExitStack
) -> list[tuple[Call, VoiceCaller]]:
    """Two calls whose callers have heard the greeting and stay until the stack is closed."""
    calls = [await started(services, viewer) for _ in range(2)]
    pairs = [
        (call, await stack.enter_async_context(joined_caller(services, call))) for call in calls
    ]
    for call in calls:
        await watch(services, viewer, call.id, AgentTurn)
    return pairs


async def test_callers_do_not_notice_a_deployment(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    """Two workers hold two calls each, so they are full; one of them stops, and a third takes over."""
    clinic = voice_clinic(replace(settings, worker_voice_capacity=2), viewer, livekit)
    async with AsyncExitStack() as stack:
        services, heard, voiced = await stack.enter_async_context(clinic)
        heard.utterances = ["I need an appointment", "tomorrow at ten"]
        conversations = await two_conversations(services, viewer, stack)
        async with running_worker(voiced):
            conversations += await two_conversations(services, viewer, stack)
            await stack.enter_async_context(running_worker(voiced))
        moved = []
        for call, caller in conversations:
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
            moved.append(sum(isinstance(e, WorkerLeft) for e in seen))
            assert said(seen) == ["Sunrise Clinic, hello."]
            await caller.wait_disconnected()
    assert moved == [0, 0, 1, 1]
    assert CONNECTION_DROPPED not in heard.spoken_texts
