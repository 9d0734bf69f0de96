"""Processes and servers die in the middle of voice calls. The caller stays in the room and goes on
talking; what was said is not said again, and what was done is not done again."""

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

from domain.access import Viewer
from domain.actions.calls import end_call, send_message
from domain.agents import AgentSpec
from domain.calls import Call, EndReason
from domain.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ErrorRaised,
    HandedOff,
    ToolFinished,
    ToolOutcome,
    TurnMeasured,
    UserTurn,
    WorkerReplaced,
)
from domain.ports import Services
from domain.settings import Settings
from domain.steps import ApiCall, Method
from domain.tools import ToolSpec
from local import livekit as livekit_server
from local import livekit_binary
from local.livekit import Access
from persistence.wiring import api_services
from tests.clinic import BOOK, BOOKING, RECEPTION, publish_clinic
from tests.conftest import new_tenant
from tests.emulators.speech import Speech, speech
from tests.hosts import host
from tests.installation import Installation, Process, installed
from tests.people import owner_of
from tests.test_text_calls import started as text_call
from tests.test_text_calls import watch
from tests.test_voice_calls import HOURS, TALKATIVE, started
from tests.voices import VoiceCaller, in_the_room, speaking, voice_clinic, voiced
from worker.patience import patiently
from worker.voice import SORRY

NOTHING: Mapping[str, str] = {}
RETIRED_SOON: Mapping[str, str] = {"WORKER_VOICE_CALLS": "1"}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Scene:
    whole: Installation
    services: Services
    viewer: Viewer
    heard: Speech

    async def call(self) -> Call:
        return await started(self.services, self.viewer)

    async def watch(self, call: Call, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, call.id, until, count)

    @asynccontextmanager
    async def another(self) -> AsyncIterator[None]:
        """Another machine with workers, from when the first has taken its calls."""
        before = await self.whole.workers()
        another = Process("worker.main", self.whole.processes["worker 0"].env)
        await another.start()
        try:
            await self.whole.staffed(before + 1)
            yield
        finally:
            await another.kill()

    async def holder(self, call: Call) -> UUID | None:
        """The worker that has the call."""
        query = "select worker_id from call_log where call_id = $1"
        held: UUID | None = await self.whole.asked(query, call.id)
        return held

    async def ended(self, call: Call) -> list[CallEvent]:
        await patiently(lambda: end_call(self.services, self.viewer, call.id))
        return await self.watch(call, CallEnded)


@asynccontextmanager
async def scene(
    place: Path,
    livekit: Access,
    reception: AgentSpec = RECEPTION,
    tool: ToolSpec = BOOK,
    more: Mapping[str, str] = NOTHING,
) -> AsyncIterator[Scene]:
    """Real processes, and a clinic with a voice."""
    async with speech() as heard:
        env = {
            **livekit.environment,
            "DEEPGRAM_API_KEY": "stand-in",
            "STT_TIMEOUT_SECONDS": "30",
            "TTS_TIMEOUT_SECONDS": "30",
            "DEEPGRAM_BASE_URL": heard.url,
            "CARTESIA_API_KEY": "stand-in",
            "CARTESIA_BASE_URL": heard.url,
            "HEARTBEAT_SECONDS": "1.0",
            "LEASE_SECONDS": "3.0",
            **more,
        }
        async with (
            installed(place, workers=1, **env) as whole,
            api_services(speaking(whole.settings, livekit, heard)) as services,
        ):
            viewer = owner_of(await new_tenant(whole.settings, "acme"))
            await publish_clinic(services, viewer, voiced(reception, BOOKING), tool)
            yield Scene(whole, services, viewer, heard)


@asynccontextmanager
async def on_the_line(
    place: Path,
    livekit: Access,
    reception: AgentSpec = RECEPTION,
    tool: ToolSpec = BOOK,
    more: Mapping[str, str] = NOTHING,
) -> AsyncIterator[tuple[Scene, Call, VoiceCaller]]:
    """Somebody who talks with the clinic."""
    async with scene(place, livekit, reception, tool, more) as the:
        call = await the.call()
        async with in_the_room(the.services, call) as caller:
            yield the, call, caller


def retold(seen: list[CallEvent]) -> list[str]:
    return [e.text for e in seen if isinstance(e, UserTurn | AgentTurn)]


WHOLE = [
    "Sunrise Clinic, hello.",
    "I need an appointment",
    "One moment.",
    "Booking here. When suits you?",
    "tomorrow at ten",
    "You are booked for tomorrow at ten.",
]


def check(seen: list[CallEvent]) -> None:
    """The whole conversation, each thing of it once."""
    assert retold(seen) == WHOLE
    assert sum(isinstance(e, ToolFinished) for e in seen) == 1
    assert sum(isinstance(e, HandedOff) for e in seen) == 1
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.ENDED_BY_API


