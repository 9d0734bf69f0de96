"""When a call that dials a phone may be claimed: not before it is due, and within the limits of its trunk,
however many workers claim."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.calls.events import (
    CallAnswered,
    CallEvent,
    DialFailed,
    NewDestination,
    StateChanged,
    TransferAdvanced,
)
from domain.calls.lease import Claim, TransferReservation
from domain.calls.model import Call, CallId, CallKind, CallState, EndReason
from domain.calls.transfers import TransferPhase
from domain.common.access import Viewer
from domain.common.errors import DialRefused, QuotaExceeded
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.trunk_usage import PauseReason
from domain.telephony.trunks import DialLimits, OutboundTrunk
from domain.tenants.budgets import Budgets
from domain.tools.network_allow_list import AllowList
from domain.tools.transfers import TransferMode
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.settings import update_settings
from domain.use_cases.telephony import (
    delete_phone_number,
    resume_outbound_trunk,
    update_outbound_trunk,
)
from persistence.carrier_resolver import CarrierResolver
from persistence.codec import encode_event
from persistence.dial_slots import COUNT_CALLS_TO_NUMBER, MAX_REFUSED, SELECT_REFUSED
from persistence.queue import HAS_WAITING, INSERT_EVENT, SELECT_TO_DIAL, SELECT_WAITING
from persistence.queue_transitions import END_CALLS
from persistence.worker_wiring import WorkerServices, worker_services
from tests.support.outbound_calls import (
    CALLEE_NUMBER,
    COPY_CALL,
    GENEROUS,
    add_trunk,
    dialed,
    speaking_clinic,
)

pytestmark = pytest.mark.anyio

SECRET = "correct-horse"
ABROAD = "+18765550123"


@dataclass(frozen=True, slots=True)
class DialRig:
    services: Services
    viewer: Viewer
    worker: WorkerServices
    db: asyncpg.Connection[asyncpg.Record]
    trunk: OutboundTrunk

    async def dial(self, **dial: Any) -> Call:
        return await dialed(self.services, self.viewer, **dial)

    async def claim(self, limit: int = 10) -> list[Claim]:
        """What a new worker claims."""
        worker = await self.worker.queue.register_worker(100)
        claims = list(await self.worker.queue.claim(worker, limit))
        for claim in claims:
            self.worker.event_writer.open(claim)
        return claims

    async def limit(self, **limits: int) -> None:
        """Let the trunk have these limits and no others."""
        changes = {"limits": DialLimits(**{**GENEROUS_FIELDS, **limits})}
        await update_outbound_trunk(
            self.services, self.viewer, self.trunk.id, await self._revision(), changes
        )

    async def _revision(self) -> int:
        query = "select revision from outbound_trunk where id = $1"
        revision: int = await self.db.fetchval(query, self.trunk.id)
        return revision

    async def overdue(self, claim_seconds: float = 5.0) -> list[tuple[UUID, EndReason]]:
        reaper = self.worker.reaper
        return await reaper.end_overdue(claim_seconds, await reaper.database_time())

    async def wait(self, seconds: float) -> None:
        """Let this much time pass for all calls."""
        for column in ("created_at", "due_at", "dial_claimed_at"):
            await self.db.execute(
                f"update call_log set {column} = {column} - make_interval(secs => $1)", seconds
            )

    async def now(self) -> datetime:
        return await self.worker.reaper.database_time()

    async def stored(self, id: CallId) -> Call:
        async with self.services.store.transaction(self.viewer.tenant_id) as work:
            call = await work.calls.get(id)
        assert call is not None
        return call


GENEROUS_FIELDS = {
    name: getattr(GENEROUS, name)
    for name in (
        "calls_per_second",
        "concurrent_calls",
        "calls_per_day",
        "calls_per_number_per_hour",
    )
}


@pytest.fixture
async def rig(settings: Settings, viewer: Viewer) -> AsyncIterator[DialRig]:
    async with speaking_clinic(settings, viewer) as (services, _, _):
        trunk = await add_trunk(services, viewer, username="studio", password=SECRET)
        db = await asyncpg.connect(settings.database_url)
        async with worker_services(settings) as worker:
            yield DialRig(services, viewer, worker, db, trunk)
        await db.close()


# A slow server: it rolls back a transaction that ends more calls than it manages in two seconds.
MAX_ENDED_PER_TRANSACTION = """
    create function max_ended() returns trigger language plpgsql as $$ begin
        if (select count(*) from call_event e where e.kind = 'call_ended'
               and e.xmin = pg_current_xact_id()::xid) > {limit} then
            raise 'too slow' using errcode = 'query_canceled';
        end if;
        return null;
    end $$;
    create trigger max_ended after insert on call_event for each row
        when (new.kind = 'call_ended') execute function max_ended()
