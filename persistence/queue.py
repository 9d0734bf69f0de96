"""The call table as the queue that workers claim from.

Whoever holds a call does so under an epoch. Claiming, losing and ending each raise it, so a
worker that was taken for dead can write nothing more. Locks are always taken on `call_log`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from domain.access import TenantId
from domain.calls import (
    OUTCOME,
    Call,
    CallId,
    CallKind,
    CallState,
    Direction,
    EndReason,
    advance,
)
from domain.commands import Command, CommandId, CommandKind
from domain.credentials import Opened
from domain.errors import VaultLocked
from domain.events import CallEvent, Recorded, StateChanged, WorkerReplaced
from domain.ports import Claim
from domain.workflows import Version, VersionId, WorkflowId
from persistence import hints
from persistence.channels import Channels
from persistence.codec import announce, encode, recorded
from persistence.outages import told_as_unavailable
from persistence.settings import settings_from
from persistence.vault import Vault
from persistence.versions import snapshot_of

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
CONNECT_SECONDS = 15

PICK = """
    select l.call_id, l.tenant_id, l.state, l.epoch from call_log l
     where l.ended_at is null and l.worker_id is null
     order by l.created_at limit $1 for update skip locked
"""
TAKE = """
    update call_log l set worker_id = $2, epoch = l.epoch + 1, head = l.head + 1, producer_seq = 0,
           state = coalesce($3, l.state),
           deadline_at = case when $3 is null then coalesce(
               l.answered_at + make_interval(secs => (
                   select c.max_seconds + 10 from call c where c.id = l.call_id)),
               now() + make_interval(secs => $4)) else now() + make_interval(secs => $4) end
     where l.call_id = $1 returning l.epoch, l.head
"""
RECORD = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    values ($1, $2, $3, clock_timestamp(), $4, $5) returning at
"""
FACTS = """
    select c.*, l.state, l.active_node, l.answered_at, l.ended_at, l.end_reason,
           (select spec from tenant_settings s where s.tenant_id = c.tenant_id) as settings,
           v.id as v_id, v.number, v.checksum, v.note, v.published_at, v.published_by, v.snapshot
      from call c join call_log l on l.call_id = c.id
      join workflow_version v on v.id = c.version_id
     where c.id = $1
"""
SEALED = """
    select k.tenant_id, k.key_id, k.wrapped, c.id, c.kind, c.name, c.sealed
      from data_key k join credential c using (tenant_id) where k.tenant_id = $1
"""
INBOX = """
    select c.id, c.call_id, c.kind, c.body, c.asked_by
      from call_log l cross join lateral (
           select * from call_command c where c.call_id = l.call_id and c.done_at is null
            order by c.kind <> 'END', c.place limit 20) c
     where l.worker_id = $1 and l.ended_at is null order by c.place
"""
IS_ENLISTED = "select 1 from worker_process where id = $1 for key share"
END = "select tenant_id, seq, at, body::text from end_call($1, $2, false, $3, $4, $5)"
RELEASE = """
    update call_log set worker_id = null, epoch = epoch + 1,
           deadline_at = now() + make_interval(secs => $3)
     where call_id = $1 and epoch = $2 and ended_at is null
"""
BURY = "delete from worker_process where id = any($1)"
# Locked in the order in which appends lock, so that the two never wait in a circle.
FREE = """
    with lost as (
        select call_id from call_log l where {condition} and l.ended_at is null
         order by call_id for update)
    update call_log l set worker_id = null, epoch = l.epoch + 1,
           deadline_at = now() + make_interval(secs => $1)
      from lost where l.call_id = lost.call_id
    returning l.call_id
"""
FREE_ORPHANS = FREE.format(
    condition="l.worker_id is not null and not exists "
    "(select from worker_process p where p.id = l.worker_id)"
)
FREE_OTHERS = FREE.format(condition="l.worker_id = $2 and l.call_id <> all($3)")
SILENT = """
    select id from worker_process where heartbeat_at < now() - make_interval(secs => $1)
"""
OVERDUE = """
    select l.call_id, l.epoch,
           case when l.state = 'PENDING' then 'NO_WORKER'
                when l.state = 'ENDING' then 'ENDED_BY_AGENT'
                when l.worker_id is null then 'WORKER_LOST'
                when l.answered_at is not null then 'MAX_DURATION'
                else 'INTERNAL' end as reason
      from call_log l
     where l.ended_at is null and (
           l.deadline_at < now()
           or (l.state = 'PENDING' and l.worker_id is null
               and l.created_at < now() - make_interval(secs => $1)))
     limit 500
"""

