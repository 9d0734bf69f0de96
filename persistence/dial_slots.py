"""How many calls are dialled over a trunk: at once, per day, per number and per second.

A call occupies its trunk from the claim by the first worker until its end, and the leg of a warm
transfer until it is released. A call for which the trunk
has no room stays in the queue. All limits are counted in the database, under a lock on the row of the
trunk, so they hold for all workers together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from uuid import UUID

from domain.telephony.dial_policy import DialUsage, check_limits
from domain.telephony.trunk_usage import MS_PER_MINUTE, PauseReason, TrunkPause, TrunkUsage
from domain.telephony.trunks import DialLimits
from persistence.queue_transitions import DUE_AT, IS_DUE, IS_TENANT_ACTIVE

MAX_BACKLOG_SECONDS = 2
"""Calls are claimed in advance only as far as the trunk may dial them within this time."""
MAX_REFUSED = 500
"""How many waiting calls of a trunk are checked at once when one was refused."""

# A call that waits to be dialled, which occupies its trunk from its claim on. Index `ix_call_log_to_dial`.
IS_TO_DIAL = """l.ended_at is null and l.worker_id is null
               and l.trunk_id is not null and l.dial_claimed_at is null"""
# A call that occupies its trunk and is not dialled yet.
IS_UNDIALED = "l.state in ('PENDING', 'CONNECTING')"
CREATE_TRUNK_USAGE = """
    insert into trunk_usage (trunk_id, tenant_id, day)
    values ($1, $2, (now() at time zone 'UTC')::date) on conflict do nothing
"""
# Only the first call to a country returns a row. Calls within the country of the trunk are usual.
NOTE_DESTINATION = """
    insert into dialed_region (tenant_id, region)
    select $1::uuid, $2::text
     where $2::text <> coalesce((
           select t.spec ->> 'region' from outbound_trunk t where t.id = $3), '')
    on conflict do nothing returning region
"""
COUNT_CALLS_TODAY = """
    select case when day = (now() at time zone 'UTC')::date then calls else 0 end
      from trunk_usage where trunk_id = $1
"""
# Skipped when it is locked, so that workers which claim for the same trunks never wait for each other.
LOCK_TRUNK_USAGE = f"{COUNT_CALLS_TODAY} for update skip locked"
WAIT_FOR_TRUNK_USAGE = f"{COUNT_CALLS_TODAY} for update"
# A scalar subquery, so that PostgreSQL reads the calls of these few legs rather than all that have not ended.
OCCUPYING_TRANSFERS = """
    select f.trunk_id, 1 as active, 0 as undialed
      from transfer_leg f
     where f.released_at is null
       and (select h.ended_at is null from call_log h where h.call_id = f.call_id)"""
# Statements of their own, which see what the holder of the lock before has committed.
COUNT_ACTIVE_CALLS = f"""
    select count(*) + (select count(*) from ({OCCUPYING_TRANSFERS}) o where o.trunk_id = $1) as active,
           count(*) filter (where {IS_UNDIALED}) as undialed
      from call_log l
     where trunk_id = $1 and ended_at is null and dial_claimed_at is not null
"""
# Reads only the calls of the hour. Index `ix_call_log_dialed`.
CALLS_TO_NUMBER = """
           (select count(*) from call_log l
             where l.trunk_id = {trunk} and l.dialed_number = {number}
               and l.dial_claimed_at > now() - interval '1 hour')
         + (select count(*) from transfer_leg f
             where f.tenant_id = {tenant} and f.number = {number} and f.trunk_id = {trunk}
               and f.claimed_at > now() - interval '1 hour')"""
COUNT_CALLS_TO_NUMBER = f"select {CALLS_TO_NUMBER.format(tenant='$1', number='$2', trunk='$3')}"
# Until the end of the transaction, so that each call is counted before the next one is scheduled.
LOCK_SCHEDULED_CALLS = """
    select pg_advisory_xact_lock(hashtextextended('scheduled calls ' || $1::uuid::text, 0))
"""
COUNT_SCHEDULED_CALLS = """
    select count(*) from (
        select from call_log
         where tenant_id = $1 and ended_at is null and due_at > now()
         limit $2) scheduled
"""
# Of the conversations in progress: of calls, and of the legs of their transfers.
CURRENT_TALK_MS = """
           coalesce((
               select sum(greatest(extract(epoch from now() - talk.answered_at), 0) * 1000)
                 from (select l.answered_at from call_log l
                        where l.trunk_id = {trunk} and l.ended_at is null
                          and l.dial_claimed_at is not null
                       union all
                       select f.answered_at from transfer_leg f
                        where f.trunk_id = {trunk} and f.released_at is null) talk), 0)::bigint"""
# Of conversations that have ended today, and of those in progress.
SELECT_TALK_MS = f"""
    select coalesce((
               select talk_ms from trunk_usage
                where trunk_id = $1 and day = (now() at time zone 'UTC')::date), 0)
         + {CURRENT_TALK_MS.format(trunk="$1")}
"""
SELECT_PAUSE = """
    select paused_until from trunk_usage where trunk_id = $1 and paused_until > now()