"""


# Move all calls to a tenant that is suspended.
OTHER_TENANT = """
    with other as (
        insert into tenant select (jsonb_populate_record(t, jsonb_build_object(
            'id', gen_random_uuid(), 'slug', 'other', 'suspended_at', now()))).*
          from tenant t limit 1 returning id),
    moved as (update call_log set tenant_id = other.id from other)
    update call set tenant_id = other.id from other
"""
# Give each call a copy of its trunk.
TRUNK_OF_EACH_CALL = """
    with copies as (
        insert into outbound_trunk select (jsonb_populate_record(t, jsonb_build_object(
            'id', l.call_id, 'name', l.call_id))).*
          from call_log l join outbound_trunk t on t.id = l.trunk_id)
    update call_log set trunk_id = call_id
"""


def ids(claims: Sequence[Claim]) -> list[CallId]:
    return [claim.call.id for claim in claims]


async def test_a_claim_has_what_is_needed_to_dial(rig: DialRig) -> None:
    call = await rig.dial(ringing_seconds=20)
    [claim] = await rig.claim()
    assert claim.call == await rig.stored(call.id)
    assert (claim.call.from_number, claim.call.to_number) == ("+12025550101", "+12025550102")
    assert claim.call.ringing_seconds == 20
    assert claim.dial_trunk is not None
    assert (claim.dial_trunk.spec, claim.dial_trunk.password) == (rig.trunk.spec, SECRET)
    assert SECRET not in repr(claim)


async def test_a_scheduled_call_is_claimed_when_it_is_due(rig: DialRig) -> None:
    later = await rig.dial(scheduled_for=await rig.now() + timedelta(hours=1))
    sooner = await rig.dial(scheduled_for=await rig.now() + timedelta(minutes=5))
    assert await rig.claim() == []
    assert not await rig.worker.queue.has_waiting()
    assert await rig.overdue() == []
    await rig.wait(3_660)
    assert await rig.worker.queue.has_waiting()
    assert ids(await rig.claim()) == [sooner.id, later.id]


async def test_a_scheduled_call_can_be_canceled_until_it_is_due(rig: DialRig) -> None:
    call = await rig.dial(scheduled_for=await rig.now() + timedelta(hours=1))
    ended = await end_call(rig.services, rig.viewer, call.id)
    assert (ended.state, ended.end_reason) == (CallState.CANCELED, EndReason.CANCELED)
    await rig.wait(3_660)
    assert await rig.claim() == []


async def test_a_due_call_that_no_worker_claims_ends(rig: DialRig) -> None:
    call = await rig.dial(scheduled_for=await rig.now() + timedelta(hours=1))
    await rig.wait(3_600)
    assert await rig.overdue(claim_seconds=120) == []
    await rig.wait(180)
    assert await rig.overdue(claim_seconds=120) == [(call.id, EndReason.NO_WORKER)]


async def test_a_trunk_dials_no_more_calls_at_once_than_it_may(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=2)
    calls = [(await rig.dial()).id for _ in range(4)]
    first = await rig.claim()
    assert ids(first) == calls[:2]
    assert await rig.claim() == []
    assert await rig.worker.queue.end(first[1], EndReason.HUNG_UP_BY_USER)
    assert ids(await rig.claim()) == calls[2:3]


async def test_workers_that_claim_at_the_same_time_share_the_limits(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=3)
    for _ in range(12):
        await rig.dial()
    claims: list[Claim] = []
    # A worker that finds the trunk locked by another one claims in its next round.
    for _ in range(4):
        batches = await asyncio.gather(*(rig.claim(4) for _ in range(4)))
        claims += [claim for batch in batches for claim in batch]
    assert len(claims) == 3


async def test_a_full_trunk_does_not_hold_up_other_calls(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=1)
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    [first, *_] = [(await rig.dial(trunk_id=rig.trunk.id)).id for _ in range(30)]
    over_other = await rig.dial(trunk_id=other.id)
    assert ids(await rig.claim()) == [first, over_other.id]


async def test_calls_in_which_a_caller_waits_are_claimed_before_calls_to_dial(
    rig: DialRig,
) -> None:
    dialled = [(await rig.dial()).id for _ in range(3)]
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
    waiting = await start_call(rig.services, rig.viewer, request)
    assert ids(await rig.claim(2)) == [waiting.id, dialled[0]]


async def test_a_trunk_that_dials_slowly_does_not_hold_up_other_calls(rig: DialRig) -> None:
    await rig.limit(calls_per_second=1)
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    slow = [(await rig.dial(trunk_id=rig.trunk.id)).id for _ in range(30)]
    over_other = await rig.dial(trunk_id=other.id)
    assert ids(await rig.claim()) == [*slow[:3], over_other.id]


@pytest.mark.parametrize("trunk", ["full", "free"])
async def test_the_calls_behind_those_to_claim_are_not_read(rig: DialRig, trunk: str) -> None:
    """Even if PostgreSQL has no statistics about the queue yet."""
    await rig.limit(concurrent_calls=1 if trunk == "full" else 100)
    await rig.dial()
    assert len(await rig.claim()) == 1
    waiting = await rig.dial()
    for table in ("call", "call_log"):
        await rig.db.execute(f"alter table {table} set (autovacuum_enabled = off)")
    await rig.db.execute(COPY_CALL, waiting.id, 3_000)
    arguments = (10, True, 5.0, 3, 6.0, 1.0, uuid4())
    for statistics in (None, "new"):
        if statistics:
            await rig.db.execute("analyze")
        read = {
            "waiting": await rows_read(rig.db, SELECT_WAITING, *arguments),
            "to dial": await rows_read(rig.db, SELECT_TO_DIAL, *arguments),
            "has waiting": await rows_read(rig.db, HAS_WAITING),
        }
        assert sum(read.values()) < 100, (statistics, read)
    assert await rig.worker.queue.has_waiting() == (trunk == "free")
    assert len(await rig.claim(10)) == (0 if trunk == "full" else 10)


async def test_the_calls_of_a_suspended_tenant_do_not_hold_up_other_calls(rig: DialRig) -> None:
    suspended = [(await rig.dial()).id for _ in range(2)]
    await rig.db.execute(COPY_CALL, suspended[0], 11)
    await rig.db.execute(OTHER_TENANT)
    assert not await rig.worker.queue.has_waiting()
    assert await rig.claim() == []
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    call = await rig.dial(trunk_id=other.id)
    assert await rig.worker.queue.has_waiting()
    assert ids(await rig.claim()) == [call.id]


async def test_two_workers_claim_calls_of_different_trunks_at_once(rig: DialRig) -> None:
    await rig.db.execute(COPY_CALL, (await rig.dial()).id, 19)
    await rig.db.execute(TRUNK_OF_EACH_CALL)
    arguments = (10, True, 5.0, 3, 6.0, 1.0, uuid4())
    async with rig.db.transaction():
        locked = await rig.db.fetch(SELECT_TO_DIAL, *arguments)
        claimed = ids(await rig.claim())
    assert len(claimed) == 10
    assert len({row["call_id"] for row in locked} - set(claimed)) == 10


async def rows_read(db: asyncpg.Connection[Any], query: str, *arguments: object) -> int:
    """How many rows of the queue PostgreSQL reads for the query."""
    explained = await db.fetchval(f"explain (analyze, format json) {query}", *arguments)
    return sum(map(_rows_read, json.loads(explained)))


def _rows_read(node: dict[str, Any]) -> int:
    children = [*node.get("Plans", ()), *([node["Plan"]] if "Plan" in node else ())]
    read = 0
    if node.get("Relation Name") == "call_log":
        per_loop = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        read = round(per_loop * node["Actual Loops"])
    return read + sum(map(_rows_read, children))


async def test_a_call_that_lost_its_worker_keeps_its_place_on_the_trunk(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=1)
    [first, _] = [(await rig.dial()).id for _ in range(2)]
    [claim] = await rig.claim()
    await rig.worker.queue.release(claim)
    assert ids(await rig.claim()) == [first]
    assert await rig.claim() == []


async def test_no_more_calls_are_claimed_than_the_trunk_may_dial_soon(rig: DialRig) -> None:
    await rig.limit(calls_per_second=1)
    for _ in range(8):
        await rig.dial()
    claims = await rig.claim()
    assert len(claims) == 3
    before = await rig.now()
    assert await rig.worker.queue.reserve_dial(claims[0]) == 0.0
    for claim in claims[1:]:
        await rig.worker.queue.reserve_dial(claim)
    next_dial_at = await rig.db.fetchval("select next_dial_at from trunk_usage")
    assert next_dial_at >= before + timedelta(seconds=3)
    for claim in claims:
        dialing = StateChanged(before=CallState.CONNECTING, state=CallState.DIALING)
        rig.worker.event_writer.emit(claim, dialing)
        await rig.worker.event_writer.wait_until_stored(claim)
    assert len(await rig.claim()) == 3


async def test_a_call_is_not_dialled_once_the_budget_of_the_month_is_exhausted(
    rig: DialRig,
) -> None:
    at = await rig.now() + timedelta(hours=1)
    await rig.dial(scheduled_for=at)
    await update_settings(
        rig.services, rig.viewer, 0, {"budgets": Budgets(concurrent_calls=1, minutes_per_month=9)}
    )
    await rig.wait(3_600)
    [claim] = await rig.claim()
    assert await rig.worker.queue.reserve_dial(claim) == 0.0
    await update_settings(rig.services, rig.viewer, 1, {"budgets": Budgets(minutes_per_month=0)})
    with pytest.raises(QuotaExceeded):
        await rig.worker.queue.reserve_dial(claim)


async def test_a_trunk_whose_name_leads_to_a_private_address_is_not_dialled(
    rig: DialRig, settings: Settings
) -> None:
    await rig.db.execute(
        """update outbound_trunk set spec = jsonb_set(spec, '{address}', '"localhost:5060"')"""
    )
    await rig.dial()
    [claim] = await rig.claim()
    local = AllowList.parse("127.0.0.0/8, ::1/128")
    assert claim.dial_trunk is not None
    tenant, spec = claim.call.tenant_id, claim.dial_trunk.spec
    await CarrierResolver(local).check(tenant, spec)
    with pytest.raises(DialRefused) as late:
        await CarrierResolver(local, timeout_seconds=0).check(tenant, spec)
    assert late.value.reason == DialRefusal.UNRESOLVED_ADDRESS
    async with worker_services(replace(settings, trunk_allow="192.168.0.0/16")) as worker:
        for reserve in (
            worker.queue.reserve_dial(claim),
            worker.queue.reserve_transfer(claim, to_desk()),
        ):
            with pytest.raises(DialRefused, match="list localhost:5060 in TRUNK_ALLOW") as refused:
                await reserve
            assert refused.value.reason == DialRefusal.PRIVATE_ADDRESS
    assert await rig.db.fetchval("select count(*) from transfer_leg") == 0


async def test_a_scheduled_call_counts_as_concurrent_once_it_is_due(rig: DialRig) -> None:
    budgets = {"budgets": Budgets(concurrent_calls=1)}
    await update_settings(rig.services, rig.viewer, 0, budgets)
    at = await rig.now() + timedelta(hours=1)
    for _ in range(2):
        await rig.dial(scheduled_for=at)
    await rig.wait(3_601)
    with pytest.raises(QuotaExceeded):
        await rig.dial()


@pytest.mark.parametrize("limit", [{"calls_per_day": 2}, {"calls_per_number_per_hour": 2}], ids=str)
async def test_a_call_over_the_limit_of_a_day_or_an_hour_ends(
    rig: DialRig, limit: dict[str, int]
) -> None:
    await rig.limit(**limit)
    calls = [(await rig.dial()).id for _ in range(3)]
    assert ids(await rig.claim()) == calls[:2]
    assert await rig.claim() == []
    ended = await rig.stored(calls[2])
    assert (ended.state, ended.end_reason) == (CallState.FAILED, EndReason.TRUNK_LIMIT)


async def test_all_calls_that_wait_for_a_number_over_its_limit_end_together(rig: DialRig) -> None:
    await rig.limit(calls_per_number_per_hour=1)
    first, waiting = [await rig.dial() for _ in range(2)]
    other = await rig.dial(number="+12025550104")
    await rig.db.execute(COPY_CALL, waiting.id, 300)
    assert ids(await rig.claim(1)) == [first.id]
    assert await rig.claim(1) == []
    ended = "select count(*) from call_log where end_reason = 'TRUNK_LIMIT' and state = 'FAILED'"
    assert await rig.db.fetchval(ended) == 301
    in_log = "select count(*) from call_event where kind = 'call_ended'"
    assert await rig.db.fetchval(in_log) == 301
    assert ids(await rig.claim(1)) == [other.id]


@pytest.mark.parametrize("limit", ["day", "number"])
async def test_the_calls_to_a_number_are_counted_at_most_once(rig: DialRig, limit: str) -> None:
    waiting = await rig.dial()
    await rig.db.execute(COPY_CALL, waiting.id, 1_000)
    arguments = (rig.trunk.id, limit == "day", 1, MAX_REFUSED)
    assert await rows_read(rig.db, SELECT_REFUSED, *arguments) <= MAX_REFUSED


@pytest.mark.parametrize("statistics", ["old", "new"])
async def test_the_earlier_calls_to_a_number_are_not_read(rig: DialRig, statistics: str) -> None:
    earlier = await rig.dial()
    [claim] = await rig.claim()
    await rig.worker.queue.end(claim, EndReason.HUNG_UP_BY_USER)
    await rig.db.execute("alter table call_log set (autovacuum_enabled = off)")
    await rig.db.execute(COPY_CALL, earlier.id, 3_000)
    await rig.wait(3_601)
    await rig.dial()
    assert len(await rig.claim()) == 1
    if statistics == "new":
        await rig.db.execute("analyze")
    arguments = rig.viewer.tenant_id, CALLEE_NUMBER, rig.trunk.id
    assert await rig.db.fetchval(COUNT_CALLS_TO_NUMBER, *arguments) == 1
    assert await rows_read(rig.db, COUNT_CALLS_TO_NUMBER, *arguments) == 1


async def test_a_refused_call_does_not_hold_up_its_trunk_while_others_dial(rig: DialRig) -> None:
    await rig.limit(calls_per_number_per_hour=1, concurrent_calls=2)
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    [first, refused] = [await rig.dial(trunk_id=rig.trunk.id) for _ in range(2)]
    behind = await rig.dial(trunk_id=rig.trunk.id, number="+12025550104")
    assert ids(await rig.claim(1)) == [first.id]
    for expected in ([], [behind.id]):
        over_other = await rig.dial(trunk_id=other.id)
        assert ids(await rig.claim()) == [*expected, over_other.id]
    assert (await rig.stored(refused.id)).end_reason is EndReason.TRUNK_LIMIT


async def test_calls_that_cannot_be_ended_do_not_keep_a_worker_from_claiming(rig: DialRig) -> None:
    await rig.limit(calls_per_number_per_hour=1)
    first, refused = [await rig.dial() for _ in range(2)]
    other = await rig.dial(number="+12025550104")
    assert ids(await rig.claim(1)) == [first.id]
    await rig.db.execute(MAX_ENDED_PER_TRANSACTION.format(limit=0))
    assert await rig.claim(1) == []
    assert ids(await rig.claim()) == [other.id]
    assert (await rig.stored(refused.id)).ended_at is None
    await rig.db.execute("drop trigger max_ended on call_event")
    assert await rig.claim() == []
    assert (await rig.stored(refused.id)).end_reason is EndReason.TRUNK_LIMIT


async def test_calls_of_yesterday_and_of_another_hour_do_not_count(rig: DialRig) -> None:
    await rig.limit(calls_per_day=1, calls_per_number_per_hour=1)
    await rig.dial()
    assert len(await rig.claim()) == 1
    await rig.wait(3_601)
    await rig.db.execute("update trunk_usage set day = day - 1")
    call = await rig.dial()
    assert ids(await rig.claim()) == [call.id]


async def test_a_call_waits_for_its_trunk_for_a_while_and_then_ends(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=1)
    await rig.dial()
    waiting = await rig.dial()
    assert len(await rig.claim()) == 1
    await rig.wait(240)
    assert await rig.overdue() == []
    await rig.wait(120)
    assert await rig.overdue() == [(waiting.id, EndReason.TRUNK_LIMIT)]


@pytest.mark.parametrize("limit", [1, 100])
async def test_overdue_calls_end_although_the_server_is_slow(rig: DialRig, limit: int) -> None:
    """It ends no more than so many calls in two seconds."""
    overdue = await rig.dial()
    await rig.db.execute(COPY_CALL, overdue.id, 119)
    await rig.db.execute(MAX_ENDED_PER_TRANSACTION.format(limit=limit))
    await rig.wait(360)
    ended = await rig.overdue()
    assert [reason for _, reason in ended] == [EndReason.NO_WORKER] * 120


async def test_without_workers_a_call_does_not_wait_for_its_trunk(rig: DialRig) -> None:
    call = await rig.dial()
    await rig.wait(6)
    assert await rig.overdue() == [(call.id, EndReason.NO_WORKER)]


async def test_a_call_waits_for_a_worker_also_for_part_of_a_second(rig: DialRig) -> None:
    call = await rig.dial()
    for seconds, ended in ((5.5, []), (6.0, [(call.id, EndReason.NO_WORKER)])):
        as_of = call.created_at + timedelta(seconds=seconds)
        assert await rig.worker.reaper.end_overdue(5.9, as_of) == ended


async def test_a_caller_id_that_was_given_away_is_a_problem_of_the_claim(rig: DialRig) -> None:
    call = await rig.dial()
    assert call.phone_number_id is not None
    async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
        [number] = (await work.phone_numbers.using("outbound_trunk_id", [rig.trunk.id]))[
            rig.trunk.id
        ]
    await delete_phone_number(rig.services, rig.viewer, number.id)
    [claim] = await rig.claim()
    assert claim.dial_trunk is not None
    assert claim.dial_trunk.problem is not None


async def test_the_sip_status_of_a_failed_dial_is_a_fact_of_the_call(rig: DialRig) -> None:
    call = await rig.dial()
    [claim] = await rig.claim()
    rig.worker.event_writer.emit(
        claim, DialFailed(reason=EndReason.BUSY, sip_status=486, after_ms=900.0)
    )
    await rig.worker.event_writer.wait_until_stored(claim)
    assert await rig.worker.queue.end(claim, EndReason.BUSY)
    ended = await rig.stored(call.id)
    assert (ended.state, ended.end_reason, ended.sip_status) == (
        CallState.BUSY,
        EndReason.BUSY,
        486,
    )


async def test_a_call_whose_end_is_requested_while_it_rings_is_canceled(rig: DialRig) -> None:
    call = await rig.dial()
    [claim] = await rig.claim()
    await end_call(rig.services, rig.viewer, call.id)
    assert (await rig.stored(call.id)).ended_at is None
    await rig.worker.queue.release(claim)
    assert await rig.claim() == []
    ended = await rig.stored(call.id)
    assert (ended.state, ended.end_reason) == (CallState.CANCELED, EndReason.CANCELED)


# ---- transfers -----------------------------------------------------------------------------

DESK = "+12025550103"


def to_desk(number: str = DESK, mode: TransferMode = TransferMode.WARM) -> TransferReservation:
    return TransferReservation(id=uuid4(), number=number, mode=mode, trunk=None)


async def test_a_warm_transfer_occupies_the_trunk_until_it_is_released(rig: DialRig) -> None:
    await rig.limit(concurrent_calls=2)
    await rig.dial()
    await rig.dial()
    [claim] = await rig.claim(1)
    transfer = to_desk()
    for _ in range(2):  # the same transfer is counted once
        line = await rig.worker.queue.reserve_transfer(claim, transfer)
        assert (line.trunk.id, line.trunk.password) == (rig.trunk.id, SECRET)
        assert line.from_number == "+12025550101"
    with pytest.raises(DialRefused) as refused:
        await rig.worker.queue.reserve_transfer(claim, to_desk())
    assert refused.value.reason == DialRefusal.TOO_MANY_CONCURRENT_CALLS
    assert await rig.claim() == []
    await rig.worker.queue.reserve_transfer(claim, to_desk(mode=TransferMode.COLD))
    await rig.worker.queue.release_transfer(transfer.id)
    assert len(await rig.claim()) == 1


async def test_transfers_count_for_the_day_and_the_number_and_pass_the_rules_of_the_trunk(
    rig: DialRig,
) -> None:
    await rig.limit(calls_per_number_per_hour=1)
    await rig.dial()
    [claim] = await rig.claim()
    await rig.worker.queue.reserve_transfer(claim, to_desk(mode=TransferMode.COLD))
    for number, reason in (
        (DESK, DialRefusal.TOO_MANY_CALLS_TO_NUMBER),
        ("+18765550123", DialRefusal.REGION_NOT_ALLOWED),
        ("911", DialRefusal.EMERGENCY_NUMBER),
    ):
        with pytest.raises(DialRefused) as refused:
            await rig.worker.queue.reserve_transfer(claim, to_desk(number))
        assert refused.value.reason == reason
    other = replace(to_desk(), trunk="other")
    with pytest.raises(DialRefused) as refused:
        await rig.worker.queue.reserve_transfer(claim, other)
    assert refused.value.reason == DialRefusal.NO_TRUNK
    assert await rig.db.fetchval("select count(*) from transfer_leg") == 1


async def test_a_trunk_is_paused_after_refusals_in_a_row_and_resumed(rig: DialRig) -> None:
    async def dial_until_over(event: CallEvent, reason: EndReason) -> None:
        await rig.dial()
        [claim] = await rig.claim()
        rig.worker.event_writer.emit(claim, event)
        await rig.worker.event_writer.wait_until_stored(claim)
        assert await rig.worker.queue.end(claim, reason)

    refused = DialFailed(reason=EndReason.CARRIER_REFUSED, sip_status=403)
    for _ in range(4):
        await dial_until_over(refused, EndReason.CARRIER_REFUSED)
    # A busy line is no refusal of the carrier, and an answer shows that it takes calls.
    await dial_until_over(DialFailed(reason=EndReason.BUSY, sip_status=486), EndReason.BUSY)
    await dial_until_over(CallAnswered(), EndReason.HUNG_UP_BY_USER)
    for _ in range(5):
        await dial_until_over(refused, EndReason.CARRIER_REFUSED)
    with pytest.raises(DialRefused) as error:
        await rig.dial()
    assert error.value.reason == DialRefusal.TRUNK_PAUSED
    [paused] = await rig.worker.trunk_reports.newly_paused()
    assert (paused.id, paused.reason) == (rig.trunk.id, PauseReason.CARRIER_REFUSED)
    assert await rig.worker.trunk_reports.newly_paused() == []
    due = await rig.dial(scheduled_for=await rig.now() + timedelta(hours=1))
    await rig.wait(3_601)
    assert await rig.claim() == []
    await resume_outbound_trunk(rig.services, rig.viewer, rig.trunk.id)
    assert ids(await rig.claim()) == [due.id]


async def test_a_pause_ends_by_itself(rig: DialRig) -> None:
    await rig.dial()
    await rig.db.execute(
        "update trunk_usage set paused_until = now() - interval '1 second',"
        " pause_reason = 'CARRIER_REFUSED'"
    )
    await rig.dial()
    assert len(await rig.claim()) == 2


async def test_the_minutes_of_a_day_are_limited(rig: DialRig) -> None:
    await rig.limit(minutes_per_day=10)
    await rig.dial()
    [claim] = await rig.claim()
    for before, state in (
        (CallState.CONNECTING, CallState.DIALING),
        (CallState.DIALING, CallState.ACTIVE),
    ):
        rig.worker.event_writer.emit(claim, StateChanged(before=before, state=state))
    await rig.worker.event_writer.wait_until_stored(claim)
    waiting = await rig.dial()
    await rig.db.execute("update call_log set answered_at = now() - interval '9 minutes'")
    assert await rig.worker.trunk_reports.newly_near_limit() == []
    assert await rig.worker.queue.end(claim, EndReason.HUNG_UP_BY_USER)
    [near] = await rig.worker.trunk_reports.newly_near_limit()
    assert near.id == rig.trunk.id
    assert await rig.worker.trunk_reports.newly_near_limit() == []
    await rig.db.execute("update trunk_usage set talk_ms = 10 * 60000")
    with pytest.raises(DialRefused) as error:
        await rig.dial()
    assert error.value.reason == DialRefusal.TOO_MANY_MINUTES_PER_DAY
    assert await rig.claim() == []
    assert (await rig.stored(waiting.id)).end_reason is EndReason.TRUNK_LIMIT


async def test_the_minutes_of_transfers_count_for_the_day_of_their_trunk(rig: DialRig) -> None:
    await rig.limit(minutes_per_day=10)
    await rig.dial()
    [claim] = await rig.claim()

    async def transfer_for(minutes: int) -> TransferReservation:
        """A transfer whose phone was answered so long ago."""
        transfer = to_desk()
        await rig.worker.queue.reserve_transfer(claim, transfer)
        answered = TransferAdvanced(transfer_id=str(transfer.id), phase=TransferPhase.ANSWERED)
        rig.worker.event_writer.emit(claim, answered)
        await rig.worker.event_writer.wait_until_stored(claim)
        moved = await rig.db.execute(
            "update transfer_leg set answered_at = answered_at - make_interval(mins => $2)"
            " where id = $1 and answered_at is not null",
            *(transfer.id, minutes),
        )
        assert moved == "UPDATE 1"
        return transfer

    async def minutes_today() -> int:
        async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
            return int((await work.calls.trunk_usage([rig.trunk.id]))[rig.trunk.id].minutes)

    failed = await transfer_for(4)
    assert await minutes_today() == 4
    await rig.worker.queue.release_transfer(failed.id)
    assert await minutes_today() == 4
    await transfer_for(6)
    assert await minutes_today() == 10
    with pytest.raises(DialRefused) as refused:
        await rig.worker.queue.reserve_transfer(claim, to_desk())
    assert refused.value.reason == DialRefusal.TOO_MANY_MINUTES_PER_DAY
    await rig.db.execute("update call_log set answered_at = now()")
    assert await rig.worker.queue.end(claim, EndReason.TRANSFERRED)
    await rig.worker.queue.release_transfer(failed.id)
    assert await minutes_today() == 10
    assert await rig.db.fetchval("select talk_ms from trunk_usage") >= 10 * 60_000


WAITING_FOR_LOCK = """
    select 1 from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("over_by", ["release", "end"])
