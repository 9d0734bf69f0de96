"""Which callers a lobby puts on hold, and that a call ends once, by the lobby, a worker or the keeper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.calls.events import CallerQueued, QueueStage, StateChanged, UsageMeasured
from domain.calls.filters import CallFilter
from domain.calls.holding import HeldCall
from domain.calls.inbound import InboundLeg
from domain.calls.model import Call, CallId, CallState, EndReason
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.hold import HoldPolicy
from domain.telephony.trunks import InboundTrunkSpec, PhoneNumber, PhoneNumberSpec
from domain.use_cases.calls import end_call
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from persistence.worker_wiring import WorkerServices, worker_services
from tests.support.demo_workflow import publish_clinic
from worker.common.line_usage import line_of, line_usage

pytestmark = pytest.mark.anyio

NUMBER, CALLER = "+12025550123", "+12025550144"
HOLD = HoldPolicy(after_seconds=5, max_seconds=60, announcement="Please hold.")
LOST_SECONDS = 5
"""After so long without a renewal, another lobby may take a caller over."""


@dataclass
class Queue:
    """Callers who wait for a worker."""

    services: Services
    viewer: Viewer
    wired: WorkerServices
    db: asyncpg.Connection[asyncpg.Record]
    number: PhoneNumber
    worker: UUID

    async def caller(self, room: str) -> CallId:
        leg = InboundLeg(
            room_name=room, identity="sip_1", number_id=self.number.id, caller_number=CALLER
        )
        id = await self.wired.inbound_calls.open(leg)
        assert id is not None
        return id

    async def wait(self, seconds: float) -> None:
        """Let this much time pass for all calls."""
        for column in ("call_log.created_at", "held_call.held_at", "held_call.renewed_at"):
            table, name = column.split(".")
            await self.db.execute(
                f"update {table} set {name} = {name} - make_interval(secs => $1)", seconds
            )

    async def taken(self, lobby: UUID, limit: int = 10) -> list[CallId]:
        return [held.call.id for held in await self.take(lobby, limit)]

    async def take(self, lobby: UUID, limit: int = 10) -> list[HeldCall]:
        return list(await self.wired.held_calls.take(lobby, limit))

    async def stored(self, id: CallId) -> Call:
        async with self.services.store.transaction(self.viewer.tenant_id) as work:
            call = await work.calls.get(id)
        assert call is not None
        return call

    async def overdue(self, seconds: float) -> list[tuple[UUID, EndReason]]:
        """What the keeper ends after so long."""
        reaper = self.wired.reaper
        now = await reaper.database_time()
        return await reaper.end_overdue(5.0, now + timedelta(seconds=seconds))


@pytest.fixture
async def queue(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Queue]:
    version = await publish_clinic(services, viewer)
    spec = InboundTrunkSpec(name="carrier", allowed_addresses=("192.0.2.0/30",))
    trunk = await create_inbound_trunk(services, viewer, spec, None)
    number = await create_phone_number(
        services,
        viewer,
        PhoneNumberSpec(
            number=NUMBER, workflow_id=version.workflow_id, inbound_trunk_id=trunk.id, hold=HOLD
        ),
    )
    db = await asyncpg.connect(settings.database_url)
    async with worker_services(settings) as wired:
        worker = await wired.queue.register_worker(1)
        yield Queue(services, viewer, wired, db, number, worker)
    await db.close()


async def test_callers_who_have_heard_ringing_for_long_are_taken_in_order(queue: Queue) -> None:
    first, second = await queue.caller("in_1"), await queue.caller("in_2")
    lobby = uuid4()
    assert await queue.taken(lobby) == []
    await queue.wait(6)
    [held] = await queue.take(lobby, 1)
    assert (held.call.id, held.policy, held.trunk) == (first, HOLD, "carrier")
    assert (held.epoch, held.was_answered, held.position) == (1, False, 1)
    assert [h.position for h in await queue.take(lobby)] == [2]
    assert await queue.taken(uuid4()) == []
    states = await queue.wired.held_calls.renew(lobby)
    assert {(s.call_id, s.is_waiting, s.position) for s in states} == {
        (first, True, 1),
        (second, True, 2),
    }


async def test_a_caller_is_held_by_one_of_several_lobbies(queue: Queue) -> None:
    await queue.caller("in_1")
    await queue.wait(6)
    taken = await asyncio.gather(*(queue.taken(uuid4()) for _ in range(6)))
    assert len([id for ids in taken for id in ids]) == 1


async def test_without_workers_no_phone_is_answered(queue: Queue) -> None:
    await queue.caller("in_1")
    await queue.wired.queue.deregister_worker(queue.worker)
    await queue.wait(6)
    assert await queue.taken(uuid4()) == []


async def test_a_phone_that_is_about_to_stop_ringing_is_not_answered(queue: Queue) -> None:
    await queue.caller("in_1")
    await queue.wait(29.5)
    assert await queue.taken(uuid4()) == []


async def test_the_callers_of_a_lost_lobby_are_taken_over(queue: Queue) -> None:
    id = await queue.caller("in_1")
    await queue.wait(6)
    lost, next_lobby = uuid4(), uuid4()
    [held] = await queue.take(lost)
    event = CallerQueued(stage=QueueStage.HOLD, position=1, waited_ms=6_000)
    assert await queue.wired.held_calls.record(held, event)
    assert await queue.taken(next_lobby) == []
    await queue.wait(LOST_SECONDS)
    [again] = await queue.take(next_lobby)
    assert (again.call.id, again.epoch, again.was_answered) == (id, 2, True)
    assert 5 <= again.held_seconds < 30
    # The first one learns that it has lost its caller.
    assert await queue.wired.held_calls.renew(lost) == []
    await queue.wired.held_calls.release(next_lobby, id)
    assert await queue.taken(uuid4()) == [id]


async def test_a_caller_on_hold_keeps_their_place_in_the_queue(queue: Queue) -> None:
    first = await queue.caller("in_1")
    await queue.wait(6)
    lobby = uuid4()
    [held] = await queue.take(lobby)
    second = await queue.caller("in_2")
    [claim] = await queue.wired.queue.claim(queue.worker, 1)
    assert claim.call.id == first
    [state] = await queue.wired.held_calls.renew(lobby)
    assert not state.is_waiting
    assert not await queue.wired.held_calls.end(held, EndReason.ABANDONED)
    assert not await queue.wired.held_calls.record(
        held, CallerQueued(stage=QueueStage.HOLD, position=1, waited_ms=1)
    )
    [claim] = await queue.wired.queue.claim(queue.worker, 1)
    assert claim.call.id == second


async def test_the_log_says_how_a_caller_waits(queue: Queue) -> None:
    id = await queue.caller("in_1")
    await queue.wired.held_calls.note_waiting()
    await queue.wait(3)
    for _ in range(2):
        await queue.wired.held_calls.note_waiting()
    await queue.wait(3)
    [held] = await queue.take(uuid4())
    hold = CallerQueued(stage=QueueStage.HOLD, position=1, waited_ms=6_000)
    await queue.wired.held_calls.record(held, hold)
    async with queue.services.store.transaction(queue.viewer.tenant_id) as work:
        stored = await work.calls.events(id, 0, 10)
    events = [each.event for each in stored]
    assert [type(event) for event in events] == [StateChanged, CallerQueued, CallerQueued]
    assert [e.stage for e in events if isinstance(e, CallerQueued)] == ["RINGING", "HOLD"]
    assert [each.seq for each in stored] == [1, 2, 3]
    [claim] = await queue.wired.queue.claim(queue.worker, 1)
    queue.wired.event_writer.open(claim)
    queue.wired.event_writer.emit(
        claim, StateChanged(before=CallState.CONNECTING, state=CallState.ACTIVE)
    )
    await queue.wired.event_writer.wait_until_stored(claim)
    assert (await queue.stored(id)).state is CallState.ACTIVE


async def test_a_caller_on_hold_is_ended_by_the_lobby_and_not_by_the_keeper(queue: Queue) -> None:
    id = await queue.caller("in_1")
    await queue.wait(6)
    lobby = uuid4()
    [held] = await queue.take(lobby)
    # The phone would have rung for 30 seconds at most.
    await queue.wait(30)
    await queue.wired.held_calls.renew(lobby)
    assert await queue.overdue(0) == []
    assert await queue.wired.held_calls.end(held, EndReason.NO_WORKER)
    ended = await queue.stored(id)
    assert (ended.state, ended.end_reason) == (CallState.FAILED, EndReason.NO_WORKER)
    assert await queue.wired.held_calls.renew(lobby) == []
    assert not await queue.wired.held_calls.end(held, EndReason.ABANDONED)


@pytest.mark.parametrize(("seconds", "is_renewed"), [(20, False), (100, True)])
async def test_a_hold_without_a_lobby_or_for_too_long_ends(
    queue: Queue, seconds: float, is_renewed: bool
) -> None:
    id = await queue.caller("in_1")
    await queue.wait(6)
    lobby = uuid4()
    await queue.take(lobby)
    await queue.wait(30)
    if is_renewed:
        await queue.wait(seconds)
        await queue.wired.held_calls.renew(lobby)
        seconds = 0
    assert await queue.overdue(seconds) == [(id, EndReason.NO_WORKER)]


async def test_the_end_of_a_call_on_hold_can_be_requested(queue: Queue) -> None:
    id = await queue.caller("in_1")
    await queue.wait(6)
    lobby = uuid4()
    [held] = await queue.take(lobby)
    await end_call(queue.services, queue.viewer, id)
    assert (await queue.stored(id)).ended_at is not None
    assert await queue.wired.held_calls.renew(lobby) == []
    assert not await queue.wired.held_calls.end(held, EndReason.ABANDONED)


async def test_what_a_hold_costs_counts_towards_the_budgets(queue: Queue) -> None:
    await queue.caller("in_1")
    await queue.wait(6)
    [held] = await queue.take(uuid4())
    line = line_of(held.trunk, held.call.to_number)
    used = line_usage(line, 60_000).with_cost(5_000)
    await queue.wired.held_calls.record(held, UsageMeasured(usage=(used,)))
    assert await queue.db.fetchval("select sum(spent)::bigint from call_log") == 5_000
    async with queue.services.store.transaction(queue.viewer.tenant_id) as work:
        page = await work.calls.page(Window(10), CallFilter(live=True))
    assert len(page.items) == 1
