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
from domain.budgets import is_used_up
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
from domain.holding import Claim
from domain.workflows import Version, VersionId, WorkflowId
from persistence import hints
from persistence.budgets import budgets_of, standing_of
from persistence.channels import Channels
from persistence.codec import announce, encode, recorded
from persistence.database import brief
from persistence.outages import told_as_unavailable
from persistence.queue_sql import (
    BURY,
    END,
    ENDED_OF,
    FACTS,
    FORGET,
    FREE_ORPHANS,
    FREE_OTHERS,
    INBOX,
    IS_ENLISTED,
    OVERDUE,
    PICK,
    RECORD,
    RELEASE,
    SEALED,
    SILENT,
    TAKE,
)
from persistence.settings import settings_from
from persistence.vault import Vault
from persistence.versions import snapshot_of

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
POLL_SECONDS_WITHOUT_REDIS = 0.1
CONNECT_SECONDS = 30
"""A claimed call that nobody talks in by then, and by when its caller should have come, is broken."""

ALONE_SECONDS = 1.0
"""Who has no room for another voice call lets others take up one that lost its worker, for so long;
then it is better answered late than not at all."""

FORGET_AT_ONCE = 500


class SqlQueue:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        vault: Vault,
        *,
        join_seconds: float,
        resume_seconds: float,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault
        self._connect_seconds = CONNECT_SECONDS + join_seconds
        self._resume_seconds = resume_seconds
        self._left_alone = resume_seconds - ALONE_SECONDS

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
    async def claim(self, worker: UUID, most: int, *, voice: bool = True) -> Sequence[Claim]:
        told: list[hints.Hint] = []
        async with self._pool.acquire(timeout=5) as connection, brief(connection):
            if await connection.fetchval(IS_ENLISTED, worker) is None:
                return []
            picked = await connection.fetch(PICK, most, voice, self._left_alone)
            claims = [await self._take(connection, worker, row, told) for row in picked]
        await self._channels.publish_many(told)
        return claims

    async def _take(
        self, connection: Any, worker: UUID, row: asyncpg.Record, told: list[hints.Hint]
    ) -> Claim:
        id, tenant, state = row["call_id"], row["tenant_id"], CallState(row["state"])
        fresh = state is CallState.PENDING
        to = advance(state, CallState.CONNECTING) if fresh else None
        held = await connection.fetchrow(TAKE, id, worker, to, self._connect_seconds)
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
    async def is_used_up(self, tenant: TenantId) -> bool:
        async with self._pool.acquire(timeout=5) as connection:
            budgets = await budgets_of(connection, tenant)
            return budgets.of_months and is_used_up(budgets, await standing_of(connection, tenant))

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
                    poll = POLL_SECONDS if self._channels.up else POLL_SECONDS_WITHOUT_REDIS
                    done, _ = await asyncio.wait(
                        waiting, timeout=poll, return_when=asyncio.FIRST_COMPLETED
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
    async def ended_of(self, calls: Sequence[CallId]) -> list[CallId]:
        """Those of them that are over."""
        rows = await self._pool.fetch(ENDED_OF, list(calls)) if calls else []
        return [CallId(row["call_id"]) for row in rows]

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