@pytest.mark.parametrize("first", ["refused", "answered"])
async def test_a_transfer_is_over_while_a_batch_of_events_is_stored(
    rig: DialRig, over_by: str, first: str
) -> None:
    await rig.dial()
    await rig.dial()
    failed, transferred = await rig.claim()
    transfer = to_desk()
    await rig.worker.queue.reserve_transfer(transferred, transfer)
    await rig.db.execute("update transfer_leg set answered_at = now() - interval '1 minute'")
    await rig.db.execute("update call_log set answered_at = now()")
    answered = TransferAdvanced(transfer_id=str(transfer.id), phase=TransferPhase.ANSWERED)
    batch: list[tuple[Claim, CallEvent]] = [
        (failed, DialFailed(reason=EndReason.CARRIER_REFUSED)),
        (transferred, answered),
    ]
    if first == "answered":
        batch.reverse()

    async def store(claim: Claim, event: CallEvent) -> None:
        call, body = claim.call, encode_event(event)
        await rig.db.execute(INSERT_EVENT, call.tenant_id, call.id, 99, event.kind, body)

    async with rig.db.transaction():
        await store(*batch[0])
        queue = rig.worker.queue
        over = asyncio.create_task(
            queue.release_transfer(transfer.id)
            if over_by == "release"
            else queue.end(transferred, EndReason.TRANSFERRED)
        )
        async with asyncio.timeout(30):
            while not await rig.db.fetch(WAITING_FOR_LOCK):  # noqa: ASYNC110 - in PostgreSQL
                await asyncio.sleep(0.02)
        await store(*batch[1])
    await over
    assert await rig.db.fetchval("select count(released_at) from transfer_leg") == 1