FORGET = """
    delete from call where id in (
        select call_id from call_log
         where ended_at is not null and ended_at < now() - make_interval(days => $1) limit $2)
    returning id
"""
FORGET_AT_ONCE = 500


class SqlQueue:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        vault: Vault,
        *,
        resume_seconds: float,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault
        self._resume_seconds = resume_seconds

    # ---- a worker --------------------------------------------------------------------------

    @told_as_unavailable
    async def enlist(self, capacity: int) -> UUID:
        worker = uuid4()
        await self._pool.execute(
            "insert into worker_process (id, capacity) values ($1, $2)", worker, capacity
        )
        return worker

    @told_as_unavailable
    async def heartbeat(self, worker: UUID) -> bool:
        alive = await self._pool.fetchval(
            "update worker_process set heartbeat_at = now() where id = $1 returning id", worker
        )
        return alive is not None

    @told_as_unavailable
    async def claim(self, worker: UUID, most: int) -> Sequence[Claim]:
        told: list[hints.Hint] = []
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            if await connection.fetchval(IS_ENLISTED, worker) is None:
                return []
            picked = await connection.fetch(PICK, most)
            claims = [await self._take(connection, worker, row, told) for row in picked]
        await self._channels.publish_many(told)
        return claims

    async def _take(
        self, connection: Any, worker: UUID, row: asyncpg.Record, told: list[hints.Hint]
    ) -> Claim:
        id, tenant, state = row["call_id"], row["tenant_id"], CallState(row["state"])
        fresh = state is CallState.PENDING
        to = advance(state, CallState.CONNECTING) if fresh else None
        held = await connection.fetchrow(TAKE, id, worker, to, CONNECT_SECONDS)
        event: CallEvent = (
            StateChanged(before=state, state=CallState.CONNECTING)
            if fresh
            else WorkerReplaced(epoch=held["epoch"])
        )
        body = encode(event)
        at = await connection.fetchval(RECORD, tenant, id, held["head"], event.kind, body)
        told.append((hints.call_channel(tenant, id), announce(id, held["head"], at, body)))
        told.append(hints.changed(tenant, id))
        facts = await connection.fetchrow(FACTS, id)
        return Claim(
            call=_call(facts),
            version=_version(facts),
            epoch=held["epoch"],
            replaced=not fresh,
            settings=settings_from(orjson.loads(facts["settings"] or "{}")),
            opened=self._opened(await connection.fetch(SEALED, tenant)),
        )

    def _opened(self, rows: Sequence[asyncpg.Record]) -> Opened:
        """A call begins without them rather than not at all, and says so."""
        try:
            return self._vault.opened(rows)
        except VaultLocked as locked:
            return Opened(problem=locked.message)

    @told_as_unavailable
    async def inbox(self, worker: UUID) -> Sequence[Command]:
        rows = await self._pool.fetch(INBOX, worker)
        return [
            Command(
                id=CommandId(row["id"]),
                call_id=CallId(row["call_id"]),
                kind=CommandKind(row["kind"]),
                body=orjson.loads(row["body"]),
                asked_by=row["asked_by"],
            )
            for row in rows
        ]

    @told_as_unavailable
    async def log_of(self, call: Call) -> Sequence[Recorded]:
        rows = await self._pool.fetch(
            "select seq, at, body::text from call_event where call_id = $1 order by seq", call.id
        )
        return [recorded(call.id, row["seq"], row["at"], row["body"]) for row in rows]

    @told_as_unavailable
    async def end(self, claim: Claim, reason: EndReason) -> bool:
        return await self._end(claim.call.id, claim.epoch, reason)

    @told_as_unavailable
    async def release(self, claim: Claim) -> None:
        await self._pool.execute(RELEASE, claim.call.id, claim.epoch, self._resume_seconds)
        await self._channels.publish_many([hints.waiting()])

    @told_as_unavailable
    async def let_go(self, worker: UUID, held: Sequence[CallId]) -> None:
        freed = await self._pool.fetch(FREE_OTHERS, self._resume_seconds, worker, held)
        if freed:
            log.warning("gave back calls that were not held", extra={"calls": len(freed)})
            await self._channels.publish_many([hints.waiting()])

    @told_as_unavailable
    async def dismiss(self, worker: UUID) -> None:
        await self._bury([worker])

    async def wakes(self, worker: UUID) -> AsyncIterator[None]:
        async with (
            self._channels.listen(hints.WORKERS) as queue,
            self._channels.listen(hints.worker_channel(worker)) as inbox,
        ):
            waiting = {asyncio.ensure_future(box.get()): box for box in (queue, inbox)}
            try:
                while True:
                    yield None
                    done, _ = await asyncio.wait(
                        waiting, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        box = waiting.pop(task)
                        waiting[asyncio.ensure_future(box.get())] = box
            finally:
                for task in waiting:
                    task.cancel()

    # ---- the keeper ------------------------------------------------------------------------

    @told_as_unavailable
    async def answers(self) -> None:
        """Returns when the database does."""
        await self._pool.fetchval("select 1")

    @told_as_unavailable
    async def bury_silent(self, lease_seconds: float) -> int:
        """Take every call from workers that have been silent; answers how many calls."""
        return await self._bury(
            [row["id"] for row in await self._pool.fetch(SILENT, lease_seconds)]
        )

    async def _bury(self, workers: list[UUID]) -> int:
        """A worker may be claiming while it is buried: so whatever nobody holds is freed, not
        only what these workers were seen to hold."""
        if workers:
            await self._pool.execute(BURY, workers)
        freed = await self._pool.fetch(FREE_ORPHANS, self._resume_seconds)
        if freed:
            await self._channels.publish_many([hints.waiting()])
        return len(freed)

    @told_as_unavailable
    async def end_overdue(self, claim_seconds: float) -> list[tuple[UUID, EndReason]]:
        overdue = await self._pool.fetch(OVERDUE, claim_seconds)
        ended: list[tuple[UUID, EndReason]] = []
        for row in overdue:
            id, reason = CallId(row["call_id"]), EndReason(row["reason"])
            # Claimed meanwhile, it has another epoch, and is no longer overdue.
            if await self._end(id, row["epoch"], reason):
                ended.append((id, reason))
        return ended

    @told_as_unavailable
    async def forget_old(self, retention_days: int) -> int:
        """Remove calls that ended long ago, used-up keys and tokens; answers how many calls."""
        await self._pool.execute(
            "delete from idempotency where created_at < now() - interval '24 hours'"
        )
        await self._pool.execute("delete from refresh_token where expires_at < now()")
        if retention_days <= 0:
            return 0
        gone, batch = 0, FORGET_AT_ONCE
        while batch == FORGET_AT_ONCE:
            batch = len(await self._pool.fetch(FORGET, retention_days, FORGET_AT_ONCE))
            gone += batch
        return gone

    async def _end(self, id: CallId, epoch: int | None, reason: EndReason) -> bool:
        state, blame = OUTCOME[reason]
        written = await self._pool.fetch(END, id, epoch, reason, state, blame)
        if not written:
            return False
        tenant = written[0]["tenant_id"]
        channel = hints.call_channel(tenant, id)
        told = [(channel, announce(id, e["seq"], e["at"], e["body"])) for e in written]
        await self._channels.publish_many([*told, hints.changed(tenant, id)])
        return True


def _call(row: asyncpg.Record) -> Call:
    return Call(
        id=CallId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        kind=CallKind(row["kind"]),
        direction=Direction(row["direction"]),
        state=CallState(row["state"]),
        workflow_id=WorkflowId(row["workflow_id"]),
        version_id=VersionId(row["version_id"]),
        active_node=row["active_node"],
        user_id=row["user_id"],
        phone_number=row["phone_number"],
        user_context=orjson.loads(row["user_context"]),
        metadata=orjson.loads(row["metadata"]),
        max_seconds=row["max_seconds"],
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
    )


def _version(row: asyncpg.Record) -> Version:
    return Version(
        id=VersionId(row["v_id"]),
        tenant_id=TenantId(row["tenant_id"]),
        workflow_id=WorkflowId(row["workflow_id"]),
        number=row["number"],
        checksum=row["checksum"],
        note=row["note"],
        published_at=row["published_at"],
        published_by=row["published_by"],
        snapshot=snapshot_of(row["checksum"], lambda: orjson.loads(row["snapshot"])),
    )
