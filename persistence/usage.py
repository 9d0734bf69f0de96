"""What a tenant stores, as keepers have measured it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from persistence import tables

_usage = tables.tenant_usage


class SqlUsage:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def storage_bytes(self) -> int:
        query = select(_usage.c.storage_bytes).where(_usage.c.tenant_id == self._tenant)
        return await self._db.scalar(query) or 0
