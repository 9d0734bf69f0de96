"""Claims and releases of calls when workers stall, stop midway or are full."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.calls.commands import CommandKind
from domain.calls.events import AgentTurn, StateChanged, StoredEvent, UserTurn
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallState, EndReason
from domain.common.access import Viewer
from domain.common.errors import RateLimited
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, send_message, start_call
from persistence.database import DbRole, create_pool, short_transaction
from persistence.retention import CALL_BATCH_SIZE, DELETE_EXPIRED_CALLS, EVENT_BATCH_SIZE
from persistence.worker_wiring import WorkerServices, worker_services
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class QueueRig:
    services: Services
    viewer: Viewer
    worker: WorkerServices
    db: asyncpg.Connection[asyncpg.Record]

    async def call(self) -> Call:
        request = CallRequest(workflow_name="clinic")
        return await start_call(self.services, self.viewer, request)

    async def say(self, id: CallId, text: str) -> str:
        return str((await send_message(self.services, self.viewer, id, text, None)).id)

    async def reap(self) -> int:
        await self.db.execute("update worker_process set heartbeat_at = now() - interval '1 h'")
        a_minute_ago = await self.worker.reaper.database_time() - timedelta(minutes=1)
        return await self.worker.reaper.reap_dead_workers(a_minute_ago)

    async def events(self, id: CallId) -> list[StoredEvent]:
        async with self.services.store.transaction(self.viewer.tenant_id) as work:
            return list(await work.calls.events(id, 0, 1_000))


@pytest.fixture
async def queue_rig(
    services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[QueueRig]:
    await publish_clinic(services, viewer)
    db = await asyncpg.connect(settings.database_url)
    async with worker_services(settings) as worker:
        yield QueueRig(services, viewer, worker, db)
    await db.close()


async def claimed_call(queue_rig: QueueRig) -> Claim:
    await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(10)
    [claim] = await queue_rig.worker.queue.claim(worker, 1)
    queue_rig.worker.event_writer.open(claim)
    return claim


async def test_a_worker_without_voice_capacity_claims_the_oldest_text_calls(
    queue_rig: QueueRig,
) -> None:
    calls = [(await queue_rig.call()).id for _ in range(4)]
    await queue_rig.db.execute("update call set kind = 'VOIP' where id = any($1)", calls[::2])
    # One of them was started before the log had the kind.
    kinds = "update call_log set kind = $2 where call_id = $1"
    await queue_rig.db.executemany(kinds, [(calls[0], None), (calls[2], "VOIP")])
    worker = await queue_rig.worker.queue.register_worker(10)
    [claim] = await queue_rig.worker.queue.claim(worker, 1, include_voice=False)
    assert claim.call.id == calls[1]
    rest = await queue_rig.worker.queue.claim(worker, 10)
    assert {c.call.id for c in rest} == {calls[n] for n in (0, 2, 3)}


async def test_full_workers_claim_a_lost_voice_call_when_others_do_not(
    queue_rig: QueueRig,
) -> None:
    call = await queue_rig.call()
    await queue_rig.db.execute("update call set kind = 'VOIP' where id = $1", call.id)
    await queue_rig.db.execute("update call_log set kind = 'VOIP' where call_id = $1", call.id)
    queue = queue_rig.worker.queue
    [claim] = await queue.claim(await queue.register_worker(10), 1)
    await queue.release(claim)
    full = await queue.register_worker(10)
    assert await queue.claim(full, 1, include_voice=False) == []
    await queue_rig.db.execute("update call_log set deadline_at = deadline_at - interval '1.1 s'")
    [again] = await queue.claim(full, 1, include_voice=False)
    assert again.call.id == call.id


async def test_a_reaped_worker_claims_nothing(queue_rig: QueueRig) -> None:
    await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(10)
    await queue_rig.reap()
    assert await queue_rig.worker.queue.claim(worker, 5) == []
    other = await queue_rig.worker.queue.register_worker(10)
    assert len(await queue_rig.worker.queue.claim(other, 5)) == 1


async def test_a_worker_that_froze_during_a_claim_does_not_keep_its_calls(
    queue_rig: QueueRig, settings: Settings
) -> None:
    await claimed_call(queue_rig)
    pool = await create_pool(settings.database_url, DbRole.SERVICE, 1)
    frozen: Any = await pool.acquire()
    claim = short_transaction(frozen)
    await claim.__aenter__()  # and it never deregisters
    await frozen.execute("select from worker_process for key share")
    frozen._con._transport.pause_reading()  # nor does it notice that the server ends its session
    async with asyncio.timeout(60):  # a statement that waits longer than ten seconds is cancelled
        assert await queue_rig.reap() == 1
    pool.terminate()


async def test_calls_of_an_unregistered_worker_are_released(queue_rig: QueueRig) -> None:
    """However that happened: orphans are calls whose worker is not registered."""
    claim = await claimed_call(queue_rig)
    await queue_rig.db.execute("delete from worker_process")
    assert await queue_rig.reap() == 1
    other = await queue_rig.worker.queue.register_worker(10)
    [again] = await queue_rig.worker.queue.claim(other, 5)
    assert (again.call.id, again.is_takeover) == (claim.call.id, True)


async def test_deregistering_releases_all_calls(queue_rig: QueueRig) -> None:
    await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(10)
    await queue_rig.worker.queue.claim(worker, 1)
    await queue_rig.worker.queue.deregister_worker(worker)
    other = await queue_rig.worker.queue.register_worker(10)
    assert len(await queue_rig.worker.queue.claim(other, 5)) == 1


async def test_a_call_that_is_ended_between_two_workers_is_not_canceled(
    queue_rig: QueueRig,
) -> None:
    fresh, answered = await queue_rig.call(), await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(5)
    claims = {c.call.id: c for c in await queue_rig.worker.queue.claim(worker, 2)}
    active = StateChanged(before=CallState.CONNECTING, state=CallState.ACTIVE)
    queue_rig.worker.event_writer.open(claims[answered.id])
    queue_rig.worker.event_writer.emit(claims[answered.id], active)
    await queue_rig.worker.event_writer.wait_until_stored(claims[answered.id])
    for claim in claims.values():
        await queue_rig.worker.queue.release(claim)
    ended = [await end_call(queue_rig.services, queue_rig.viewer, c.id) for c in (fresh, answered)]
    assert [c.end_reason for c in ended] == [EndReason.CANCELED, EndReason.ENDED_BY_API]


async def test_a_call_whose_worker_does_not_end_it_has_the_reason_of_the_request(
    queue_rig: QueueRig,
) -> None:
    """Even if its time is over in the meantime."""
    claim = await claimed_call(queue_rig)
    event = StateChanged(before=CallState.CONNECTING, state=CallState.ACTIVE)
    queue_rig.worker.event_writer.emit(claim, event)
    await queue_rig.worker.event_writer.wait_until_stored(claim)
    await end_call(queue_rig.services, queue_rig.viewer, claim.call.id)
    await queue_rig.db.execute("update call_command set asked_at = asked_at - interval '1 minute'")
    await queue_rig.db.execute("update call_log set deadline_at = now() - interval '1 second'")
    reaper = queue_rig.worker.reaper
    ended = await reaper.end_overdue(5.0, await reaper.database_time())
    assert ended == [(claim.call.id, EndReason.ENDED_BY_API)]


async def test_a_claim_whose_response_was_lost_is_released(queue_rig: QueueRig) -> None:
    kept, lost = await queue_rig.call(), await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(10)
    assert len(await queue_rig.worker.queue.claim(worker, 2)) == 2
    await queue_rig.worker.queue.reconcile(worker, [kept.id])
    [again] = await queue_rig.worker.queue.claim(worker, 2)
    assert again.call.id == lost.id


async def test_a_fenced_writer_acknowledges_nothing(queue_rig: QueueRig) -> None:
    claim = await claimed_call(queue_rig)
    message = await queue_rig.say(claim.call.id, "hello")
    await queue_rig.reap()
    turn = UserTurn(turn_id=message, text="hello", message_id=message)
    queue_rig.worker.event_writer.emit(claim, turn)
    await queue_rig.worker.event_writer.wait_until_fenced(claim)
    other = await queue_rig.worker.queue.register_worker(10)
    await queue_rig.worker.queue.claim(other, 1)
    assert [str(command.id) for command in await queue_rig.worker.queue.inbox(other)] == [message]


async def test_an_earlier_lease_in_the_same_process_writes_nothing(queue_rig: QueueRig) -> None:
    old = await claimed_call(queue_rig)
    await queue_rig.reap()
    worker = await queue_rig.worker.queue.register_worker(10)
    [new] = await queue_rig.worker.queue.claim(worker, 1)
    recorder = queue_rig.worker.event_writer
    recorder.open(new)
    recorder.emit(new, _said("new"))
    recorder.emit(old, _said("old"))
    assert recorder.is_fenced(old)
    assert not recorder.is_fenced(new)
    await asyncio.wait_for(recorder.wait_until_fenced(old), 60)
    await recorder.wait_until_stored(new)
    events = [e.event for e in await queue_rig.events(new.call.id)]
    assert [e.text for e in events if isinstance(e, AgentTurn)] == ["new"]


async def test_requests_about_a_closed_call_leave_nothing_behind(
    queue_rig: QueueRig,
) -> None:
    """As a tool that is still running may make."""
    claim = await claimed_call(queue_rig)
    recorder = queue_rig.worker.event_writer
    assert not recorder.is_fenced(claim)
    recorder.close(claim)
    for _ in range(2):
        assert recorder.is_fenced(claim)
        assert not await recorder.holds_lease(claim)
        recorder.emit(claim, _said("too late"))
        await asyncio.wait_for(recorder.wait_until_fenced(claim), 60)
    assert not recorder._buffers


async def test_a_busy_inbox_does_not_hide_the_inbox_of_another_call(queue_rig: QueueRig) -> None:
    busy, quiet = await queue_rig.call(), await queue_rig.call()
    worker = await queue_rig.worker.queue.register_worker(10)
    await queue_rig.worker.queue.claim(worker, 2)
    for n in range(32):
        await queue_rig.say(busy.id, str(n))
    with pytest.raises(RateLimited):
        await queue_rig.say(busy.id, "one too many")
    await queue_rig.say(quiet.id, "hello")
    await end_call(queue_rig.services, queue_rig.viewer, busy.id)
    inbox = await queue_rig.worker.queue.inbox(worker)
    assert [c.body["text"] for c in inbox if c.call_id == quiet.id] == ["hello"]
    of_busy = [c for c in inbox if c.call_id == busy.id]
    assert [c.kind for c in of_busy].count(CommandKind.END) == 1
    assert [c.body["text"] for c in of_busy if c.body] == [str(n) for n in range(19)]


async def test_a_call_claimed_at_the_last_moment_is_not_ended(queue_rig: QueueRig) -> None:
    """It was found overdue, then claimed: the claim wins."""
    claim = await claimed_call(queue_rig)
    before = replace(claim, epoch=claim.epoch - 1)
    assert not await queue_rig.worker.queue.end(before, EndReason.NO_WORKER)
    await queue_rig.worker.event_writer.wait_until_stored(claim)
    assert (await queue_rig.events(claim.call.id))[-1].event.kind == "state_changed"


async def test_appends_and_reaping_do_not_deadlock(queue_rig: QueueRig) -> None:
    for _ in range(20):
        await queue_rig.call()
    for round in range(5):
        # Some are reaped before they have written anything, and would have to wait for the backoff.
        await queue_rig.db.execute("update call_log set takeovers = 0")
        worker = await queue_rig.worker.queue.register_worker(50)
        claims = await queue_rig.worker.queue.claim(worker, 20)
        assert len(claims) == 20
        for claim in claims:
            queue_rig.worker.event_writer.open(claim)

        async def write(claims: object = claims, round: int = round) -> None:
            for n in range(20):
                for claim in claims:  # type: ignore[attr-defined]
                    queue_rig.worker.event_writer.emit(claim, _said(f"{round}.{n}"))
                await asyncio.sleep(0.001)

        await asyncio.gather(write(), queue_rig.reap())


async def test_a_subscriber_whose_notification_was_lost_is_served_by_the_periodic_check(
    queue_rig: QueueRig,
) -> None:
    """Also when another subscriber of the call has received it already."""
    claim = await claimed_call(queue_rig)
    tenant = queue_rig.viewer.tenant_id
    first: list[int] = []
    changed = asyncio.Condition()

    async def watch(seen: list[int]) -> None:
        async for update in queue_rig.services.streams.follow(tenant, claim.call.id, None):
            async with changed:
                seen.extend([update.seq] if isinstance(update, StoredEvent) else [])
                changed.notify_all()

    async def until(seen: list[int], count: int) -> None:
        async with changed:
            await changed.wait_for(lambda: len(seen) >= count)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        early = tasks.create_task(watch(first))
        await until(first, 2)
        # Stored without a notification: the writer died after its commit.
        await queue_rig.db.execute(
            "with log as (update call_log set head = head + 1 where call_id = $1 returning *) "
            "insert into call_event (tenant_id, call_id, seq, at, kind, body) "
            "select tenant_id, call_id, head, now(), 'error_raised', "
            '\'{"source":"t","message":"m","recoverable":true,'
            '"kind":"error_raised"}\' from log',
            claim.call.id,
        )
        second: list[int] = []
        late = tasks.create_task(watch(second))
        await until(first, 3)
        await until(second, 3)
        early.cancel()
        late.cancel()


async def test_old_calls_are_deleted_in_batches_of_a_bounded_number_of_events(
    queue_rig: QueueRig,
) -> None:
    heads = (3 * EVENT_BATCH_SIZE, EVENT_BATCH_SIZE - 1, 2, EVENT_BATCH_SIZE - 2, 1)
    calls = [(await queue_rig.call()).id for _ in heads]
    for days, (call, head) in enumerate(zip(reversed(calls), reversed(heads), strict=True), 40):
        await queue_rig.db.execute(
            "update call_log set ended_at = now() - make_interval(days => $2), head = $3"
            " where call_id = $1",
            call,
            days,
            head,
        )
    batch = queue_rig.db.transaction()
    await batch.start()
    bounds = 30, CALL_BATCH_SIZE, EVENT_BATCH_SIZE
    removed = [
        [row["id"] for row in await queue_rig.db.fetch(DELETE_EXPIRED_CALLS, *bounds)]
        for _ in range(4)
    ]
    assert [set(ids) for ids in removed] == [{calls[0]}, {calls[1]}, set(calls[2:4]), {calls[4]}]
    await batch.rollback()
    assert await queue_rig.worker.retention.delete_expired(30) == len(calls)


def _said(text: str) -> AgentTurn:
    return AgentTurn(turn_id=text, node="n", agent="a", text=text, heard_text=text)
