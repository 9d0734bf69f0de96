"""The call table as the queue that workers claim from.

Whoever holds a call does so under an epoch. Claiming, losing and ending each raise it, so a
worker that was taken for dead can write nothing more. Locks are always taken on `call_log`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
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
from persistence.codec import announce, encode, recorded, settings_from_json, snapshot_of
from persistence.database import brief, in_batches
from persistence.leases import Leases
from persistence.outages import told_as_unavailable
from persistence.queue_sql import (
    ASKED_TO_END,
    CONFIRM,
    DISMISS,
    END,
    ENDED_OF,
    FACTS,
    FORGET,
    FORGET_KEYS,
    FORGET_TOKENS,
    FREE_ORPHANS,
    FREE_OTHERS,
    HAS_WAITING,
    INBOX,
    IS_ENLISTED,
    LOG_PAGE,
    OVERDUE,
    PICK,
    REAP,
    RECORD,
    RELEASE,
    SEALED,
    TAKE,
)
from persistence.vault import Vault

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
POLL_SECONDS_WITHOUT_REDIS = 0.1
CONNECT_SECONDS = 30
"""A claimed call that nobody talks in by then, and by when its caller should have come, is broken."""

ALONE_SECONDS = 1.0
"""Who has no room for another voice call lets others take up one that lost its worker, for so long;
then it is better answered late than not at all."""

BACKOFF_SECONDS = 1.0
"""Before the takeover that follows a failed one; before each other twice as long."""

END_SECONDS = 10.0
"""A worker that has not obeyed the end of a call by then no longer does."""

CALLS_AT_ONCE, EVENTS_AT_ONCE, ROWS_AT_ONCE = 500, 20_000, 5_000


class SqlQueue:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[Any],
        vault: Vault,
        leases: Leases,
        *,
        join_seconds: float,
        resume_seconds: float,
        max_takeovers: int,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._vault = vault
        self._leases = leases
        self._connect_seconds = CONNECT_SECONDS + join_seconds
        self._resume_seconds = resume_seconds
        self._max_takeovers = max_takeovers
        self._left_alone = resume_seconds - ALONE_SECONDS

    # ---- a worker --------------------------------------------------------------------------

    @told_as_unavailable
    async def enlist(self, capacity: int) -> UUID:
        worker, asked_at = uuid4(), time.monotonic()
        await self._pool.execute(
            "insert into worker_process (id, capacity) values ($1, $2)", worker, capacity
        )
        self._leases.renewed(worker, asked_at)
        return worker

    @told_as_unavailable
    async def heartbeat(self, worker: UUID) -> bool:
        asked_at = time.monotonic()
        alive = await self._pool.fetchval(
            "update worker_process set heartbeat_at = now() where id = $1 returning id", worker
        )
        if alive is None:
            self._leases.lost(worker)
            return False
        self._leases.renewed(worker, asked_at)
        return True

    @told_as_unavailable
    async def claim(self, worker: UUID, most: int, *, voice: bool = True) -> Sequence[Claim]:
        told: list[hints.Hint] = []
        async with self._pool.acquire(timeout=5) as connection, brief(connection):
            if await connection.fetchval(IS_ENLISTED, worker) is None:
                return []
            picked = await connection.fetch(
                PICK,
                most,
                voice,
                self._left_alone,
                self._max_takeovers,
                self._resume_seconds,
                BACKOFF_SECONDS,
                worker,
            )
            claims = [await self._take(connection, worker, row, told) for row in _takeable(picked)]
        await self._channels.publish_many(told)
        if not claims:
            # It may fail or take long: what was claimed must be neither lost nor late. The next
            # look, or the keeper, ends what is left.
            await self._end_all([row for row in picked if row["end_asked"]])
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
            settings=settings_from_json(orjson.loads(facts["settings"] or "{}")),
            opened=self._opened(await connection.fetch(SEALED, tenant)),
            worker=worker,
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
    async def log_page(self, call: Call, after: int, limit: int) -> Iterable[Recorded]:
        rows = await self._pool.fetch(LOG_PAGE, call.id, after, limit)
        return (recorded(call.id, row["seq"], row["at"], row["body"]) for row in rows)

    @told_as_unavailable
    async def confirm(self, claim: Claim) -> None:
        await self._pool.execute(CONFIRM, claim.call.id, claim.epoch)

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
        self._leases.lost(worker)
        await self._pool.execute(DISMISS, worker)
        await self._free_orphans()

    @told_as_unavailable
    async def has_waiting(self) -> bool:
        return bool(await self._pool.fetchval(HAS_WAITING))

    def queue_hints(self) -> AsyncIterator[bool]:
        return self._hints(hints.WORKERS)

    def inbox_hints(self, worker: UUID) -> AsyncIterator[bool]:
        return self._hints(hints.worker_channel(worker))

    async def _hints(self, channel: str) -> AsyncIterator[bool]:
        async with self._channels.listen(channel) as box:
            hinted = True  # nobody knows what was said before
            while True:
                yield hinted
                poll = POLL_SECONDS if self._channels.up else POLL_SECONDS_WITHOUT_REDIS
                try:
                    async with asyncio.timeout(poll):
                        await box.get()
                    box.forget_lag()  # one look answers all that was said until now
                    hinted = True
                except TimeoutError:
                    hinted = False

    # ---- the keeper ------------------------------------------------------------------------

    @told_as_unavailable
    async def database_time(self) -> datetime:
        now: datetime = await self._pool.fetchval("select now()")
        return now

    @told_as_unavailable
    async def reap_dead_workers(self, silent_since: datetime) -> int:
        """Take every call from workers that have not been heard since then, by the clock of the
        database; answers how many calls. However late this is done, whoever was heard of later
        is spared."""
        await self._pool.execute(REAP, silent_since)
        return await self._free_orphans()

    async def _free_orphans(self) -> int:
        """A worker may be claiming while it is removed: so whatever nobody holds is freed, not
        only what the removed workers were seen to hold."""
        freed = await self._pool.fetch(FREE_ORPHANS, self._resume_seconds)
        if freed:
            await self._channels.publish_many([hints.waiting()])
        return len(freed)

    @told_as_unavailable
    async def end_overdue(
        self, claim_seconds: float, as_of: datetime
    ) -> list[tuple[UUID, EndReason]]:
        """End what was overdue then, by the clock of the database, and still is."""
        asked = await self._pool.fetch(ASKED_TO_END, END_SECONDS)
        overdue = await self._pool.fetch(OVERDUE, claim_seconds, as_of, self._max_takeovers)
        return await self._end_all([*asked, *overdue])

    async def _end_all(self, rows: Sequence[asyncpg.Record]) -> list[tuple[UUID, EndReason]]:
        ended: list[tuple[UUID, EndReason]] = []
        for row in rows:
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
        await in_batches(self._pool, FORGET_KEYS, size=ROWS_AT_ONCE)
        await in_batches(self._pool, FORGET_TOKENS, size=ROWS_AT_ONCE)
        if retention_days <= 0:
            return 0
        gone = 0
        bounds = retention_days, CALLS_AT_ONCE, EVENTS_AT_ONCE
        while batch := await self._pool.fetch(FORGET, *bounds):
            gone += len(batch)
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


def _takeable(picked: Sequence[asyncpg.Record]) -> Iterator[asyncpg.Record]:
    """All but those that are to end, and of those that may be what their workers die of only one."""
    going_on = [row for row in picked if not row["end_asked"]]
    yield from (row for row in going_on if not row["is_suspect"])
    yield from [row for row in going_on if row["is_suspect"]][:1]


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
