"""Row-level security: what the API reads and writes in the name of one tenant never concerns another one,
in any table, whatever a statement says."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from persistence.migrate import upgrade
from tests.persistence.rows_of_revisions import rows_of
from tests.persistence.test_upgrades import REVISIONS
from tests.support.database_schema import connected

pytestmark = pytest.mark.anyio

ACME = UUID(int=1)
"""The tenant of the rows."""
OF_TENANTS = """
    select relname from pg_class c join pg_attribute a on a.attrelid = c.oid
     where relkind = 'r' and attname = 'tenant_id' and relnamespace = 'public'::regnamespace
"""
OF_PEOPLE = ("tenant", "person", "totp", "recovery_code", "installation_operator")
"""Other tables with data of tenants."""
UNREADABLE = {"access_change", "audit_pending"}
"""Tables that the API reads through functions only, or not at all."""
HIDDEN = asyncpg.InsufficientPrivilegeError


async def seen(db: Any, table: str) -> int | None:
    """How many rows the role sees; None if it may not even read the table."""
    try:
        return int(await db.fetchval(f"select count(*) from {table}"))
    except HIDDEN:
        return None


async def changed(db: Any, statement: str) -> int:
    """How many rows a statement changes; 0 if the role may not run it."""
    transaction = db.transaction()
    await transaction.start()
    try:
        return int((await db.execute(statement)).rsplit(" ", 1)[1])
    except HIDDEN:
        return 0
    finally:
        await transaction.rollback()


async def test_no_table_shows_or_yields_a_row_to_another_tenant(fresh: str) -> None:
    await asyncio.to_thread(upgrade, fresh)
    async with connected(fresh) as db:
        await db.execute(rows_of(REVISIONS))
        other = await db.fetchval(
            "insert into tenant (id, slug, name) values (gen_random_uuid(), 'o', 'O') returning id"
        )
        of_tenants = [row[0] for row in await db.fetch(OF_TENANTS)]
        for table in (*of_tenants, *OF_PEOPLE):
            assert await db.fetchval(f"select count(*) from {table}"), table
        mine = f"select count(*) from {{}} where tenant_id = '{other}'"
        own = {table: await db.fetchval(mine.format(table)) for table in of_tenants}
        own["tenant"] = 1
    async with connected(fresh, role="studio_api") as db:
        for tenant in (None, other):
            await db.execute("select set_config('app.tenant', $1, false)", str(tenant or ""))
            for table in (*of_tenants, *OF_PEOPLE):
                visible = own.get(table, 0) if tenant else 0
                assert await seen(db, table) in (visible, None), (tenant, table)
                assert await changed(db, f"delete from {table}") <= visible, (tenant, table)
        # The same statements see the rows of their own tenant, so the tables are not just empty.
        await db.execute("select set_config('app.tenant', $1, false)", str(ACME))
        counts = {table: await seen(db, table) for table in of_tenants}
        assert {table for table, count in counts.items() if not count} == UNREADABLE
        # A row cannot be given to another tenant either.
        for table in of_tenants:
            with pytest.raises(asyncpg.PostgresError):
                await db.execute(f"update {table} set tenant_id = '{other}'")