@pytest.mark.parametrize("trunks", [1, 2])
async def test_a_batch_of_events_holds_no_trunk_while_it_waits_for_a_call_that_ends(
    rig: DialRig, trunks: int
) -> None:
    """Otherwise the end of the call waits for the trunk, and each waits for the other."""
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    names: dict[UUID, str] = {rig.trunk.id: "carrier", other.id: "other"}
    await rig.dial(trunk_id=rig.trunk.id)
    await rig.dial(trunk_id=other.id if trunks == 2 else rig.trunk.id)
    # In the order in which they are locked.
    first, ending = sorted(await rig.claim(), key=lambda claim: claim.call.id)
    assert first.call.trunk_id is not None
    transfer = replace(to_desk(), trunk=names[first.call.trunk_id])
    await rig.worker.queue.reserve_transfer(ending, transfer)
    await rig.db.execute("update call_log set answered_at = now()")
    async with rig.db.transaction():
        await rig.db.execute("select from call_log where call_id = $1 for update", ending.call.id)
        refused = DialFailed(reason=EndReason.CARRIER_REFUSED)
        rig.worker.event_writer.emit(first, refused)
        rig.worker.event_writer.emit(ending, CallAnswered())
        async with asyncio.timeout(30):
            while not await rig.db.fetch(WAITING_FOR_LOCK):  # noqa: ASYNC110 - in PostgreSQL
                await asyncio.sleep(0.02)
        await rig.db.execute("set local lock_timeout = '100ms'")
        id, epoch = ending.call.id, ending.epoch
        ended = [id], [epoch], ["TRANSFERRED"], ["COMPLETED"], ["AGENT"]
        assert len(await rig.db.fetch(END_CALLS, *ended)) == 1
    await rig.worker.event_writer.wait_until_stored(first)
    assert not rig.worker.event_writer.is_fenced(first)
    async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
        assert (await work.calls.events(first.call.id, 0, 10))[-1].event == refused
    assert (await rig.stored(id)).end_reason is EndReason.TRANSFERRED


