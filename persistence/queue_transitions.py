"""The transitions of calls in the queue that workers and keepers share: a call is released, or ends.

Every change of a call is fenced by its epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.model import END_OUTCOMES, CallId, EndReason
from persistence import notifications
from persistence.codec import encode_message
from persistence.pubsub import Channels

# The number of consecutive failed takeovers: each holder died before it wrote to the log.
# `producer_seq` counts the events that the last holder has written.
FAILED_TAKEOVERS = "case when l.producer_seq > 0 then 0 else l.takeovers end"
# When a call may be claimed: at once, or at the time for which it was scheduled.
DUE_AT = "coalesce(l.due_at, l.created_at)"
IS_DUE = f"{DUE_AT} <= statement_timestamp()"
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

END_CALL = "select tenant_id, seq, at, body::text from end_call($1, $2, false, $3, $4, $5)"


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
    ended: list[tuple[UUID, EndReason]] = []
    for row in rows:
        id, reason = CallId(row["call_id"]), EndReason(row["reason"])
        # A call that was claimed in the meantime has another epoch and is no longer overdue.
        if await end_call(pool, channels, id, row["epoch"], reason):
            ended.append((id, reason))
    return ended


async def end_call(
    pool: asyncpg.Pool[asyncpg.Record],
    channels: Channels[Any],
    id: CallId,
    epoch: int | None,
    reason: EndReason,
) -> bool:
    state, blame = END_OUTCOMES[reason]
    written = await pool.fetch(END_CALL, id, epoch, reason, state, blame)
    if not written:
        return False
    tenant = written[0]["tenant_id"]
    channel = notifications.call_channel(tenant, id)
    messages = [(channel, encode_message(id, e["seq"], e["at"], e["body"])) for e in written]
    await channels.publish_many([*messages, notifications.call_changed(tenant, id)])
    return True
