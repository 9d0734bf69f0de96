"""The settings of a tenant: one row, which the first edit creates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from domain.common.errors import RevisionConflict
from domain.tenants.settings import StoredSettings, TenantSettings
from persistence import tables
from persistence.codec import settings_from_json, settings_to_json

_table = tables.tenant_settings


class SqlTenantSettings:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def get(self) -> StoredSettings:
        query = select(_table).where(_table.c.tenant_id == self._tenant)
        row = (await self._db.execute(query)).one_or_none()
        if row is None:
            return StoredSettings()
        return StoredSettings(revision=row.revision, spec=settings_from_json(row.spec))

    async def save(self, spec: TenantSettings, expected_revision: int) -> StoredSettings:
        plain = settings_to_json(spec)
        if expected_revision == 0:
            statement: Any = (
                insert(_table)
                .values(tenant_id=self._tenant, revision=1, spec=plain)
                .on_conflict_do_nothing()
            )
        else:
            c = _table.c
            statement = (
                update(_table)
                .where(c.tenant_id == self._tenant, c.revision == expected_revision)
                .values(revision=c.revision + 1, spec=plain, updated_at=func.now())
            )
        if (await self._db.execute(statement)).rowcount != 1:
            current = (await self.get()).revision
            raise RevisionConflict(
                f"The settings are at revision {current}, not {expected_revision}. Read them "
                "again and repeat the change.",
                ("expectedRevision",),
                current=current,
            )
        return StoredSettings(revision=expected_revision + 1, spec=spec)
