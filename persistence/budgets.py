"""What a tenant has set as its budgets, and how much of them is used."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import TypeAdapter

from domain.access import TenantId
from domain.budgets import NO_BUDGETS, Budgets, Standing, refuse_full

BUDGETS = "select spec->>'budgets' from tenant_settings where tenant_id = $1"
IN_TURN = "select 1 from tenant_settings where tenant_id = $1 for no key update"
STANDING = "select * from tenant_standing($1)"

_budgets: TypeAdapter[Budgets] = TypeAdapter(Budgets)


async def budgets_of(connection: Any, tenant: TenantId) -> Budgets:
    kept = await connection.fetchval(BUDGETS, tenant)
    return NO_BUDGETS if kept is None else _budgets.validate_python(orjson.loads(kept))


async def standing_of(connection: Any, tenant: TenantId) -> Standing:
    row = await connection.fetchrow(STANDING, tenant)
    return Standing(**row)


async def refuse_spent(connection: Any, tenant: TenantId) -> None:
    """`QuotaExceeded` when another call would be too many; to be asked in its transaction.

    Only where the calls that go on are counted do starts wait for each other, until the commit."""
    budgets = await budgets_of(connection, tenant)
    if budgets == NO_BUDGETS:
        return
    if budgets.concurrent_calls is not None:
        await connection.execute(IN_TURN, tenant)
    refuse_full(budgets, await standing_of(connection, tenant))
