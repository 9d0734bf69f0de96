"""The settings of the tenant, and what the servers of tools offer that they name."""

from __future__ import annotations

from domain.tenants.budgets import Level
from domain.tenants.settings import KeptSettings
from domain.tool_execution.mcp import McpTool
from domain.use_cases import settings as actions
from resolvers.context import Ctx


async def settings(info: Ctx) -> KeptSettings:
    return await actions.settings_of(info.context.services, info.context.require())


async def limits(info: Ctx) -> tuple[Level, ...]:
    return await actions.limits_of(info.context.services, info.context.require())


async def mcp_tools(info: Ctx, server: str) -> tuple[McpTool, ...]:
    return await actions.mcp_tools(info.context.services, info.context.require(), server)
