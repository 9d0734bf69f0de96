"""What a tenant stores, as keepers have measured it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from persistence import tables

_usage = tables.tenant_usage


class SqlUsage:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def storage_bytes(self) -> tuple[int, datetime | None]:
        query = select(_usage.c.storage_bytes, _usage.c.measured_at).where(
            _usage.c.tenant_id == self._tenant
        )
        row = (await self._db.execute(query)).one_or_none()
        return (0, None) if row is None else (row.storage_bytes, row.measured_at)
