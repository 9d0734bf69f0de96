"""How a keeper reaps dead workers and ends calls that are overdue.

All limits are compared with the database's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.model import CallId, EndReason
from domain.calls.rooms import call_of_room
from persistence.database import in_batches
from persistence.db_errors import translate_outages
from persistence.dial_slots import FULL_TRUNKS
from persistence.pubsub import Channels
from persistence.queue_transitions import (
    DUE_AT,
    END_REASON,
    FAILED_TAKEOVERS,
    end_calls,
    release_orphans,
)

END_TIMEOUT_SECONDS = 10.0
"""How long a worker may take to apply an END command before the call is ended without it."""

LOST_LOBBY_SECONDS = 15.0
"""How long callers on hold wait for another lobby when theirs was lost."""
HOLD_END_SECONDS = 30.0
"""How much longer than a caller may be on hold the lobby may take to say goodbye."""
TRANSFER_BATCH_SIZE = 100

# A single statement, so that a worker whose heartbeat arrives in the meantime stays registered.
REAP_DEAD_WORKERS = "delete from worker_process where heartbeat_at < $1"
SELECT_END_REQUESTED = f"""
    select l.call_id, l.epoch, {END_REASON} as reason
      from call_command c join call_log l using (call_id)
     where c.done_at is null and c.kind = 'END' and l.ended_at is null
       and (l.worker_id is null or c.asked_at < now() - make_interval(secs => $1))
     limit 500
"""
# While all workers are busy, the phone of a caller rings for as long as their number says.
RINGING_SECONDS = """coalesce((
                       select c.ringing_seconds from call c
                        where c.id = l.call_id and c.direction = 'INBOUND'), 0)"""
# A caller on hold waits for longer, as long as a lobby plays to them.
IS_HELD = f"""exists (
                   select from held_call h join call c on c.id = h.call_id
                    where h.call_id = l.call_id
                      and h.renewed_at > $2::timestamptz - make_interval(
                          secs => {LOST_LOBBY_SECONDS})
                      and h.held_at > $2::timestamptz - make_interval(
                          secs => c.hold_seconds + {HOLD_END_SECONDS}))"""
# A call that is to be dialled waits for its trunk as long as there are workers. The conditions are
# checked in this order, so that nothing is read about the many calls that are due in the future.
SELECT_OVERDUE = f"""
    select l.call_id, l.epoch,
           case when l.state = 'PENDING' and l.trunk_id in ({FULL_TRUNKS}) then 'TRUNK_LIMIT'
                when l.state = 'PENDING' then 'NO_WORKER'
                when l.state = 'ENDING' then 'ENDED_BY_AGENT'
                when l.worker_id is null then 'WORKER_LOST'
                when l.answered_at is not null then 'MAX_DURATION'
                else 'INTERNAL' end as reason
      from call_log l
     where l.ended_at is null and (
           l.deadline_at < $2
           or (l.state = 'PENDING' and l.worker_id is null
               and {DUE_AT} < $2::timestamptz - make_interval(secs => $1)
               and {DUE_AT} < $2::timestamptz - make_interval(secs => {RINGING_SECONDS})
               and not {IS_HELD}
               and (l.trunk_id is null
                    or {DUE_AT} < $2::timestamptz - make_interval(secs => $1 + $4)
                    or not exists (select from worker_process)))
           or (l.worker_id is null and $3 > 0 and {FAILED_TAKEOVERS} >= $3))
     limit 500
"""
# The end of a call releases its transfers. These were begun when it had ended already, or by a release whose
# calls ended without releasing them. In the order in which rows of trunks are locked.
RELEASE_TRANSFERS = """
    select release_transfer(f.id)
      from (select f.id from transfer_leg f join call_log l on l.call_id = f.call_id
             where f.released_at is null and l.ended_at is not null
             order by f.trunk_id limit $1) f
"""
SELECT_ROOMS_OF_ENDED = """
    select r.room, l.call_id
      from unnest($1::text[], $2::uuid[]) as r (room, call_id)
      join call_log l
        on l.call_id = coalesce((select c.id from call c where c.room_name = r.room), r.call_id)
     where l.ended_at is not null
"""


class SqlReaper:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        *,
        resume_seconds: float,
        max_takeovers: int,
        dial_queue_seconds: float,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._resume_seconds = resume_seconds
        self._max_takeovers = max_takeovers
        self._dial_queue_seconds = dial_queue_seconds

    @translate_outages
    async def database_time(self) -> datetime:
        now: datetime = await self._pool.fetchval("select now()")
        return now

    @translate_outages
    async def reap_dead_workers(self, silent_since: datetime) -> int:
        await self._pool.execute(REAP_DEAD_WORKERS, silent_since)
        return await release_orphans(self._pool, self._channels, self._resume_seconds)

    @translate_outages
    async def end_overdue(
        self, claim_seconds: float, as_of: datetime
    ) -> list[tuple[UUID, EndReason]]:
        end_requested = await self._pool.fetch(SELECT_END_REQUESTED, END_TIMEOUT_SECONDS)
        overdue = await self._pool.fetch(
            SELECT_OVERDUE, claim_seconds, as_of, self._max_takeovers, self._dial_queue_seconds
        )
        return await end_calls(self._pool, self._channels, [*end_requested, *overdue])

    @translate_outages
    async def release_transfers(self) -> int:
        return await in_batches(self._pool, RELEASE_TRANSFERS, size=TRANSFER_BATCH_SIZE)

    @translate_outages
    async def rooms_of_ended_calls(self, rooms: Sequence[str]) -> Mapping[str, CallId]:
        if not rooms:
            return {}
        names = list(map(call_of_room, rooms))
        rows = await self._pool.fetch(SELECT_ROOMS_OF_ENDED, list(rooms), names)
        return {row["room"]: CallId(row["call_id"]) for row in rows}