async def test_a_batch_of_events_waits_only_for_trunks_whose_usage_it_changes(rig: DialRig) -> None:
    """A claim skips a trunk that is locked, so answers and busy lines must lock none."""
    other = await add_trunk(rig.services, rig.viewer, name="other", number="+12025550103")
    over_trunk = [(await rig.dial(trunk_id=rig.trunk.id)).id for _ in range(2)]
    over_other = (await rig.dial(trunk_id=other.id)).id
    reasons = dict(zip(over_trunk, (EndReason.BUSY, EndReason.NO_ANSWER), strict=True))
    reasons[over_other] = EndReason.CARRIER_REFUSED
    claims = await rig.claim()
    async with rig.db.transaction():
        lock = "select from trunk_usage where trunk_id = $1 for update"
        await rig.db.execute(lock, rig.trunk.id)
        for claim in claims:
            rig.worker.event_writer.emit(claim, CallAnswered())
            rig.worker.event_writer.emit(claim, DialFailed(reason=reasons[claim.call.id]))
        async with asyncio.timeout(30):
            for claim in claims:
                await rig.worker.event_writer.wait_until_stored(claim)
    refused = "select trunk_id from trunk_usage where refusals > 0"
    assert [row["trunk_id"] for row in await rig.db.fetch(refused)] == [other.id]


