"""The settings of the tenant, and what the servers of tools offer that they name."""

from __future__ import annotations

from domain.actions import settings as actions
from domain.budgets import Level
from domain.mcp import McpTool
from domain.tenants import KeptSettings
from resolvers.context import Ctx


async def settings(info: Ctx) -> KeptSettings:
    return await actions.settings_of(info.context.services, info.context.require())


async def limits(info: Ctx) -> tuple[Level, ...]:
    return await actions.limits_of(info.context.services, info.context.require())


async def mcp_tools(info: Ctx, server: str) -> tuple[McpTool, ...]:
    return await actions.mcp_tools(info.context.services, info.context.require(), server)
