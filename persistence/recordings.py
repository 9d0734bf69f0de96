"""The recordings of a tenant, for the API."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.calls.model import CallId
from domain.calls.recordings import Recording, RecordingState
from domain.common.access import TenantId
from persistence import tables
from persistence.recording_store import recording_from_row

_table = tables.recording


class SqlRecordings:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Recording]:
        c = _table.c
        rows = await self._db.execute(
            select(_table).where(c.tenant_id == self._tenant, c.call_id.in_(ids))
        )
        return [recording_from_row(row) for row in rows.mappings()]

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
                tries=c.tries + 1,  # ends the lease of a keeper
                due_at=func.now(),
            )
        )