@pytest.mark.parametrize(("days_ago", "minutes_today"), [(0, 30), (1, 0)])
async def test_a_keeper_releases_transfers_of_calls_that_have_ended(
    rig: DialRig, days_ago: int, minutes_today: int
) -> None:
    await rig.dial()
    await rig.dial()
    live, ended = await rig.claim()
    for claim in (live, ended):
        await rig.worker.queue.reserve_transfer(claim, to_desk())
    assert await rig.worker.queue.end(ended, EndReason.HUNG_UP_BY_USER)
    # The call was not answered, as if a release that does not release transfers had ended it.
    unreleased = "select array_agg(call_id) from transfer_leg where released_at is null"
    assert len(await rig.db.fetchval(unreleased)) == 2
    await rig.db.execute(
        "update call_log set ended_at = ended_at - make_interval(days => $1)", days_ago
    )
    await rig.db.execute(
        "update transfer_leg f set answered_at = l.ended_at - interval '30 minutes'"
        " from call_log l where l.call_id = f.call_id"
    )
    assert [await rig.worker.reaper.release_transfers() for _ in range(2)] == [1, 0]
    assert await rig.db.fetchval(unreleased) == [live.call.id]
    assert await rig.db.fetchval("select talk_ms from trunk_usage") == minutes_today * 60_000


async def test_the_first_call_to_another_country_is_in_the_log(rig: DialRig) -> None:
    other = await add_trunk(
        rig.services,
        rig.viewer,
        name="other",
        number="+12025550103",
        allowed_prefixes=("+1876",),
    )
    events = []
    for number in (ABROAD, ABROAD, CALLEE_NUMBER):
        call = await rig.dial(number=number, trunk_id=other.id)
        async with rig.services.store.transaction(rig.viewer.tenant_id) as work:
            stored = await work.calls.events(call.id, 0, 10)
        events.append([each.event for each in stored if isinstance(each.event, NewDestination)])
    assert events == [[NewDestination(region="JM")], [], []]
    assert len(await rig.claim()) == 3
