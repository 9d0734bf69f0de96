"""The audit log of a tenant, for the API: notes, lists, exports and retention.

The triggers in migrations/ write the entries about changed rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit.chain import ChainedEntry
from domain.audit.model import (
    AuditEntry,
    AuditFilter,
    AuditKind,
    AuditNote,
    ChainHead,
    ExportRange,
)
from domain.audit.origin import Origin, current_origin
from domain.common.access import TenantId
from domain.common.lists import ListPage, Window
from persistence import tables
from persistence.list_pages import ListQuery, fetch_page
from persistence.sqlalchemy_engine import driver_connection

_entry = tables.audit_entry
_link = tables.audit_link
_cut = tables.audit_cut
_retention = tables.audit_retention

ADD_NOTE = "select add_audit_note($1, $2, $3, $4, $5, $6::text::jsonb)"
SELECT_HEAD = "select seq, hash from audit_head_of($1)"
KINDS = {kind.value: kind for kind in AuditKind}


@lru_cache(1_024)
def origin_setting(origin: Origin | None) -> str:
    """The value of `app.origin`, by which the database knows who makes a change."""
    if origin is None:
        return ""
    facts = {
        "actor": origin.actor,
        "tenant": origin.tenant,
        "session": origin.session,
        "address": origin.address,
        "request": origin.request,
        "action": origin.action,
    }
    return orjson.dumps({name: fact for name, fact in facts.items() if fact}).decode()


def current_origin_setting() -> str:
    return origin_setting(current_origin())


async def add_note(db: AsyncConnection, note: AuditNote) -> None:
    """Add an entry to the log of the tenant that `app.tenant` names, with the current transaction."""
    raw = await driver_connection(db)
    details = orjson.dumps(dict(note.details)).decode()
    await raw.execute(
        ADD_NOTE,
        note.kind.value,
        note.actor,
        note.target_kind,
        note.target,
        note.target_name,
        details,
    )


class SqlAuditLog:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def note(self, note: AuditNote) -> None:
        await add_note(self._db, note)

    async def page(self, window: Window, filter: AuditFilter) -> ListPage[AuditEntry]:
        e = _entry.c
        entries = (
            select(_entry, _link.c.seq, _link.c.hash)
            .select_from(_entry.outerjoin(_link, _link.c.entry_id == e.id))
            .where(e.tenant_id == self._tenant, *_conditions(filter))
        )
        page = await fetch_page(self._db, ListQuery(entries, e.at, e.id), window)
        return page.with_items([_entry_from_row(row) for row in page.items])

    async def head(self) -> ChainHead:
        raw = await driver_connection(self._db)
        row = await raw.fetchrow(SELECT_HEAD, self._tenant)
        assert row is not None
        return ChainHead(row["seq"], row["hash"])

    async def export_range(self, since: datetime | None, until: datetime | None) -> ExportRange:
        head = await self.head()
        start = await self._shortened_until()
        last = head.seq if until is None else await self._last_before(until, start)
        first = start + 1 if since is None else await self._last_before(since, start) + 1
        return ExportRange(first, last)

    async def _last_before(self, at: datetime, otherwise: int) -> int:
        """The greatest number of a link whose entry, and those before it, are older. The chain is
        ordered by time except where transactions committed in another order."""
        e, link = _entry.c, _link.c
        first_after = (
            select(func.min(link.seq))
            .select_from(_entry.join(_link, link.entry_id == e.id))
            .where(e.tenant_id == self._tenant, e.at >= at)
        )
        seq = await self._db.scalar(first_after)
        return (await self.head()).seq if seq is None else max(otherwise, seq - 1)

    async def _shortened_until(self) -> int:
        query = select(_cut.c.seq).where(_cut.c.tenant_id == self._tenant)
        return await self._db.scalar(query) or 0

    async def chained(self, after: int, last: int, limit: int) -> Sequence[ChainedEntry]:
        link = _link.c
        query = (
            select(link.seq, link.leaf, link.hash, _entry.c.body, _entry.c.erased_at)
            .select_from(_link.outerjoin(_entry, _entry.c.id == link.entry_id))
            .where(link.tenant_id == self._tenant, link.seq > after, link.seq <= last)
            .order_by(link.seq)
            .limit(limit)
        )
        return [
            ChainedEntry(
                seq=row.seq,
                leaf=row.leaf,
                hash=row.hash,
                body=row.body,
                is_erased=row.erased_at is not None,
            )
            for row in await self._db.execute(query)
        ]

    async def link_hash(self, seq: int) -> bytes | None:
        for table in (_link, _cut):
            query = select(table.c.hash).where(
                table.c.tenant_id == self._tenant, table.c.seq == seq
            )
            found: bytes | None = await self._db.scalar(query)
            if found is not None:
                return found
        return None

    async def retention_days(self) -> int | None:
        query = select(_retention.c.days).where(_retention.c.tenant_id == self._tenant)
        days: int | None = await self._db.scalar(query)
        return days

    async def set_retention_days(self, days: int) -> None:
        await self._db.execute(
            insert(_retention)
            .values(tenant_id=self._tenant, days=days)
            .on_conflict_do_update(index_elements=["tenant_id"], set_={"days": days})
        )


def _conditions(filter: AuditFilter) -> list[Any]:
    e = _entry.c
    equal = {
        e.actor: filter.actor,
        e.target: filter.target,
        e.action: filter.action,
        e.session: filter.session,
        e.address: filter.address,
    }
    conditions: list[Any] = [column == value for column, value in equal.items() if value]
    if filter.kinds is not None:
        conditions.append(e.kind.in_([kind.value for kind in filter.kinds]))
    if filter.since is not None:
        conditions.append(e.at >= filter.since)
    if filter.until is not None:
        conditions.append(e.at < filter.until)
    return conditions


def _entry_from_row(row: Row[Any]) -> AuditEntry:
    facts: Mapping[str, Any] = orjson.loads(row.body) if row.body else {}
    return AuditEntry(
        id=row.id,
        tenant_id=TenantId(row.tenant_id),
        at=row.at,
        # A kind that only a newer release knows.
        kind=KINDS.get(row.kind, AuditKind.OTHER),
        actor=row.actor,
        session=row.session,
        address=row.address,
        request=row.request,
        action=row.action,
        target_kind=row.target_kind,
        target=row.target,
        target_name=row.target_name,
        before=facts.get("before"),
        after=facts.get("after"),
        details=facts.get("details"),
        body=row.body,
        erased_at=row.erased_at,
        seq=row.seq,
        hash=row.hash,
    )
