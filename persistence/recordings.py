"""What is known of recordings: as a tenant sees them, and as workers and keepers change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.access import TenantId
from domain.calls import Call, CallId
from domain.recordings import LEASE_SECONDS, OWED_SECONDS, RETENTION, Job, Recording, RecordingState
from persistence.database import in_batches
from persistence.outages import told_as_unavailable
from persistence.recordings_sql import (
    BEGIN,
    CLEARED,
    EXPIRE,
    FAIL,
    IS_WANTED,
    LEFT_BEHIND,
    OWED,
    READY,
    RENEW,
    SETTLED,
    STATES,
    TAKE,
)
from persistence.tables import RecordingRow

_table: Table = RecordingRow.__table__  # type: ignore[assignment]
EXPIRED_AT_ONCE = 5_000
_COLUMNS = tuple(field.name for field in fields(Recording))


def recording_from(row: Any) -> Recording:
    facts = {name: row[name] for name in _COLUMNS}
    return Recording(**{**facts, "state": RecordingState(facts["state"])})


class SqlRecordings:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def many(self, ids: Sequence[UUID]) -> Sequence[Recording]:
        c = _table.c
        rows = await self._db.execute(
            select(_table).where(c.tenant_id == self._tenant, c.call_id.in_(ids))
        )
        return [recording_from(row) for row in rows.mappings()]

    async def delete(self, id: CallId, by: str) -> None:
        c = _table.c
        await self._db.execute(
            update(_table)
            .where(
                c.tenant_id == self._tenant,
                c.call_id == id,
                c.state != RecordingState.DELETED.value,
            )
            .values(
                state=RecordingState.DELETED.value,
                deleted_at=func.now(),
                deleted_by=by,
                cleared=False,
                tries=c.tries + 1,  # whoever is at it has it no longer
                due_at=func.now(),
            )
        )


class SqlLedger:
    """The rows of recordings, for processes that make and tend them."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    # ---- a worker --------------------------------------------------------------------------

    @told_as_unavailable
    async def begin(self, call: Call, epoch: int, at: datetime) -> Recording:
        row = await self._pool.fetchrow(BEGIN, call.id, call.tenant_id, epoch, at)
        return recording_from(row)

    @told_as_unavailable
    async def is_wanted(self, call: UUID) -> bool:
        return await self._pool.fetchval(IS_WANTED, call) is not None

    @told_as_unavailable
    async def settled(self, call: UUID, epoch: int) -> None:
        await self._pool.execute(SETTLED, call, epoch)

    @told_as_unavailable
    async def owed(self, calls: Sequence[UUID]) -> None:
        await self._pool.execute(OWED, calls, OWED_SECONDS)

    # ---- a keeper --------------------------------------------------------------------------

    @told_as_unavailable
    async def take(self) -> Job | None:
        row = await self._pool.fetchrow(TAKE, LEASE_SECONDS)
        if row is None:
            return None
        return Job(recording_from(row), row["tries"], row["ended_at"], bool(row["over"]))

    @told_as_unavailable
    async def renew(self, job: Job) -> None:
        await self._pool.execute(RENEW, job.call_id, job.tries, LEASE_SECONDS)

    @told_as_unavailable
    async def ready(self, job: Job, duration_ms: int, missing_ms: int, size: int) -> bool:
        row = await self._pool.fetchval(
            READY, job.call_id, job.tries, duration_ms, missing_ms, size
        )
        return row is not None

    @told_as_unavailable
    async def cleared(self, job: Job, again_in: float | None = None) -> None:
        await self._pool.execute(CLEARED, job.call_id, job.tries, again_in)

    @told_as_unavailable
    async def failed(self, job: Job, reason: str, again_in: float | None) -> None:
        await self._pool.execute(FAIL, job.call_id, job.tries, reason, again_in)

    @told_as_unavailable
    async def expire(self, recording_days: int, retention_days: int) -> int:
        days = recording_days, retention_days
        return await in_batches(self._pool, EXPIRE, *days, RETENTION, size=EXPIRED_AT_ONCE)

    @told_as_unavailable
    async def left_behind(self) -> int:
        count: int = await self._pool.fetchval(LEFT_BEHIND)
        return count

    @told_as_unavailable
    async def states(self, calls: Sequence[UUID]) -> dict[UUID, RecordingState]:
        rows = await self._pool.fetch(STATES, list(calls))
        return {row["call_id"]: RecordingState(row["state"]) for row in rows}