"""
SELECT_USAGE_OF_TRUNKS = f"""
    select u.trunk_id,
           case when u.day = (now() at time zone 'UTC')::date then u.calls else 0 end as calls,
           case when u.day = (now() at time zone 'UTC')::date then u.talk_ms else 0 end
           + {CURRENT_TALK_MS.format(trunk="u.trunk_id")}
           as talk_ms,
           case when u.paused_until > now() then u.paused_until end as paused_until,
           u.pause_reason
      from trunk_usage u where u.trunk_id = any($1::uuid[]) and u.tenant_id = $2
"""
RESUME_TRUNK = """
    update trunk_usage set paused_until = null, pause_reason = null, refusals = 0,
           refused_since = null
     where trunk_id = $1 and tenant_id = $2
"""
COUNT_CALL = """
    update trunk_usage
       set calls = case when day = (now() at time zone 'UTC')::date then calls + 1 else 1 end,
           talk_ms = case when day = (now() at time zone 'UTC')::date then talk_ms else 0 end,
           day = (now() at time zone 'UTC')::date
     where trunk_id = $1
"""
COUNT_TRANSFER = """
    insert into transfer_leg (id, tenant_id, call_id, trunk_id, number, released_at)
    values ($1, $2, $3, $4, $5, case when $6 then null else now() end)
"""
IS_TRANSFER_COUNTED = "select exists (select from transfer_leg where id = $1)"
RELEASE_TRANSFER = "select release_transfer($1)"
OCCUPY_TRUNK = "update call_log set dial_claimed_at = now() where call_id = $1"
RESERVE_DIAL = """
    update trunk_usage
       set next_dial_at = greatest(next_dial_at, clock_timestamp())
                          + make_interval(secs => 1 / $2::float8)
     where trunk_id = $1
    returning greatest(extract(epoch from
        next_dial_at - make_interval(secs => 1 / $2::float8) - clock_timestamp()), 0)::float8
"""
# Most trunks have no call in progress, so the calls in progress are counted rather than the trunks.
BUSY_TRUNKS = f"""
    select held.trunk_id, sum(held.active) as active, sum(held.undialed) as undialed
      from (select l.trunk_id, 1 as active, case when {IS_UNDIALED} then 1 else 0 end as undialed
              from call_log l
             where l.ended_at is null and l.dial_claimed_at is not null
            union all {OCCUPYING_TRANSFERS}) held
     group by held.trunk_id"""
# For how many more calls the trunk `t` has room.
ROOM = f"""
           least(coalesce((t.spec -> 'limits' ->> 'concurrent_calls')::int, 1)
                 - coalesce(busy.active, 0),
                 coalesce((t.spec -> 'limits' ->> 'calls_per_second')::int, 1)
                 * {MAX_BACKLOG_SECONDS} + 1 - coalesce(busy.undialed, 0))"""
# The trunks that have no room for another call, and those that are paused.
FULL_TRUNKS = f"""
    select paused.trunk_id from trunk_usage paused where paused.paused_until > now()
    union all
    select busy.trunk_id from ({BUSY_TRUNKS}) busy join outbound_trunk t on t.id = busy.trunk_id
     where {ROOM} <= 0
"""
# The trunks that have room for a call that is due, in the order in which their oldest call is due. Tens of
# thousands may wait for a trunk, so the recursion reads only the oldest call of each. The room is null for a
# trunk that was deleted: it does not limit its calls, which workers end.
TRUNKS_TO_DIAL = f"""
    with recursive head as (
        select '00000000-0000-0000-0000-000000000000'::uuid as trunk_id, null::uuid as tenant_id,
               null::timestamptz as due_at
        union all
        select next.trunk_id, next.tenant_id, next.due_at
          from head cross join lateral (
               select l.trunk_id, l.tenant_id, {DUE_AT} as due_at from call_log l
                where {IS_TO_DIAL} and l.trunk_id > head.trunk_id
                order by l.trunk_id, {DUE_AT} limit 1) next)
    select head.trunk_id, case when t.id is not null then {ROOM} end as room
      from head left join outbound_trunk t on t.id = head.trunk_id
      left join ({BUSY_TRUNKS}) busy on busy.trunk_id = t.id
     where head.due_at <= statement_timestamp() and {IS_TENANT_ACTIVE.format(row="head")}
       and (t.id is null or {ROOM} > 0)
       and not exists (select from trunk_usage paused
                        where paused.trunk_id = head.trunk_id and paused.paused_until > now())
     order by head.due_at"""
# Each number is counted once, because many calls may be to the same: if the CTE were inlined, PostgreSQL
# might count again for each call. Nothing is counted if the day is exhausted.
SELECT_REFUSED = f"""
    with due as materialized (
        select l.call_id, l.epoch, l.tenant_id, l.dialed_number from call_log l
         where {IS_TO_DIAL} and l.trunk_id = $1 and {IS_DUE}
         order by {DUE_AT} limit $4),
    dialed as materialized (
        select n.tenant_id, n.dialed_number,
               {CALLS_TO_NUMBER.format(tenant="n.tenant_id", number="n.dialed_number", trunk="$1")}
               as calls
          from (select distinct tenant_id, dialed_number from due where not $2) n)
    select due.call_id, due.epoch, 'TRUNK_LIMIT' as reason
      from due left join dialed using (tenant_id, dialed_number)
     where $2 or dialed.calls >= $3
