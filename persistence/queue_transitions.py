"""The transitions of calls in the queue that workers and keepers share: a call is released, or ends.

Every change of a call is fenced by its epoch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.model import END_OUTCOMES, CallId, EndReason
from domain.common.errors import Unavailable
from persistence import notifications
from persistence.codec import encode_message
from persistence.database import short_transaction
from persistence.db_errors import translate_outages
from persistence.pubsub import Channels

log = logging.getLogger(__name__)

MAX_ENDED_TOGETHER = 50
"""How many calls may end in one transaction, which must end within two seconds on a slow server."""
MAX_FAILURES = 3
"""After so many failures, and no call that has ended, the database counts as unavailable."""

# The number of consecutive failed takeovers: each holder died before it wrote to the log.
# `producer_seq` counts the events that the last holder has written.
FAILED_TAKEOVERS = "case when l.producer_seq > 0 then 0 else l.takeovers end"
# When a call may be claimed: at once, or at the time for which it was scheduled.
DUE_AT = "coalesce(l.due_at, l.created_at)"
IS_DUE = f"{DUE_AT} <= statement_timestamp()"
# A keeper ends the calls of other tenants. A scalar subquery, so that PostgreSQL checks row by row and does
# not join the whole queue with the tenants.
IS_TENANT_ACTIVE = """
           (select t.suspended_at is null and t.delete_at is null
              from tenant t where t.id = {row}.tenant_id)"""
# Rows are locked in the same order as by appends, which prevents deadlocks.
RELEASE_CALLS = """
    with lost as (
        select call_id from call_log l where {condition} and l.ended_at is null
         order by call_id for update)
    update call_log l set worker_id = null, epoch = l.epoch + 1,
           deadline_at = now() + make_interval(secs => $1)
      from lost where l.call_id = lost.call_id
    returning l.call_id
"""
RELEASE_ORPHANS = RELEASE_CALLS.format(
    condition="l.worker_id is not null and not exists "
    "(select from worker_process p where p.id = l.worker_id)"
)
END_REQUESTED = """exists (
           select from call_command c
            where c.call_id = l.call_id and c.done_at is null and c.kind = 'END'{more})"""
END_REASON = f"""
           case when l.state = 'ENDING' then 'ENDED_BY_AGENT'
                when l.trunk_id is not null and l.answered_at is null then 'CANCELED'
                when {END_REQUESTED.format(more=" and c.body ->> 'by_caller' = 'true'")}
                then 'HUNG_UP_BY_USER' else 'ENDED_BY_API' end"""
"""Why a call ends whose end was requested; `Command.end_reason_for` says the same."""

END_CALLS = """
    select ended.tenant_id, listed.call_id, ended.seq, ended.at, ended.body::text
      from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[])
           as listed (call_id, epoch, reason, state, blame)
     cross join lateral end_call(call_id, epoch, false, reason, state, blame) ended
"""
# All are locked before the first one ends: a transaction that ends one of them holds its lock, and may wait
# for the row of the tenant's month. In the order of tenants, because that row is locked until the commit.
LOCK_UNANSWERED = """
    select l.call_id from unnest($1::uuid[], $2::int[]) as listed (call_id, epoch)
      join call_log l using (call_id, epoch)
     where l.ended_at is null and l.answered_at is null
     order by l.tenant_id, l.call_id for update of l skip locked
"""


async def release_orphans(
    pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], resume_seconds: float
) -> int:
    """Release every call whose worker is not registered; return how many. A worker may claim a call
    while it is being deregistered, so its known calls alone are not enough."""
    released = await pool.fetch(RELEASE_ORPHANS, resume_seconds)
    if released:
        await channels.publish_many([notifications.call_waiting()])
    return len(released)


async def end_calls(
    pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], rows: Sequence[asyncpg.Record]
) -> list[tuple[UUID, EndReason]]:
    """End calls that are still at the epoch of their row, and return those that have ended. The reason is
    that of the first row of a call."""
    first: dict[CallId, asyncpg.Record] = {}
    for row in rows:
        first.setdefault(CallId(row["call_id"]), row)
    listed, ended = list(first.values()), set[CallId]()
    for start in range(0, len(listed), MAX_ENDED_TOGETHER):
        ended |= await _end_some(pool, channels, listed[start : start + MAX_ENDED_TOGETHER])
    return [(id, EndReason(row["reason"])) for id, row in first.items() if id in ended]


async def _end_some(
    pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], rows: Sequence[asyncpg.Record]
) -> set[CallId]:
    """End the calls together if possible, and the others one by one, so that some end in any case. Raises
    the error of a call only if none has ended, as in an outage."""
    ended: set[CallId] = set()
    failures: list[Unavailable] = []
    if len(rows) > 1:
        try:
            ended = await _end_unanswered(pool, channels, rows)
        except Unavailable:
            log.warning("could not end calls together", extra={"calls": len(rows)})
    for row in rows:
        id, reason = CallId(row["call_id"]), EndReason(row["reason"])
        try:
            # A call that was claimed in the meantime has another epoch and is no longer overdue.
            if id not in ended and await end_call(pool, channels, id, row["epoch"], reason):
                ended.add(id)
        except Unavailable as error:
            failures.append(error)
            log.warning("could not end a call", extra={"call_id": str(id)})
            if len(failures) == MAX_FAILURES and not ended:
                break
    if failures and not ended:
        raise failures[0]
    return ended


@translate_outages
async def _end_unanswered(
    pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], rows: Sequence[asyncpg.Record]
) -> set[CallId]:
    """End those of the calls that were not answered, and that nothing else changes, in one transaction:
    thousands may have waited for the same trunk."""
    epochs = {row["call_id"]: row["epoch"] for row in rows}
    reasons = {row["call_id"]: EndReason(row["reason"]) for row in rows}
    async with pool.acquire(timeout=5) as connection, short_transaction(connection):
        locked = await connection.fetch(LOCK_UNANSWERED, list(epochs), list(epochs.values()))
        ids = [row["call_id"] for row in locked]
        outcomes = [END_OUTCOMES[reasons[id]] for id in ids]
        written = await connection.fetch(
            END_CALLS,
            ids,
            [epochs[id] for id in ids],
            [reasons[id] for id in ids],
            [state for state, _ in outcomes],
            [blame for _, blame in outcomes],
        )
    await channels.publish_many(_messages(written))
    return {CallId(row["call_id"]) for row in written}


def _messages(written: Sequence[asyncpg.Record]) -> list[notifications.Notification]:
    """The events of calls that have ended, and that these calls have changed."""
    events = [
        (
            notifications.call_channel(row["tenant_id"], row["call_id"]),
            encode_message(row["call_id"], row["seq"], row["at"], row["body"]),
        )
        for row in written
    ]
    changed = {(row["tenant_id"], row["call_id"]): None for row in written}
    return [*events, *(notifications.call_changed(tenant, id) for tenant, id in changed)]


@translate_outages
async def end_call(
    pool: asyncpg.Pool[asyncpg.Record],
    channels: Channels[Any],
    id: CallId,
    epoch: int | None,
    reason: EndReason,
) -> bool:
    state, blame = END_OUTCOMES[reason]
    written = await pool.fetch(END_CALLS, [id], [epoch], [reason], [state], [blame])
    await channels.publish_many(_messages(written))
    return bool(written)
