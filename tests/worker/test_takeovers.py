"""Calls that kill their workers are ended and do not affect others; calls that should end do so with or
without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from domain.calls.commands import CommandKind
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CommandApplied,
    CommandRefused,
    NodeEntered,
    StateChanged,
    WorkerReplaced,
)
from domain.calls.lease import Claim
from domain.calls.model import END_OUTCOMES, Blame, Call, CallId, CallState, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import end_call
from persistence.reaper import SqlReaper
from persistence.worker_wiring import worker_services
from tests.persistence.test_queue import Office
from tests.support.demo_workflow import publish_clinic
from tests.worker.test_text_calls import started, watch, working

pytestmark = pytest.mark.anyio

MAX_TAKEOVERS = Settings().max_takeovers


@pytest.fixture
async def office(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Office]:
    await publish_clinic(services, viewer)
    db = await asyncpg.connect(settings.database_url)
    async with worker_services(settings) as worker:
        yield Office(services, viewer, worker, db)
    await db.close()


async def taken(office: Office, most: int = 10) -> list[Claim]:
    """What a new worker claims."""
    worker = await office.worker.queue.register_worker(10)
    claims = list(await office.worker.queue.claim(worker, most))
    for claim in claims:
        office.worker.event_writer.open(claim)
    return claims


async def overdue(reaper: SqlReaper) -> list[tuple[UUID, EndReason]]:
    return await reaper.end_overdue(60, await reaper.database_time())


async def die(office: Office) -> None:
    """All workers."""
    await office.bury()


async def later(office: Office, seconds: float) -> None:
    """So much time has gone by for calls that nobody holds."""
    await office.db.execute(
        "update call_log set deadline_at = deadline_at - make_interval(secs => $1) "
        "where worker_id is null",
        seconds,
    )


async def answered(office: Office) -> Claim:
    """A call that is under way, and nobody has died of."""
    await office.call()
    [claim] = await taken(office)
    active = StateChanged(before=CallState.CONNECTING, state=CallState.ACTIVE)
    office.worker.event_writer.emit(claim, active)
    await office.worker.event_writer.wait_until_stored(claim)
    return claim


async def fail(office: Office, times: int) -> None:
    """So many takeovers of all calls, of which none gets anywhere."""
    for _ in range(times):
        await die(office)
        await later(office, 20)
        while await taken(office):
            pass
    await die(office)


async def test_a_call_whose_workers_die_repeatedly_is_ended(office: Office) -> None:
    call = (await answered(office)).call
    await fail(office, MAX_TAKEOVERS)
    await later(office, 20)
    assert await taken(office) == []
    assert await overdue(office.worker.reaper) == [(call.id, EndReason.WORKER_LOST)]
    assert await overdue(office.worker.reaper) == []
    events = [recorded.event for recorded in await office.events(call.id)]
    assert sum(isinstance(event, WorkerReplaced) for event in events) == MAX_TAKEOVERS
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.state, last.reason) == (CallState.FAILED, EndReason.WORKER_LOST)
    assert last.blame is Blame.PLATFORM


async def test_the_backoff_grows_with_each_failed_takeover(
    office: Office,
) -> None:
    await answered(office)
    await die(office)
    assert len(await taken(office)) == 1  # who took it last had written something
    for pause in (1, 2, 4, 8):
        await die(office)
        await later(office, pause - 0.9)
        assert await taken(office) == []
        await later(office, 1)
        assert len(await taken(office)) == 1


async def test_progress_in_a_call_resets_its_failed_takeovers(office: Office) -> None:
    await answered(office)
    await fail(office, MAX_TAKEOVERS - 1)
    await later(office, 20)
    [claim] = await taken(office)
    said = AgentTurn(turn_id="1", node="n", agent="a", text="Hello.", heard_text="Hello.")
    office.worker.event_writer.emit(claim, said)
    await office.worker.event_writer.wait_until_stored(claim)
    await die(office)
    assert [again.call.id for again in await taken(office)] == [claim.call.id]
    await die(office)
    assert await overdue(office.worker.reaper) == []


async def test_surviving_an_idle_call_resets_its_failed_takeovers(
    office: Office,
) -> None:
    await answered(office)
    for _ in range(2 * MAX_TAKEOVERS):
        await die(office)
        [claim] = await taken(office)
        await office.worker.queue.reset_takeovers(claim)
    assert await overdue(office.worker.reaper) == []


async def test_a_released_call_counts_no_failed_takeover(office: Office) -> None:
    claim = await answered(office)
    for _ in range(2 * MAX_TAKEOVERS):
        await office.worker.queue.release(claim)
        [claim] = await taken(office)
    await office.worker.queue.release(claim)
    assert await overdue(office.worker.reaper) == []


async def test_a_worker_holds_one_suspect_call_at_a_time(
    office: Office,
) -> None:
    suspects = {(await answered(office)).call.id for _ in range(3)}
    await fail(office, 2)
    await later(office, 20)
    sound = await office.call()
    queue = office.worker.queue
    worker = await queue.register_worker(10)
    first, second = await queue.claim(worker, 10)
    assert (first.call.id, second.call.id in suspects) == (sound.id, True)
    assert await queue.claim(worker, 10) == []
    [other] = await queue.claim(
        await queue.register_worker(10), 10
    )  # for another worker it is the first
    assert other.call.id in suspects - {second.call.id}
    await queue.reset_takeovers(second)
    [third] = await queue.claim(worker, 10)
    assert {second.call.id, other.call.id, third.call.id} == suspects


async def ending(
    office: Office, id: CallId, reason: EndReason = EndReason.ENDED_BY_API
) -> list[object]:
    """The last events of a call, which has one end and which somebody has asked to end."""
    events = [recorded.event for recorded in await office.events(id)]
    assert sum(isinstance(event, CallEnded) for event in events) == 1
    [*_, applied, ended] = events
    assert isinstance(applied, CommandApplied)
    assert isinstance(ended, CallEnded)
    assert (ended.reason, ended.blame) == (reason, END_OUTCOMES[reason][1])
    waiting = "select count(*) from call_command where done_at is null"
    assert await office.db.fetchval(waiting) == 0
    return list(events[:-2])


async def lock_waiters(office: Office) -> int:
    waiting = (
        "select count(*) from pg_locks where not granted and relation = 'tenant_month'::regclass"
    )
    return int(await office.db.fetchval(waiting))


async def ask_to_end(office: Office, id: CallId) -> Call:
    return await end_call(office.services, office.viewer, id)


async def test_a_call_without_a_worker_ends_immediately(office: Office) -> None:
    claim = await answered(office)
    await die(office)
    await office.say(claim.call.id, "hello?")
    ended = await ask_to_end(office, claim.call.id)
    assert ended.end_reason is EndReason.ENDED_BY_API
    assert isinstance((await ending(office, claim.call.id))[-1], CommandRefused)
    assert await ask_to_end(office, claim.call.id) == ended


async def test_a_worker_ends_a_call_instead_of_taking_it_over(office: Office) -> None:
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    await die(office)
    assert await taken(office) == []
    before = await ending(office, claim.call.id)
    assert not any(isinstance(event, WorkerReplaced) for event in before)


async def test_a_claim_does_not_wait_for_the_end_of_another_call(office: Office) -> None:
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    await die(office)
    fresh = await office.call()
    async with office.db.transaction():
        await office.db.execute("lock table tenant_month in exclusive mode")  # no call can end
        async with asyncio.timeout(60):
            assert [other.call.id for other in await taken(office)] == [fresh.id]
    assert await taken(office) == []
    await ending(office, claim.call.id)


async def test_the_keeper_ends_a_call_that_no_worker_takes_over(office: Office) -> None:
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    await die(office)
    expected = [(claim.call.id, EndReason.ENDED_BY_API)]
    assert await overdue(office.worker.reaper) == expected
    await ending(office, claim.call.id)


async def test_the_keeper_ends_a_call_whose_worker_does_not_handle_end_call(office: Office) -> None:
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    reaper = office.worker.reaper
    assert await overdue(reaper) == []
    await office.db.execute("update call_command set asked_at = now() - interval '11 s'")
    assert await overdue(reaper) == [(claim.call.id, EndReason.ENDED_BY_API)]
    await ending(office, claim.call.id)
    assert not await office.worker.queue.end(claim, EndReason.INTERNAL)


async def test_every_end_of_a_call_applies_the_command_that_asked_for_it(office: Office) -> None:
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    assert await office.worker.queue.end(claim, EndReason.SILENCE)
    await ending(office, claim.call.id, EndReason.SILENCE)


async def test_a_worker_acknowledges_end_call_only_when_it_ends_the_call(
    office: Office, settings: Settings
) -> None:
    async with working(settings):
        call = await started(office.services, office.viewer)
        await watch(office.services, office.viewer, call.id, NodeEntered)
        async with office.db.transaction():
            await office.db.execute("lock table tenant_month in exclusive mode")
            await ask_to_end(office, call.id)
            async with asyncio.timeout(60):
                while not await lock_waiters(office):  # noqa: ASYNC110 - its worker ends it, and waits
                    await asyncio.sleep(0.02)
            waiting = "select count(*) from call_command where done_at is null"
            assert await office.db.fetchval(waiting) == 1
        await watch(office.services, office.viewer, call.id, CallEnded)
    await ending(office, call.id)


async def test_end_call_acknowledged_by_a_dead_worker_is_handled(
    office: Office, settings: Settings
) -> None:
    """As older workers did."""
    claim = await answered(office)
    await ask_to_end(office, claim.call.id)
    command = await office.db.fetchval("update call_command set done_at = now() returning id")
    applied = CommandApplied(command_id=str(command), command=CommandKind.END)
    office.worker.event_writer.emit(claim, applied)
    await office.worker.event_writer.wait_until_stored(claim)
    await die(office)
    async with working(settings):
        events = await watch(office.services, office.viewer, claim.call.id, CallEnded)
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert last.reason is EndReason.ENDED_BY_API
