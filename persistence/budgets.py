"""The budgets of a tenant, and how much of them is used."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from domain.common.access import TenantId
from domain.tenants.budgets import NO_BUDGETS, Budgets, BudgetUsage, raise_if_exhausted

SELECT_BUDGETS = "select spec->>'budgets' from tenant_settings where tenant_id = $1"
LOCK_SETTINGS = "select 1 from tenant_settings where tenant_id = $1 for no key update"
SELECT_BUDGET_USAGE = "select * from tenant_standing($1)"

_budgets: TypeAdapter[Budgets] = TypeAdapter(Budgets)


def parse_budgets(stored: str | None) -> Budgets:
    return NO_BUDGETS if stored is None else _budgets.validate_json(stored)


async def fetch_budgets(connection: Any, tenant: TenantId) -> Budgets:
    return parse_budgets(await connection.fetchval(SELECT_BUDGETS, tenant))


async def fetch_budget_usage(connection: Any, tenant: TenantId) -> BudgetUsage:
    row = await connection.fetchrow(SELECT_BUDGET_USAGE, tenant)
    return BudgetUsage(**row)


async def check_budgets(connection: Any, tenant: TenantId, budgets: Budgets) -> None:
    """Raise `QuotaExceeded` if a budget does not allow another call. Must run in the transaction
    that starts the call, before the call is inserted into `call_log`.

    Starts of calls wait for each other's commit only if the tenant limits its concurrent calls."""
    if budgets == NO_BUDGETS:
        return
    if budgets.concurrent_calls is not None:
        await connection.execute(LOCK_SETTINGS, tenant)
    raise_if_exhausted(budgets, await fetch_budget_usage(connection, tenant))
