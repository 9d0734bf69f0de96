"""What a tenant has set as its budgets, and how much of them is used."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from domain.common.access import TenantId
from domain.tenants.budgets import NO_BUDGETS, Budgets, BudgetUsage, raise_if_exhausted

SELECT_BUDGETS = "select spec->>'budgets' from tenant_settings where tenant_id = $1"
LOCK_SETTINGS = "select 1 from tenant_settings where tenant_id = $1 for no key update"
SELECT_BUDGET_USAGE = "select * from tenant_standing($1)"

_budgets: TypeAdapter[Budgets] = TypeAdapter(Budgets)


def parse_budgets(kept: str | None) -> Budgets:
    return NO_BUDGETS if kept is None else _budgets.validate_json(kept)


async def fetch_budgets(connection: Any, tenant: TenantId) -> Budgets:
    return parse_budgets(await connection.fetchval(SELECT_BUDGETS, tenant))


async def fetch_budget_usage(connection: Any, tenant: TenantId) -> BudgetUsage:
    row = await connection.fetchrow(SELECT_BUDGET_USAGE, tenant)
    return BudgetUsage(**row)


async def check_budgets(connection: Any, tenant: TenantId, budgets: Budgets) -> None:
    """`QuotaExceeded` when another call would be too many; to be asked in its transaction, before
    it stands among those that go on.

    Only where the calls that go on are counted do starts wait for each other, until the commit."""
    if budgets == NO_BUDGETS:
        return
    if budgets.concurrent_calls is not None:
        await connection.execute(LOCK_SETTINGS, tenant)
    raise_if_exhausted(budgets, await fetch_budget_usage(connection, tenant))
