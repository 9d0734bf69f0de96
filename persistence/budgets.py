"""What a tenant has set as its budgets, and how much of them is used."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from domain.common.access import TenantId
from domain.tenants.budgets import NO_BUDGETS, Budgets, Standing, refuse_full

BUDGETS = "select spec->>'budgets' from tenant_settings where tenant_id = $1"
IN_TURN = "select 1 from tenant_settings where tenant_id = $1 for no key update"
STANDING = "select * from tenant_standing($1)"

_budgets: TypeAdapter[Budgets] = TypeAdapter(Budgets)


def read_budgets(kept: str | None) -> Budgets:
    return NO_BUDGETS if kept is None else _budgets.validate_json(kept)


async def budgets_of(connection: Any, tenant: TenantId) -> Budgets:
    return read_budgets(await connection.fetchval(BUDGETS, tenant))


async def standing_of(connection: Any, tenant: TenantId) -> Standing:
    row = await connection.fetchrow(STANDING, tenant)
    return Standing(**row)


async def refuse_spent(connection: Any, tenant: TenantId, budgets: Budgets) -> None:
    """`QuotaExceeded` when another call would be too many; to be asked in its transaction, before
    it stands among those that go on.

    Only where the calls that go on are counted do starts wait for each other, until the commit."""
    if budgets == NO_BUDGETS:
        return
    if budgets.concurrent_calls is not None:
        await connection.execute(IN_TURN, tenant)
    refuse_full(budgets, await standing_of(connection, tenant))