async def hand_off(the: Scene, caller: VoiceCaller, call: Call) -> None:
    the.heard.words = ["I need an appointment", "tomorrow at ten"]
    await caller.speak()
    await the.watch(call, AgentTurn, 3)
    await caller.quiet()


async def book(the: Scene, caller: VoiceCaller, call: Call) -> None:
    await caller.speak()
    await the.watch(call, TurnMeasured, 2)


async def test_a_call_goes_on_with_its_memory_after_the_death_of_its_process(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit) as (the, call, caller):
        await hand_off(the, caller, call)
        await goes_on(the, caller, call, Process.kill_children)


async def test_a_call_goes_on_with_its_memory_after_the_death_of_its_machine(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit) as (the, call, caller), the.another():
        await hand_off(the, caller, call)
        await goes_on(the, caller, call, Process.kill)


async def goes_on(
    the: Scene, caller: VoiceCaller, call: Call, death: Callable[[Process], Awaitable[None]]
) -> None:
    killed = time.monotonic()
    await death(the.whole.processes["worker 0"])
    back = await caller.hears(killed)
    await caller.quiet()
    print(f"killed: silent for {back - killed:.2f} s")
    assert the.heard.said.count(SORRY) == 1
    await book(the, caller, call)
    seen = await the.ended(call)
    check(seen)
    assert sum(isinstance(e, WorkerReplaced) for e in seen) == 1


async def test_an_answer_that_was_cut_off_by_a_death_is_given_again(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit, reception=TALKATIVE) as (the, call, caller):
        the.heard.words = ["what are your hours"]
        asked = time.monotonic()
        await caller.speak()
        await caller.hears(asked)
        await asyncio.sleep(1)
        await the.whole.processes["worker 0"].kill_children()
        seen = await the.watch(call, TurnMeasured)
        await caller.quiet()
        assert the.heard.said.count(SORRY) == 1
        seen = await the.ended(call)
    assert retold(seen) == ["Sunrise Clinic, hello.", "what are your hours", HOURS]


