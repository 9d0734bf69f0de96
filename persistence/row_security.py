"""What row-level security lets a transaction see: a tenant, a person or both."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import PersonId, TenantId

SET_TENANT = text("select set_config('app.tenant', :tenant, true)")
SET_PERSON = text("select set_config('app.person', :person, true)")


async def set_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    await connection.execute(SET_TENANT, {"tenant": str(tenant)})


async def set_person(connection: AsyncConnection, person: PersonId) -> None:
    """Let the transaction see what belongs to the person, in every tenant."""
    await connection.execute(SET_PERSON, {"person": str(person)})
