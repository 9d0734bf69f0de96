"""The tenants of the installation, for its operators.

The functions of the database check that the subject is an operator, in addition to the use cases."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol
from uuid import UUID, uuid4

import asyncpg
import orjson
from sqlalchemy import RowMapping, Subquery, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import COMMAND_LINE, TenantId
from domain.common.errors import Forbidden, NameTaken
from domain.common.lists import ListPage, Window
from domain.tenants.lifecycle import (
    EVERY_TENANT,
    TENANT_FIELDS,
    DeletedTenant,
    ManagedTenant,
    TenantChanges,
    TenantFilter,
)
from persistence import tables
from persistence.db_errors import sqlstate_of, translate_outages
from persistence.list_pages import ListQuery, fetch_page
from persistence.row_security import set_origin, set_tenant
from persistence.sqlalchemy_engine import driver_connection

LIST = text("select * from list_tenants(:operator, :id, :slug, :search, :state)")
LIST_DELETED = text("select * from list_deleted_tenants(:operator)")
CREATE = "select * from create_tenant($1, $2, $3, $4, $5)"
UPDATE = "select * from update_tenant($1, $2, $3, $4, $5)"
SUSPEND = "select * from suspend_tenant($1, $2, $3)"
DELETE = "select * from delete_tenant($1, $2, $3, $4)"


Row = asyncpg.Record | RowMapping


class OwnerKeyIssuer(Protocol):
    def __call__(
        self, db: AsyncConnection, tenant: TenantId, name: str, created_by: str
    ) -> Awaitable[str]:
        """Store a new API key of an owner of the tenant, and return it."""
        ...


class SqlTenants:
    """`operator` is the subject that asks; None stands for the command line, whose database role has
    all rights."""

    def __init__(self, engine: AsyncEngine, issue_owner_key: OwnerKeyIssuer) -> None:
        self._engine = engine
        self._issue_owner_key = issue_owner_key

    @translate_outages
    async def page(
        self, operator: str | None, window: Window, filter: TenantFilter = EVERY_TENANT
    ) -> ListPage[ManagedTenant]:
        listed = _listed(operator, filter)
        query = ListQuery(select(listed), listed.c.created_at, listed.c.id)
        async with self._reading() as db:
            page = await fetch_page(db, query, window)
        return page.with_items([_tenant_of_row(row._mapping) for row in page.items])

    @translate_outages
    async def count(self, operator: str | None, filter: TenantFilter) -> int:
        return await self._count(_listed(operator, filter))

    @translate_outages
    async def create(
        self, operator: str | None, slug: str, name: str, quotas: Mapping[str, int]
    ) -> tuple[ManagedTenant, str]:
        id = TenantId(uuid4())
        async with self._engine.begin() as db:
            rows = await _call(db, CREATE, operator, id, slug, name, _json(quotas))
            if not rows:
                raise _slug_taken(slug)
            await set_tenant(db, id)
            by = operator or COMMAND_LINE
            key = await self._issue_owner_key(db, id, f"{slug} owner", by)
        return _tenant_of_row(rows[0]), key

    @translate_outages
    async def update(
        self, operator: str | None, id: TenantId, changes: TenantChanges
    ) -> ManagedTenant | None:
        quotas = None if changes.quotas is None else _json(changes.quotas)
        try:
            return _first(
                await self._fetch(UPDATE, operator, id, changes.slug, changes.name, quotas)
            )
        except asyncpg.UniqueViolationError:
            raise _slug_taken(changes.slug or "") from None

    @translate_outages
    async def suspend(
        self, operator: str | None, id: TenantId, reason: str
    ) -> ManagedTenant | None:
        return _first(await self._fetch(SUSPEND, operator, id, reason))

    @translate_outages
    async def resume(self, operator: str | None, id: TenantId) -> ManagedTenant | None:
        return _first(await self._fetch(SUSPEND, operator, id, None))

    @translate_outages
    async def delete(
        self, operator: str | None, id: TenantId, grace_days: int
    ) -> ManagedTenant | None:
        by = operator or COMMAND_LINE
        return _first(await self._fetch(DELETE, operator, id, grace_days, by))

    @translate_outages
    async def restore(self, operator: str | None, id: TenantId) -> ManagedTenant | None:
        return _first(await self._fetch(DELETE, operator, id, None, None))

    @translate_outages
    async def deleted_page(self, operator: str | None, window: Window) -> ListPage[DeletedTenant]:
        deleted = _deleted(operator)
        query = ListQuery(select(deleted), deleted.c.deleted_at, deleted.c.id)
        async with self._reading() as db:
            page = await fetch_page(db, query, window)
        return page.with_items([_deleted_of_row(row._mapping) for row in page.items])

    @translate_outages
    async def count_deleted(self, operator: str | None) -> int:
        return await self._count(_deleted(operator))

    async def _count(self, listed: Subquery) -> int:
        async with self._reading() as db:
            return await db.scalar(select(func.count()).select_from(listed)) or 0

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[AsyncConnection]:
        with _operators_only():
            async with self._engine.begin() as db:
                yield db

    async def _fetch(self, query: str, *values: Any) -> Sequence[asyncpg.Record]:
        async with self._engine.begin() as db:
            return await _call(db, query, *values)


async def _call(db: AsyncConnection, query: str, *values: Any) -> Sequence[asyncpg.Record]:
    await set_origin(db)  # begins the transaction that the driver joins
    raw = await driver_connection(db)
    with _operators_only():
        rows: Sequence[asyncpg.Record] = await raw.fetch(query, *values)
    return rows


@contextmanager
def _operators_only() -> Generator[None]:
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        if sqlstate_of(error) != asyncpg.InsufficientPrivilegeError.sqlstate:
            raise
        raise Forbidden("This credential is not one of an operator of the installation.") from None


def _listed(operator: str | None, filter: TenantFilter) -> Subquery:
    facts = {
        "id": filter.id,
        "slug": filter.slug,
        "search": filter.search,
        "state": filter.state,
    }
    return LIST.bindparams(operator=operator, **facts).columns(*tables.tenant.c).subquery()


def _deleted(operator: str | None) -> Subquery:
    listed = LIST_DELETED.bindparams(operator=operator)
    return listed.columns(*tables.deleted_tenant.c).subquery()


def _first(rows: Sequence[asyncpg.Record]) -> ManagedTenant | None:
    return _tenant_of_row(rows[0]) if rows else None


def _tenant_of_row(row: Row) -> ManagedTenant:
    values = {name: row[name] for name in TENANT_FIELDS}
    return ManagedTenant(**{**values, "quotas": _object(row["quotas"])})


def _deleted_of_row(row: Row) -> DeletedTenant:
    return DeletedTenant(
        id=UUID(str(row["id"])),
        slug=row["slug"],
        requested_at=row["requested_at"],
        requested_by=row["requested_by"],
        deleted_at=row["deleted_at"],
        counts=_object(row["counts"]),
        certificate=row["certificate"],
    )


def _json(values: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(values)).decode()


def _object(value: Any) -> Mapping[str, Any]:
    """SQLAlchemy sets a codec for JSON on its connections, and asyncpg alone returns text."""
    parsed: Mapping[str, Any] = orjson.loads(value) if isinstance(value, str | bytes) else value
    return parsed


def _slug_taken(slug: str) -> NameTaken:
    return NameTaken(f"Another tenant has the slug {slug!r}.", ("slug",))