async def test_a_tool_that_ran_when_its_worker_died_is_not_run_again(
    tmp_path: Path, livekit: Access
) -> None:
    stuck = asyncio.Event()

    async def never(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        stuck.set()
        await asyncio.sleep(3600)

    async with host(never) as clinic:
        url = f"http://127.0.0.1:{clinic.port}/book"
        slow = replace(BOOK, actions=(ApiCall(url=url, method=Method.POST, timeout=20.0),))
        allowed = {"OUTBOUND_ALLOW": f"127.0.0.1:{clinic.port}"}
        async with on_the_line(tmp_path, livekit, tool=slow, more=allowed) as (the, call, caller):
            await hand_off(the, caller, call)
            await caller.speak()
            async with asyncio.timeout(60):
                await stuck.wait()
            await the.whole.processes["worker 0"].kill_children()
            await the.watch(call, TurnMeasured, 2)
            seen = await the.ended(call)
        assert clinic.hits == 1
    used = [e for e in seen if isinstance(e, ToolFinished)]
    assert [e.outcome for e in used] == [ToolOutcome.UNKNOWN]


async def test_the_death_of_a_process_that_only_watches_is_not_heard(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit) as (the, call, caller):
        for name in ("api", "keeper"):
            await the.whole.processes[name].kill()
        await the.whole.processes["worker 0"].restart_parent()
        await hand_off(the, caller, call)
        await book(the, caller, call)
        seen = await the.ended(call)
    check(seen)
    assert SORRY not in the.heard.said


async def test_a_worker_that_wakes_up_as_a_dead_one_leaves_the_room(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit) as (the, call, caller), the.another():
        await hand_off(the, caller, call)
        zombie = the.whole.processes["worker 0"]
        zombie.tell(signal.SIGSTOP)
        frozen = time.monotonic()
        back = await caller.hears(frozen)
        print(f"host frozen: silent for {back - frozen:.2f} s")
        await caller.quiet()
        zombie.tell(signal.SIGCONT)
        await book(the, caller, call)
        await asyncio.sleep(1)
        agents = [p for p in caller.room.remote_participants if p.startswith("agent-")]
        assert len(agents) == 1
        seen = await the.ended(call)
    check(seen)


async def test_people_talk_on_while_the_database_is_away(tmp_path: Path, livekit: Access) -> None:
    async with on_the_line(tmp_path, livekit) as (the, call, caller):
        the.heard.words = ["I need an appointment", "tomorrow at ten"]
        await the.whole.database.stop(signal.SIGQUIT)
        await the.whole.redis.kill()
        asked = time.monotonic()
        await caller.speak()
        await caller.hears(asked + 1)
        await asyncio.sleep(5)  # longer than a lease
        await caller.quiet()
        assert the.heard.said[-1] == WHOLE[3]
        await the.whole.redis.start()
        await the.whole.database.start()
        await the.watch(call, AgentTurn, 3)
        await book(the, caller, call)
        seen = await the.ended(call)
    check(seen)
    assert SORRY not in the.heard.said


async def test_a_process_that_has_held_enough_is_replaced_and_nobody_notices(
    tmp_path: Path, livekit: Access
) -> None:
    async with scene(tmp_path, livekit, more=RETIRED_SOON) as the:
        chat = await text_call(the.services, the.viewer)
        await the.watch(chat, AgentTurn)
        elder = await the.holder(chat)
        call = await the.call()
        async with in_the_room(the.services, call) as caller:
            assert await the.holder(call) == elder
            await the.watch(chat, WorkerReplaced)
            assert await the.holder(chat) != elder
            await hand_off(the, caller, call)
            await book(the, caller, call)
            assert await the.holder(call) == elder
            check(await the.ended(call))
        async with asyncio.timeout(60):
            while elder in await the.whole.worker_ids():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        await send_message(the.services, the.viewer, chat.id, "what are your hours", None)
        told = await the.watch(chat, AgentTurn, 2)
        assert await the.whole.workers() == 1
    assert not any(isinstance(e, ErrorRaised) for e in told)
    assert SORRY not in the.heard.said


async def test_the_death_of_a_process_with_its_last_calls_ends_none_of_them(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit, more=RETIRED_SOON) as (the, call, caller):
        await the.whole.staffed(2)
        await hand_off(the, caller, call)
        await goes_on(the, caller, call, Process.kill_children)


async def test_a_process_with_its_last_calls_is_stopped_with_the_others(
    tmp_path: Path, livekit: Access
) -> None:
    async with on_the_line(tmp_path, livekit, more=RETIRED_SOON) as (the, call, _):
        await the.whole.staffed(2)
        worker = the.whole.processes["worker 0"].running
        assert worker is not None
        before = psutil.Process(worker.pid).children(recursive=True)
        worker.terminate()
        async with asyncio.timeout(60):
            assert await worker.wait() == 0
        _, left = await asyncio.to_thread(psutil.wait_procs, before, 60)
        assert left == []
        assert await the.holder(call) is None


async def test_eight_calls_of_a_dead_process_go_on(tmp_path: Path, livekit: Access) -> None:
    calls: list[Call] = []
    callers: list[VoiceCaller] = []
    # Their death is reported by the parent. A lease that eight joins on a busy machine could outlast would
    # have them replaced once more.
    patient = {"LEASE_SECONDS": "30"}
    async with (
        scene(tmp_path, livekit, more=patient) as the,
        AsyncExitStack() as stack,
    ):
        for _ in range(8):
            calls.append(await the.call())
            room = in_the_room(the.services, calls[-1], VoiceCaller(one_of_many=True))
            callers.append(await stack.enter_async_context(room))
        killed = time.monotonic()
        await the.whole.processes["worker 0"].kill_children()
        gaps = [await caller.hears(killed, patience=240) - killed for caller in callers]
        print(f"8 calls killed: silent for {min(gaps):.2f} to {max(gaps):.2f} s")
        for call in calls:
            seen = await the.ended(call)
            assert retold(seen) == WHOLE[:1]
            assert sum(isinstance(e, WorkerReplaced) for e in seen) == 1
    assert the.heard.said.count(SORRY) == 8


async def test_a_call_ends_when_its_livekit_does_not_come_back(
    settings: Settings, viewer: Viewer, tmp_path: Path, livekit: Access
) -> None:
    binary = livekit_binary.find({}, print)
    async with (
        livekit_server.started(tmp_path, binary) as own,
        voice_clinic(settings, viewer, own.access) as (services, _, _),
    ):
        call = await started(services, viewer)
        async with in_the_room(services, call):
            await own.server.kill()
            killed = time.monotonic()
            seen = await watch(services, viewer, call.id, CallEnded, patience=60)
            print(f"LiveKit gone for good: ended after {time.monotonic() - killed:.2f} s")
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.ROOM_GONE


async def test_a_call_outlives_its_livekit_and_whatever_livekit_forgets(
    settings: Settings, viewer: Viewer, tmp_path: Path, livekit: Access
) -> None:
    binary = livekit_binary.find({}, print)
    async with (
        livekit_server.started(tmp_path, binary) as own,
        voice_clinic(settings, viewer, own.access) as (services, heard, _),
    ):
        heard.words = ["I need an appointment", "tomorrow at ten"]
        call = await started(services, viewer)
        async with in_the_room(services, call) as caller:
            await own.store.kill()
            await own.store.start()
            await caller.speak()
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.quiet()
            await own.server.kill()
            killed = time.monotonic()
            await own.server.start()
            async with asyncio.timeout(90):
                await caller.reconnected()
            print(f"LiveKit killed: connected again after {time.monotonic() - killed:.2f} s")
            await asyncio.sleep(1)
            await caller.speak()
            await watch(services, viewer, call.id, TurnMeasured, 2)
            await end_call(services, viewer, call.id)
            seen = await watch(services, viewer, call.id, CallEnded)
    check(seen)
