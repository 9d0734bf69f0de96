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
from tests.persistence.test_queue import QueueRig
from tests.support.demo_workflow import publish_clinic
from tests.worker.test_text_calls import running_worker, started, watch

pytestmark = pytest.mark.anyio

MAX_TAKEOVERS = Settings().max_takeovers


@pytest.fixture
async def queue_rig(
    services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[QueueRig]:
    await publish_clinic(services, viewer)
    db = await asyncpg.connect(settings.database_url)
    async with worker_services(settings) as worker:
        yield QueueRig(services, viewer, worker, db)
    await db.close()


async def claim_as_new_worker(queue_rig: QueueRig, most: int = 10) -> list[Claim]:
    """The calls that a new worker claims."""
    worker = await queue_rig.worker.queue.register_worker(10)
    claims = list(await queue_rig.worker.queue.claim(worker, most))
    for claim in claims:
        queue_rig.worker.event_writer.open(claim)
    return claims


async def overdue(reaper: SqlReaper) -> list[tuple[UUID, EndReason]]:
    return await reaper.end_overdue(60, await reaper.database_time())


async def kill_all_workers(queue_rig: QueueRig) -> None:
    """Let all workers die."""
    await queue_rig.reap()


async def advance_time(queue_rig: QueueRig, seconds: float) -> None:
    """Let this much time pass for calls without a worker."""
    await queue_rig.db.execute(
        "update call_log set deadline_at = deadline_at - make_interval(secs => $1) "
        "where worker_id is null",
        seconds,
    )


async def claimed_active_call(queue_rig: QueueRig) -> Claim:
    """A call in progress that has killed no worker."""
    await queue_rig.call()
    [claim] = await claim_as_new_worker(queue_rig)
    active = StateChanged(before=CallState.CONNECTING, state=CallState.ACTIVE)
    queue_rig.worker.event_writer.emit(claim, active)
    await queue_rig.worker.event_writer.wait_until_stored(claim)
    return claim


async def fail_takeovers(queue_rig: QueueRig, times: int) -> None:
    """Let this many takeovers of all calls fail."""
    for _ in range(times):
        await kill_all_workers(queue_rig)
        await advance_time(queue_rig, 20)
        while await claim_as_new_worker(queue_rig):
            pass
    await kill_all_workers(queue_rig)


async def test_a_call_whose_workers_die_repeatedly_is_ended(queue_rig: QueueRig) -> None:
    call = (await claimed_active_call(queue_rig)).call
    await fail_takeovers(queue_rig, MAX_TAKEOVERS)
    await advance_time(queue_rig, 20)
    assert await claim_as_new_worker(queue_rig) == []
    assert await overdue(queue_rig.worker.reaper) == [(call.id, EndReason.WORKER_LOST)]
    assert await overdue(queue_rig.worker.reaper) == []
    events = [recorded.event for recorded in await queue_rig.events(call.id)]
    assert sum(isinstance(event, WorkerReplaced) for event in events) == MAX_TAKEOVERS
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.state, last.reason) == (CallState.FAILED, EndReason.WORKER_LOST)
    assert last.blame is Blame.PLATFORM


async def test_the_backoff_grows_with_each_failed_takeover(
    queue_rig: QueueRig,
) -> None:
    await claimed_active_call(queue_rig)
    await kill_all_workers(queue_rig)
    assert len(await claim_as_new_worker(queue_rig)) == 1  # the last holder had written an event
    for pause in (1, 2, 4, 8):
        await kill_all_workers(queue_rig)
        await advance_time(queue_rig, pause - 0.9)
        assert await claim_as_new_worker(queue_rig) == []
        await advance_time(queue_rig, 1)
        assert len(await claim_as_new_worker(queue_rig)) == 1


async def test_progress_in_a_call_resets_its_failed_takeovers(queue_rig: QueueRig) -> None:
    await claimed_active_call(queue_rig)
    await fail_takeovers(queue_rig, MAX_TAKEOVERS - 1)
    await advance_time(queue_rig, 20)
    [claim] = await claim_as_new_worker(queue_rig)
    said = AgentTurn(turn_id="1", node="n", agent="a", text="Hello.", heard_text="Hello.")
    queue_rig.worker.event_writer.emit(claim, said)
    await queue_rig.worker.event_writer.wait_until_stored(claim)
    await kill_all_workers(queue_rig)
    assert [again.call.id for again in await claim_as_new_worker(queue_rig)] == [claim.call.id]
    await kill_all_workers(queue_rig)
    assert await overdue(queue_rig.worker.reaper) == []


