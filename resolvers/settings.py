"""The settings of the tenant, its budgets, and the tools that its MCP servers offer."""

from __future__ import annotations

from domain.tenants.budgets import BudgetStatus
from domain.tenants.settings import StoredSettings
from domain.tool_execution.mcp import McpTool
from domain.use_cases import settings as use_cases
from resolvers.context import Ctx


async def settings(info: Ctx) -> StoredSettings:
    return await info.context.run(use_cases.get_settings)


async def limits(info: Ctx) -> tuple[BudgetStatus, ...]:
    return await info.context.run(use_cases.get_budget_statuses)


async def mcp_tools(info: Ctx, server: str) -> tuple[McpTool, ...]:
    return await info.context.run(use_cases.mcp_tools, server)
