"""The rows of recordings, as workers and keepers change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls import Call
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

EXPIRED_AT_ONCE = 5_000
_COLUMNS = tuple(field.name for field in fields(Recording))


def recording_from(row: Any) -> Recording:
    facts = {name: row[name] for name in _COLUMNS}
    return Recording(**{**facts, "state": RecordingState(facts["state"])})


class SqlLedger:
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