async def test_surviving_an_idle_call_resets_its_failed_takeovers(
    queue_rig: QueueRig,
) -> None:
    await claimed_active_call(queue_rig)
    for _ in range(2 * MAX_TAKEOVERS):
        await kill_all_workers(queue_rig)
        [claim] = await claim_as_new_worker(queue_rig)
        await queue_rig.worker.queue.reset_takeovers(claim)
    assert await overdue(queue_rig.worker.reaper) == []


async def test_a_released_call_counts_no_failed_takeover(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    for _ in range(2 * MAX_TAKEOVERS):
        await queue_rig.worker.queue.release(claim)
        [claim] = await claim_as_new_worker(queue_rig)
    await queue_rig.worker.queue.release(claim)
    assert await overdue(queue_rig.worker.reaper) == []


async def test_a_worker_holds_one_suspect_call_at_a_time(
    queue_rig: QueueRig,
) -> None:
    suspects = {(await claimed_active_call(queue_rig)).call.id for _ in range(3)}
    await fail_takeovers(queue_rig, 2)
    await advance_time(queue_rig, 20)
    sound = await queue_rig.call()
    queue = queue_rig.worker.queue
    worker = await queue.register_worker(10)
    first, second = await queue.claim(worker, 10)
    assert (first.call.id, second.call.id in suspects) == (sound.id, True)
    assert await queue.claim(worker, 10) == []
    [other] = await queue.claim(
        await queue.register_worker(10), 10
    )  # for another worker it is the first suspect call
    assert other.call.id in suspects - {second.call.id}
    await queue.reset_takeovers(second)
    [third] = await queue.claim(worker, 10)
    assert {second.call.id, other.call.id, third.call.id} == suspects


async def final_events(
    queue_rig: QueueRig, id: CallId, reason: EndReason = EndReason.ENDED_BY_API
) -> list[object]:
    """The last events of a call that was asked to end, and ended once."""
    events = [recorded.event for recorded in await queue_rig.events(id)]
    assert sum(isinstance(event, CallEnded) for event in events) == 1
    [*_, applied, ended] = events
    assert isinstance(applied, CommandApplied)
    assert isinstance(ended, CallEnded)
    assert (ended.reason, ended.blame) == (reason, END_OUTCOMES[reason][1])
    waiting = "select count(*) from call_command where done_at is null"
    assert await queue_rig.db.fetchval(waiting) == 0
    return list(events[:-2])


async def lock_waiters(queue_rig: QueueRig) -> int:
    waiting = (
        "select count(*) from pg_locks where not granted and relation = 'tenant_month'::regclass"
    )
    return int(await queue_rig.db.fetchval(waiting))


async def request_end(queue_rig: QueueRig, id: CallId, *, by_caller: bool = False) -> Call:
    return await end_call(queue_rig.services, queue_rig.viewer, id, by_caller=by_caller)


async def test_a_call_without_a_worker_ends_immediately(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    await kill_all_workers(queue_rig)
    await queue_rig.say(claim.call.id, "hello?")
    ended = await request_end(queue_rig, claim.call.id)
    assert ended.end_reason is EndReason.ENDED_BY_API
    assert isinstance((await final_events(queue_rig, claim.call.id))[-1], CommandRefused)
    assert await request_end(queue_rig, claim.call.id) == ended


async def test_a_worker_ends_a_call_instead_of_taking_it_over(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    await kill_all_workers(queue_rig)
    assert await claim_as_new_worker(queue_rig) == []
    before = await final_events(queue_rig, claim.call.id)
    assert not any(isinstance(event, WorkerReplaced) for event in before)


async def test_a_claim_does_not_wait_for_the_end_of_another_call(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    await kill_all_workers(queue_rig)
    fresh = await queue_rig.call()
    async with queue_rig.db.transaction():
        await queue_rig.db.execute(
            "lock table tenant_month in exclusive mode"
        )  # ending a call is blocked
        async with asyncio.timeout(60):
            assert [other.call.id for other in await claim_as_new_worker(queue_rig)] == [fresh.id]
    assert await claim_as_new_worker(queue_rig) == []
    await final_events(queue_rig, claim.call.id)


async def test_the_keeper_ends_a_call_that_no_worker_takes_over(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    await kill_all_workers(queue_rig)
    expected = [(claim.call.id, EndReason.ENDED_BY_API)]
    assert await overdue(queue_rig.worker.reaper) == expected
    await final_events(queue_rig, claim.call.id)


async def test_the_keeper_ends_a_call_whose_worker_does_not_handle_end_call(
    queue_rig: QueueRig,
) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    reaper = queue_rig.worker.reaper
    assert await overdue(reaper) == []
    await queue_rig.db.execute("update call_command set asked_at = now() - interval '11 s'")
    assert await overdue(reaper) == [(claim.call.id, EndReason.ENDED_BY_API)]
    await final_events(queue_rig, claim.call.id)
    assert not await queue_rig.worker.queue.end(claim, EndReason.INTERNAL)


async def test_every_process_that_ends_a_call_records_that_the_caller_hung_up(
    queue_rig: QueueRig, settings: Settings
) -> None:
    """The API, a worker that claims the call, a keeper, or the worker that holds it."""
    hung_up = EndReason.HUNG_UP_BY_USER
    released = await claimed_active_call(queue_rig)
    await kill_all_workers(queue_rig)
    ended = await request_end(queue_rig, released.call.id, by_caller=True)
    assert ended.end_reason is hung_up
    claimed = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claimed.call.id, by_caller=True)
    await kill_all_workers(queue_rig)
    assert await claim_as_new_worker(queue_rig) == []
    unclaimed = await claimed_active_call(queue_rig)
    await request_end(queue_rig, unclaimed.call.id, by_caller=True)
    await kill_all_workers(queue_rig)
    assert await overdue(queue_rig.worker.reaper) == [(unclaimed.call.id, hung_up)]
    async with running_worker(settings):
        held = await started(queue_rig.services, queue_rig.viewer)
        await watch(queue_rig.services, queue_rig.viewer, held.id, NodeEntered)
        await request_end(queue_rig, held.id, by_caller=True)
        await watch(queue_rig.services, queue_rig.viewer, held.id, CallEnded)
    for id in (released.call.id, claimed.call.id, unclaimed.call.id, held.id):
        await final_events(queue_rig, id, hung_up)


async def test_the_first_request_to_end_a_call_gives_the_reason(queue_rig: QueueRig) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    await request_end(queue_rig, claim.call.id, by_caller=True)
    await kill_all_workers(queue_rig)
    assert await claim_as_new_worker(queue_rig) == []
    await final_events(queue_rig, claim.call.id, EndReason.ENDED_BY_API)


async def test_every_end_of_a_call_applies_the_command_that_asked_for_it(
    queue_rig: QueueRig,
) -> None:
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    assert await queue_rig.worker.queue.end(claim, EndReason.SILENCE)
    await final_events(queue_rig, claim.call.id, EndReason.SILENCE)


async def test_a_worker_acknowledges_end_call_only_when_it_ends_the_call(
    queue_rig: QueueRig, settings: Settings
) -> None:
    async with running_worker(settings):
        call = await started(queue_rig.services, queue_rig.viewer)
        await watch(queue_rig.services, queue_rig.viewer, call.id, NodeEntered)
        async with queue_rig.db.transaction():
            await queue_rig.db.execute("lock table tenant_month in exclusive mode")
            await request_end(queue_rig, call.id)
            async with asyncio.timeout(60):
                while not await lock_waiters(queue_rig):  # noqa: ASYNC110 - the worker ends it
                    await asyncio.sleep(0.02)
            waiting = "select count(*) from call_command where done_at is null"
            assert await queue_rig.db.fetchval(waiting) == 1
        await watch(queue_rig.services, queue_rig.viewer, call.id, CallEnded)
    await final_events(queue_rig, call.id)


async def test_end_call_acknowledged_by_a_dead_worker_is_handled(
    queue_rig: QueueRig, settings: Settings
) -> None:
    """As workers of earlier releases did."""
    claim = await claimed_active_call(queue_rig)
    await request_end(queue_rig, claim.call.id)
    command = await queue_rig.db.fetchval("update call_command set done_at = now() returning id")
    applied = CommandApplied(command_id=str(command), command=CommandKind.END)
    queue_rig.worker.event_writer.emit(claim, applied)
    await queue_rig.worker.event_writer.wait_until_stored(claim)
    await kill_all_workers(queue_rig)
    async with running_worker(settings):
        events = await watch(queue_rig.services, queue_rig.viewer, claim.call.id, CallEnded)
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert last.reason is EndReason.ENDED_BY_API