"""


@dataclass(frozen=True, slots=True)
class CountedTransfer:
    """What the limits of a transfer are counted by. A cold one occupies no trunk, because the carrier
    dials."""

    id: UUID
    tenant_id: UUID
    call_id: UUID
    trunk_id: UUID
    number: str
    occupies_trunk: bool


def usage_of_row(row: Any) -> TrunkUsage:
    until = row["paused_until"]
    pause = (
        None if until is None else TrunkPause(reason=PauseReason(row["pause_reason"]), until=until)
    )
    return TrunkUsage(calls=row["calls"], talk_ms=row["talk_ms"], pause=pause)


class Slot(Enum):
    """Whether a call may be dialled over its trunk."""

    TAKEN = auto()
    BUSY = auto()
    """Not now; it will be possible when another call ends, or in a moment."""
    REFUSED = auto()
    """A limit per day or per hour is reached."""


@dataclass(frozen=True, slots=True)
class DialedCall:
    """What a limit is counted by."""

    id: UUID
    tenant_id: UUID
    trunk_id: UUID
    phone_number: str


async def take_slot(connection: Any, call: DialedCall, limits: DialLimits) -> Slot:
    """Let the call occupy its trunk if the limits allow it, until the call ends. Must run in the
    transaction that claims the call."""
    calls_today = await connection.fetchval(LOCK_TRUNK_USAGE, call.trunk_id)
    if calls_today is None:
        return Slot.BUSY
    calls = await connection.fetchrow(COUNT_ACTIVE_CALLS, call.trunk_id)
    max_undialed = limits.calls_per_second * MAX_BACKLOG_SECONDS
    if calls["active"] >= limits.concurrent_calls or calls["undialed"] > max_undialed:
        return Slot.BUSY
    to_number = await connection.fetchval(
        COUNT_CALLS_TO_NUMBER, call.tenant_id, call.phone_number, call.trunk_id
    )
    if to_number >= limits.calls_per_number_per_hour:
        return Slot.REFUSED
    if await _is_day_exhausted(connection, call.trunk_id, calls_today, limits):
        return Slot.REFUSED
    await connection.execute(COUNT_CALL, call.trunk_id)
    await connection.execute(OCCUPY_TRUNK, call.id)
    return Slot.TAKEN


async def _is_day_exhausted(
    connection: Any, trunk: UUID, calls_today: int, limits: DialLimits
) -> bool:
    if calls_today >= limits.calls_per_day:
        return True
    if limits.minutes_per_day is None:
        return False
    talk_ms: int = await connection.fetchval(SELECT_TALK_MS, trunk)
    return talk_ms >= limits.minutes_per_day * MS_PER_MINUTE


async def fetch_refused(
    connection: Any, trunk: UUID, limits: DialLimits, max_calls: int = MAX_REFUSED
) -> list[Any]:
    """The oldest calls that are due, as far as a limit per day or per hour refuses them."""
    calls_today = await connection.fetchval(COUNT_CALLS_TODAY, trunk) or 0
    is_day_exhausted = await _is_day_exhausted(connection, trunk, calls_today, limits)
    per_number = limits.calls_per_number_per_hour
    rows: list[Any] = await connection.fetch(
        SELECT_REFUSED, trunk, is_day_exhausted, per_number, max_calls
    )
    return rows


async def count_transfer(connection: Any, transfer: CountedTransfer, limits: DialLimits) -> None:
    """Count the transfer, once. Raises `DialRefused` when a limit is reached."""
    await connection.execute(CREATE_TRUNK_USAGE, transfer.trunk_id, transfer.tenant_id)
    calls_today = await connection.fetchval(WAIT_FOR_TRUNK_USAGE, transfer.trunk_id)
    if await connection.fetchval(IS_TRANSFER_COUNTED, transfer.id):
        return
    active = 0
    if transfer.occupies_trunk:
        active = (await connection.fetchrow(COUNT_ACTIVE_CALLS, transfer.trunk_id))["active"]
    to_number = await connection.fetchval(
        COUNT_CALLS_TO_NUMBER, transfer.tenant_id, transfer.number, transfer.trunk_id
    )
    usage = DialUsage(
        active_calls=active,
        calls_today=calls_today,
        calls_to_number_in_last_hour=to_number,
        minutes_today=await connection.fetchval(SELECT_TALK_MS, transfer.trunk_id) / MS_PER_MINUTE,
        paused_until=await connection.fetchval(SELECT_PAUSE, transfer.trunk_id),
    )
    check_limits(limits, usage, ("number",))
    await connection.execute(COUNT_CALL, transfer.trunk_id)
    await connection.execute(
        COUNT_TRANSFER,
        transfer.id,
        transfer.tenant_id,
        transfer.call_id,
        transfer.trunk_id,
        transfer.number,
        transfer.occupies_trunk,
    )
