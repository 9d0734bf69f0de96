"""The repository of published versions, which are written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, func, insert, select, text, true
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from domain.common.lists import ListPage, Window
from domain.workflows.model import Version, VersionId, WorkflowId
from persistence import tables
from persistence.codec import cached_snapshot, snapshot_to_json
from persistence.list_pages import ListQuery, fetch_page

_table = tables.workflow_version


class SqlVersions:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, version: Version) -> Version:
        last = select(func.coalesce(func.max(_table.c.number), 0)).where(
            _table.c.tenant_id == self._tenant, _table.c.workflow_id == version.workflow_id
        )
        number = (await self._db.scalar(last) or 0) + 1
        values, checksum = _version_values(version)
        await self._db.execute(insert(_table).values(**values, number=number))
        return replace(version, number=number, checksum=checksum)

    async def add_draft(self, version: Version) -> Version:
        values, checksum = _version_values(version)
        statement = upsert(_table).values(**values, number=0)
        await self._db.execute(
            statement.on_conflict_do_nothing(
                index_elements=["tenant_id", "workflow_id", "checksum"],
                index_where=text("number = 0"),
            )
        )
        c = _table.c
        id = await self._db.scalar(
            select(c.id).where(
                c.tenant_id == self._tenant,
                c.workflow_id == version.workflow_id,
                c.checksum == checksum,
                c.number == 0,
            )
        )
        assert id is not None
        return replace(version, id=VersionId(id), number=0, checksum=checksum)

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Version]:
        c = _table.c
        rows = await self._db.execute(
            select(_table).where(c.tenant_id == self._tenant, c.id.in_(ids))
        )
        return [version_from_row(row) for row in rows]

    async def previous(self, ids: Sequence[UUID]) -> Mapping[UUID, Version]:
        version, earlier = _table.alias(), _table.alias()
        is_earlier = case(
            (version.c.number > 0, earlier.c.number < version.c.number),
            # A draft has no number of its own.
            else_=earlier.c.published_at < version.c.published_at,
        )
        last = (
            select(earlier)
            .where(
                earlier.c.tenant_id == self._tenant,
                earlier.c.workflow_id == version.c.workflow_id,
                earlier.c.number > 0,
                is_earlier,
            )
            .order_by(earlier.c.number.desc())
            .limit(1)
            .lateral()
        )
        rows = await self._db.execute(
            select(version.c.id.label("after"), last)
            .join_from(version, last, true())
            .where(version.c.tenant_id == self._tenant, version.c.id.in_(ids))
        )
        return {row.after: version_from_row(row) for row in rows}

    async def page(self, id: WorkflowId, window: Window) -> ListPage[Version]:
        published = select(_table).where(*self._published(id))
        query = ListQuery(published, _table.c.number, _table.c.id)
        page = await fetch_page(self._db, query, window)
        return page.with_items([version_from_row(row) for row in page.items])

    async def count(self, id: WorkflowId) -> int:
        query = select(func.count()).select_from(_table).where(*self._published(id))
        return await self._db.scalar(query) or 0

    def _published(self, id: WorkflowId) -> Sequence[ColumnElement[bool]]:
        c = _table.c
        return c.tenant_id == self._tenant, c.workflow_id == id, c.number > 0


def _version_values(version: Version) -> tuple[dict[str, Any], str]:
    snapshot, checksum = snapshot_to_json(version.snapshot)
    return {
        "id": version.id,
        "tenant_id": version.tenant_id,
        "workflow_id": version.workflow_id,
        "checksum": checksum,
        "note": version.note,
        "published_at": version.published_at,
        "published_by": version.published_by,
        "snapshot": snapshot,
    }, checksum


def version_from_row(row: Row[Any]) -> Version:
    return Version(
        id=VersionId(row.id),
        tenant_id=TenantId(row.tenant_id),
        workflow_id=WorkflowId(row.workflow_id),
        number=row.number,
        checksum=row.checksum,
        note=row.note,
        published_at=row.published_at,
        published_by=row.published_by,
        snapshot=cached_snapshot(row.id, lambda: row.snapshot),
    )
