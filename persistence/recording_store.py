"""The state of recordings, for workers and keepers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.model import Call
from domain.calls.recordings import (
    DELETED_BY_RETENTION,
    LEASE_SECONDS,
    PENDING_SECONDS,
    Recording,
    RecordingJob,
    RecordingState,
)
from persistence.database import in_batches
from persistence.db_errors import translate_outages
from persistence.recording_queries import (
    ACCEPTS_AUDIO,
    COUNT_ORPHANS,
    DELETE_EXPIRED,
    LEASE_NEXT,
    MARK_AUDIO_DELETED,
    MARK_FAILED,
    MARK_PENDING,
    MARK_READY,
    MARK_UPLOADED,
    RENEW_LEASE,
    SELECT_STATES,
    START_RECORDING,
)

DELETE_BATCH_SIZE = 5_000
_COLUMNS = tuple(field.name for field in fields(Recording))


def recording_from_row(row: Any) -> Recording:
    values = {name: row[name] for name in _COLUMNS}
    return Recording(**{**values, "state": RecordingState(values["state"])})


class SqlRecordingStore:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    # ---- worker ----------------------------------------------------------------------------

    @translate_outages
    async def start(self, call: Call, epoch: int, at: datetime) -> Recording:
        row = await self._pool.fetchrow(START_RECORDING, call.id, call.tenant_id, epoch, at)
        return recording_from_row(row)

    @translate_outages
    async def accepts_audio(self, call: UUID) -> bool:
        return await self._pool.fetchval(ACCEPTS_AUDIO, call) is not None

    @translate_outages
    async def mark_uploaded(self, call: UUID, epoch: int) -> None:
        await self._pool.execute(MARK_UPLOADED, call, epoch)

    @translate_outages
    async def mark_pending(self, calls: Sequence[UUID]) -> None:
        await self._pool.execute(MARK_PENDING, calls, PENDING_SECONDS)

    # ---- keeper ----------------------------------------------------------------------------

    @translate_outages
    async def lease_next(self) -> RecordingJob | None:
        row = await self._pool.fetchrow(LEASE_NEXT, LEASE_SECONDS)
        if row is None:
            return None
        return RecordingJob(
            recording_from_row(row), row["tries"], row["ended_at"], bool(row["over"])
        )

    @translate_outages
    async def renew_lease(self, job: RecordingJob) -> None:
        await self._pool.execute(RENEW_LEASE, job.call_id, job.attempts, LEASE_SECONDS)

    @translate_outages
    async def mark_ready(
        self, job: RecordingJob, duration_ms: int, missing_ms: int, size: int
    ) -> bool:
        row = await self._pool.fetchval(
            MARK_READY, job.call_id, job.attempts, duration_ms, missing_ms, size
        )
        return row is not None

    @translate_outages
    async def mark_audio_deleted(self, job: RecordingJob, retry_in: float | None = None) -> None:
        await self._pool.execute(MARK_AUDIO_DELETED, job.call_id, job.attempts, retry_in)

    @translate_outages
    async def mark_failed(self, job: RecordingJob, reason: str, retry_in: float | None) -> None:
        await self._pool.execute(MARK_FAILED, job.call_id, job.attempts, reason, retry_in)

    @translate_outages
    async def delete_expired(self, recording_days: int, retention_days: int) -> int:
        days = recording_days, retention_days
        return await in_batches(
            self._pool, DELETE_EXPIRED, *days, DELETED_BY_RETENTION, size=DELETE_BATCH_SIZE
        )

    @translate_outages
    async def count_orphans(self) -> int:
        count: int = await self._pool.fetchval(COUNT_ORPHANS)
        return count

    @translate_outages
    async def states(self, calls: Sequence[UUID]) -> dict[UUID, RecordingState]:
        rows = await self._pool.fetch(SELECT_STATES, list(calls))
        return {row["call_id"]: RecordingState(row["state"]) for row in rows}
