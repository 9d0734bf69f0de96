"""Voice calls survive the death of processes and servers: the caller stays in the room, no reply is repeated,
and no tool runs twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ErrorRaised,
    HandedOff,
    NodeEntered,
    ToolFinished,
    ToolOutcome,
    TurnMeasured,
    UserTurn,
    WorkerReplaced,
)
from domain.calls.model import Call, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import ApiCall, Method
from domain.tools.model import ToolSpec
from domain.use_cases.calls import end_call, send_message
from domain.workflows.agents import AgentSpec, Voice
from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText
from local import livekit as livekit_server
from local import livekit_binary
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.livekit import LivekitCredentials
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.support.demo_workflow import BOOK, BOOKING, RECEPTION, publish_clinic
from tests.support.installation import Installation, Process, running_installation
from tests.support.spoken_texts import CONNECTION_DROPPED
from tests.support.tls_hosts import running_host
from tests.support.viewers import owner_of
from tests.support.voice_clients import (
    VoiceCaller,
    joined_caller,
    voice_clinic,
    with_speech,
    with_voice_providers,
)
from tests.support.waiting import until
from tests.voice.test_voice_calls import HOURS, TALKATIVE, started
from tests.worker.test_text_calls import started as text_call
from tests.worker.test_text_calls import watch
from worker.common.retry import retry_while_unavailable

NOTHING: Mapping[str, str] = {}
DRAINS_SOON: Mapping[str, str] = {"WORKER_VOICE_CALLS": "1"}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class VoiceRig:
    whole: Installation
    services: Services
    viewer: Viewer
    heard: SpeechEmulator

    async def call(self) -> Call:
        return await started(self.services, self.viewer)

    async def watch(self, call: Call, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, call.id, until, count)

    @asynccontextmanager
    async def another(self) -> AsyncIterator[None]:
        """Start a second machine with workers, once the first one holds the calls."""
        before = await self.whole.worker_count()
        another = Process("worker.main", self.whole.processes["worker 0"].env)
        await another.start()
        try:
            await self.whole.wait_for_workers(before + 1)
            yield
        finally:
            await another.kill()

    async def holder(self, call: Call) -> UUID | None:
        """The worker that holds the call."""
        query = "select worker_id from call_log where call_id = $1"
        held: UUID | None = await self.whole.fetch_value(query, call.id)
        return held

    async def ended(self, call: Call) -> list[CallEvent]:
        await retry_while_unavailable(lambda: end_call(self.services, self.viewer, call.id))
        return await self.watch(call, CallEnded)


@asynccontextmanager
async def voice_rig(
    place: Path,
    livekit: LivekitCredentials,
    reception: AgentSpec = RECEPTION,
    tool: ToolSpec = BOOK,
    more: Mapping[str, str] = NOTHING,
    booking: AgentSpec = BOOKING,
) -> AsyncIterator[VoiceRig]:
    """Real processes, and the clinic with emulated speech providers."""
    async with run_speech_emulator() as heard:
        env = {
            **livekit.environment,
            "DEEPGRAM_API_KEY": "emulator",
            "DEEPGRAM_BASE_URL": heard.url,
            "CARTESIA_API_KEY": "emulator",
            "CARTESIA_BASE_URL": heard.url,
            "HEARTBEAT_SECONDS": "1.0",
            "LEASE_SECONDS": "3.0",
            **more,
        }
        async with (
            running_installation(place, workers=1, **env) as whole,
            api_services(with_voice_providers(whole.settings, livekit, heard)) as services,
        ):
            viewer = owner_of(await new_tenant(whole.settings, "acme"))
            await publish_clinic(services, viewer, with_speech(reception, booking), tool)
            yield VoiceRig(whole, services, viewer, heard)


@asynccontextmanager
async def joined_call(
    place: Path,
    livekit: LivekitCredentials,
    reception: AgentSpec = RECEPTION,
    tool: ToolSpec = BOOK,
    more: Mapping[str, str] = NOTHING,
    booking: AgentSpec = BOOKING,
) -> AsyncIterator[tuple[VoiceRig, Call, VoiceCaller]]:
    """A caller in a call with the clinic."""
    async with voice_rig(place, livekit, reception, tool, more, booking) as rig:
        call = await rig.call()
        async with joined_caller(rig.services, call) as caller:
            yield rig, call, caller


def summary_lines(seen: list[CallEvent]) -> list[str]:
    """What both sides said, without what the platform said about the connection."""
    return [
        e.text
        for e in seen
        if isinstance(e, UserTurn) or (isinstance(e, AgentTurn) and e.in_history)
    ]


WHOLE = [
    "Sunrise Clinic, hello.",
    "I need an appointment",
    "One moment.",
    "Booking here. When suits you?",
    "tomorrow at ten",
    "You are booked for tomorrow at ten.",
]


def check(seen: list[CallEvent]) -> None:
    """Check the whole conversation, in which nothing is repeated."""
    assert summary_lines(seen) == WHOLE
    assert sum(isinstance(e, ToolFinished) for e in seen) == 1
    assert sum(isinstance(e, HandedOff) for e in seen) == 1
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.ENDED_BY_API


async def hand_off(rig: VoiceRig, caller: VoiceCaller, call: Call) -> None:
    rig.heard.utterances = ["I need an appointment", "tomorrow at ten"]
    await caller.speak()
    await rig.watch(call, AgentTurn, 3)
    await caller.wait_for_silence()


async def book(rig: VoiceRig, caller: VoiceCaller, call: Call) -> None:
    await caller.speak()
    await rig.watch(call, TurnMeasured, 2)


async def test_a_call_continues_with_its_history_after_the_death_of_its_process(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit) as (rig, call, caller):
        await hand_off(rig, caller, call)
        await continues(rig, caller, call, Process.kill_children)


async def test_a_call_continues_with_its_history_after_the_death_of_its_machine(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit) as (rig, call, caller), rig.another():
        await hand_off(rig, caller, call)
        await continues(rig, caller, call, Process.kill)


async def continues(
    rig: VoiceRig, caller: VoiceCaller, call: Call, death: Callable[[Process], Awaitable[None]]
) -> None:
    killed = time.monotonic()
    await death(rig.whole.processes["worker 0"])
    back = await caller.wait_for_audio(killed)
    await caller.wait_for_silence()
    print(f"killed: silent for {back - killed:.2f} s")
    assert rig.heard.spoken_texts.count(CONNECTION_DROPPED) == 1
    await book(rig, caller, call)
    seen = await rig.ended(call)
    check(seen)
    assert sum(isinstance(e, WorkerReplaced) for e in seen) == 1


async def test_after_a_gap_a_hindi_call_is_resumed_in_hindi(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    voices = Voice(language="en-IN", voice="her"), Voice(language="hi-IN", voice="him")
    bilingual = replace(
        RECEPTION, languages=("en-IN", "hi-IN"), default_language="en-IN", voices=voices
    )
    async with joined_call(tmp_path, livekit, reception=bilingual) as (rig, call, caller):
        rig.heard.utterances, rig.heard.languages = ["mujhe kuch poochna hai"], ["hi"]
        await caller.speak()
        await rig.watch(call, TurnMeasured)
        await caller.wait_for_silence()
        before, killed = len(rig.heard.spoken_texts), time.monotonic()
        await rig.whole.processes["worker 0"].kill_children()
        await caller.wait_for_audio(killed)
        await caller.wait_for_silence()
        seen = await rig.ended(call)
    assert sum(isinstance(e, WorkerReplaced) for e in seen) == 1
    dropped = find_spoken_text(SpokenText.CONNECTION_DROPPED, "hi")
    # The next worker reads the language from the log.
    assert rig.heard.spoken_texts[before:] == [dropped]
    assert rig.heard.used_voices[before:] == [("cartesia", "him", "hi")]


async def test_a_reply_cut_off_by_a_worker_death_is_repeated(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit, reception=TALKATIVE) as (rig, call, caller):
        rig.heard.utterances = ["what are your hours"]
        asked = time.monotonic()
        await caller.speak()
        await caller.wait_for_audio(asked)
        await asyncio.sleep(1)
        await rig.whole.processes["worker 0"].kill_children()
        seen = await rig.watch(call, TurnMeasured)
        await caller.wait_for_silence()
        assert rig.heard.spoken_texts.count(CONNECTION_DROPPED) == 1
        seen = await rig.ended(call)
    assert summary_lines(seen) == ["Sunrise Clinic, hello.", "what are your hours", HOURS]


async def test_a_greeting_that_was_cut_off_by_a_death_is_given_again_after_the_apology(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    wordy = replace(RECEPTION, prompt=replace(RECEPTION.prompt, greeting=HOURS))
    async with voice_rig(tmp_path, livekit, wordy) as rig:
        call, caller = await rig.call(), VoiceCaller()
        try:
            await caller.join(rig.services, call)
            await caller.wait_for_audio(0.0)
            await rig.watch(call, NodeEntered)  # stored, so that the next worker knows of it
            await rig.whole.processes["worker 0"].kill_children()
            seen = await rig.watch(call, AgentTurn, 2)
        finally:
            await caller.leave()
    assert rig.heard.spoken_texts == [HOURS, CONNECTION_DROPPED, HOURS]
    told = [(e.heard_text, e.in_history) for e in seen if isinstance(e, AgentTurn)]
    assert told == [(CONNECTION_DROPPED, False), (HOURS, True)]


async def test_the_next_agent_greets_although_its_worker_died_in_the_hand_off(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    wordy = replace(BOOKING, prompt=replace(BOOKING.prompt, greeting=HOURS))
    async with joined_call(tmp_path, livekit, booking=wordy) as (rig, call, caller):
        rig.heard.utterances = ["I need an appointment"]
        await caller.speak()
        await rig.watch(call, NodeEntered, 2)
        # The first agent may still be audible until the second one has begun.
        await until(lambda: HOURS in rig.heard.spoken_texts)
        await caller.wait_for_audio(time.monotonic())
        await rig.whole.processes["worker 0"].kill_children()
        seen = await rig.watch(call, AgentTurn, 4)
    assert rig.heard.spoken_texts[-3:] == [HOURS, CONNECTION_DROPPED, HOURS]
    assert summary_lines(seen) == [*WHOLE[:3], HOURS]


async def test_a_tool_that_ran_when_its_worker_died_is_not_run_again(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    stuck = asyncio.Event()

    async def never(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        stuck.set()
        await asyncio.sleep(3600)

    async with running_host(never) as clinic:
        url = f"http://127.0.0.1:{clinic.port}/book"
        slow = replace(BOOK, actions=(ApiCall(url=url, method=Method.POST, timeout=20.0),))
        allowed = {"OUTBOUND_ALLOW": f"127.0.0.1:{clinic.port}"}
        async with joined_call(tmp_path, livekit, tool=slow, more=allowed) as (rig, call, caller):
            await hand_off(rig, caller, call)
            await caller.speak()
            async with asyncio.timeout(60):
                await stuck.wait()
            await rig.whole.processes["worker 0"].kill_children()
            await rig.watch(call, TurnMeasured, 2)
            seen = await rig.ended(call)
        assert clinic.hits == 1
    used = [e for e in seen if isinstance(e, ToolFinished)]
    assert [e.outcome for e in used] == [ToolOutcome.UNKNOWN]


async def test_the_death_of_other_processes_does_not_affect_the_call(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit) as (rig, call, caller):
        for name in ("api", "keeper"):
            await rig.whole.processes[name].kill()
        await rig.whole.processes["worker 0"].restart_parent()
        await hand_off(rig, caller, call)
        await book(rig, caller, call)
        seen = await rig.ended(call)
    check(seen)
    assert CONNECTION_DROPPED not in rig.heard.spoken_texts


async def test_a_worker_that_was_declared_dead_leaves_the_room_when_it_wakes_up(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit) as (rig, call, caller), rig.another():
        await hand_off(rig, caller, call)
        zombie = rig.whole.processes["worker 0"]
        zombie.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        back = await caller.wait_for_audio(frozen)
        print(f"host frozen: silent for {back - frozen:.2f} s")
        await caller.wait_for_silence()
        zombie.send_signal(signal.SIGCONT)
        await book(rig, caller, call)
        await asyncio.sleep(1)
        agents = [p for p in caller.room.remote_participants if p.startswith("agent-")]
        assert len(agents) == 1
        seen = await rig.ended(call)
    check(seen)


async def test_conversations_continue_during_a_database_outage(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit) as (rig, call, caller):
        rig.heard.utterances = ["I need an appointment", "tomorrow at ten"]
        await rig.whole.database.stop(signal.SIGQUIT)
        await rig.whole.redis.kill()
        asked = time.monotonic()
        await caller.speak()
        await caller.wait_for_audio(asked + 1)
        await asyncio.sleep(5)  # longer than a lease
        await caller.wait_for_silence()
        assert rig.heard.spoken_texts[-1] == WHOLE[3]
        await rig.whole.redis.start()
        await rig.whole.database.start()
        await rig.watch(call, AgentTurn, 3)
        await book(rig, caller, call)
        seen = await rig.ended(call)
    check(seen)
    assert CONNECTION_DROPPED not in rig.heard.spoken_texts


async def test_callers_do_not_notice_the_replacement_of_a_worn_process(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with voice_rig(tmp_path, livekit, more=DRAINS_SOON) as rig:
        chat = await text_call(rig.services, rig.viewer)
        await rig.watch(chat, AgentTurn)
        elder = await rig.holder(chat)
        call = await rig.call()
        async with joined_caller(rig.services, call) as caller:
            assert await rig.holder(call) == elder
            await rig.watch(chat, WorkerReplaced)
            assert await rig.holder(chat) != elder
            await hand_off(rig, caller, call)
            await book(rig, caller, call)
            assert await rig.holder(call) == elder
            check(await rig.ended(call))
        async with asyncio.timeout(60):
            while elder in await rig.whole.worker_ids():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        await send_message(rig.services, rig.viewer, chat.id, "what are your hours", None)
        reported = await rig.watch(chat, AgentTurn, 2)
        assert await rig.whole.worker_count() == 1
    assert not any(isinstance(e, ErrorRaised) for e in reported)
    assert CONNECTION_DROPPED not in rig.heard.spoken_texts


async def test_the_death_of_a_draining_process_ends_none_of_its_calls(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit, more=DRAINS_SOON) as (rig, call, caller):
        await rig.whole.wait_for_workers(2)
        await hand_off(rig, caller, call)
        await continues(rig, caller, call, Process.kill_children)


async def test_a_draining_process_is_stopped_with_the_others(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    async with joined_call(tmp_path, livekit, more=DRAINS_SOON) as (rig, call, _):
        await rig.whole.wait_for_workers(2)
        worker = rig.whole.processes["worker 0"].running
        assert worker is not None
        before = psutil.Process(worker.pid).children(recursive=True)
        worker.terminate()
        async with asyncio.timeout(60):
            assert await worker.wait() == 0
        _, left = await asyncio.to_thread(psutil.wait_procs, before, 60)
        assert left == []
        assert await rig.holder(call) is None


async def test_eight_calls_of_a_dead_process_continue(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    calls: list[Call] = []
    callers: list[VoiceCaller] = []
    # The parent reports their death. A lease shorter than eight joins on a busy machine would
    # replace the workers once more.
    patient = {"LEASE_SECONDS": "30"}
    async with (
        voice_rig(tmp_path, livekit, more=patient) as rig,
        AsyncExitStack() as stack,
    ):
        for _ in range(8):
            calls.append(await rig.call())
            room = joined_caller(rig.services, calls[-1], VoiceCaller(listen_only=True))
            callers.append(await stack.enter_async_context(room))
        killed = time.monotonic()
        await rig.whole.processes["worker 0"].kill_children()
        gaps = [
            await caller.wait_for_audio(killed, timeout_seconds=240) - killed for caller in callers
        ]
        print(f"8 calls killed: silent for {min(gaps):.2f} to {max(gaps):.2f} s")
        for call in calls:
            seen = await rig.ended(call)
            assert summary_lines(seen) == WHOLE[:1]
            assert sum(isinstance(e, WorkerReplaced) for e in seen) == 1
    assert rig.heard.spoken_texts.count(CONNECTION_DROPPED) == 8


async def test_a_call_ends_when_livekit_does_not_return(
    settings: Settings, viewer: Viewer, tmp_path: Path, livekit: LivekitCredentials
) -> None:
    binary = livekit_binary.find_or_build({}, print)
    async with (
        livekit_server.started(tmp_path, binary) as own,
        voice_clinic(settings, viewer, own.credentials) as (services, _, _),
    ):
        call = await started(services, viewer)
        async with joined_caller(services, call):
            await own.server.kill()
            killed = time.monotonic()
            seen = await watch(services, viewer, call.id, CallEnded, timeout_seconds=60)
            print(f"LiveKit gone for good: ended after {time.monotonic() - killed:.2f} s")
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.ROOM_GONE


async def test_a_call_survives_a_restart_of_livekit_and_the_loss_of_its_state(
    settings: Settings, viewer: Viewer, tmp_path: Path, livekit: LivekitCredentials
) -> None:
    binary = livekit_binary.find_or_build({}, print)
    async with (
        livekit_server.started(tmp_path, binary) as own,
        voice_clinic(settings, viewer, own.credentials) as (services, heard, _),
    ):
        heard.utterances = ["I need an appointment", "tomorrow at ten"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await own.store.kill()
            await own.store.start()
            await caller.speak()
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.wait_for_silence()
            before = caller.subscriptions
            await own.server.kill()
            killed = time.monotonic()
            await own.server.start()
            await caller.wait_for_subscription(before)
            print(f"LiveKit killed: connected again after {time.monotonic() - killed:.2f} s")
            await caller.speak()
            await watch(services, viewer, call.id, TurnMeasured, 2)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    check(seen)
