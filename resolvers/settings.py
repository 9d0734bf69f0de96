"""The settings of the tenant, and what the servers of tools offer that they name."""

from __future__ import annotations

from domain.tenants.budgets import BudgetStatus
from domain.tenants.settings import StoredSettings
from domain.tool_execution.mcp import McpTool
from domain.use_cases import settings as actions
from resolvers.context import Ctx


async def settings(info: Ctx) -> StoredSettings:
    return await actions.get_settings(info.context.services, info.context.require())


async def limits(info: Ctx) -> tuple[BudgetStatus, ...]:
    return await actions.get_budget_statuses(info.context.services, info.context.require())


async def mcp_tools(info: Ctx, server: str) -> tuple[McpTool, ...]:
    return await actions.mcp_tools(info.context.services, info.context.require(), server)
