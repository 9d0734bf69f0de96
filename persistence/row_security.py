"""What row-level security lets a transaction see: a tenant, a person or both."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import PersonId, TenantId
from persistence.audit import current_origin_setting

SET_TENANT = text(
    "select set_config('app.tenant', :tenant, true), set_config('app.origin', :origin, true)"
)
SET_PERSON = text(
    "select set_config('app.person', :person, true), set_config('app.origin', :origin, true)"
)
SET_ORIGIN = text("select set_config('app.origin', :origin, true)")


async def set_origin(connection: AsyncConnection) -> None:
    """Attribute the transaction to the current request."""
    await connection.execute(SET_ORIGIN, {"origin": current_origin_setting()})


async def set_tenant(connection: AsyncConnection, tenant: TenantId) -> None:
    """Let the transaction see the tenant, and attribute it to the current request."""
    origin = current_origin_setting()
    await connection.execute(SET_TENANT, {"tenant": str(tenant), "origin": origin})


async def set_person(connection: AsyncConnection, person: PersonId) -> None:
    """Let the transaction see what belongs to the person, in every tenant."""
    origin = current_origin_setting()
    await connection.execute(SET_PERSON, {"person": str(person), "origin": origin})
