"""Reading and editing the settings of a tenant, and importing tools from its MCP servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.common.access import Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, Path, Problem
from domain.common.patches import patched
from domain.common.problems import raise_per_value
from domain.common.text_validation import IDENTIFIER, check_name
from domain.ports import Services
from domain.tenants.budgets import Budget, BudgetStatus, budget_statuses
from domain.tenants.settings import McpServer, StoredSettings, check_settings
from domain.tool_execution.api_call import render_headers
from domain.tool_execution.mcp import McpConnection, McpFailed, McpTool, list_tools
from domain.tools.actions import McpCall
from domain.tools.model import Tool, ToolSpec, check_tool
from domain.tools.secrets import Secret
from domain.use_cases.quotas import check_storage, quota_statuses, upsert_within_quota

MCP_SECONDS = 10.0


async def get_settings(services: Services, viewer: Viewer) -> StoredSettings:
    viewer.require(Scope.SETTINGS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.settings.get()


async def get_budget_statuses(services: Services, viewer: Viewer) -> tuple[BudgetStatus, ...]:
    """The limit and the usage of each budget and each quota of the tenant."""
    viewer.require(Scope.CALLS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        budgets = budget_statuses(*await work.calls.budget_usage())
    return *budgets, *await quota_statuses(services, viewer)


async def update_settings(
    services: Services,
    viewer: Viewer,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> StoredSettings:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.SETTINGS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        current = await work.settings.get()
        problems = list(found)
        spec = check_settings(patched(current.spec, changes, problems), found=problems)
        return await work.settings.save(spec, expected_revision)


async def mcp_tools(services: Services, viewer: Viewer, name: str) -> tuple[McpTool, ...]:
    """All tools that the MCP server offers, whether allowed or not."""
    viewer.require(Scope.SETTINGS_READ)
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        settings = await work.settings.get()
        secrets = (await work.credentials.decrypt_all()).secrets
    server = _server(settings, name, ("server",))
    return await _list_server_tools(services, server, secrets, ("server",))


async def import_mcp_tools(
    services: Services, viewer: Viewer, name: str, tool_names: Sequence[str]
) -> Sequence[Tool]:
    """Create tools that call these tools of the MCP server, and allow them in the settings. Tools
    that exist are updated."""
    viewer.require(Scope.TOOLS_WRITE)
    viewer.require(Scope.SETTINGS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        settings = await work.settings.get()
        secrets = (await work.credentials.decrypt_all()).secrets
    server = _server(settings, name, ("server",))
    offered = {t.name: t for t in await _list_server_tools(services, server, secrets, ("server",))}
    specs, problems = list[ToolSpec](), list[Problem]()
    for index, tool in enumerate(tool_names):
        try:
            specs.append(_spec_of(server, offered, tool, ("tools", str(index))))
        except (InvalidInput, NotFound) as problem:
            problems += problem.problems
    raise_per_value(problems)
    async with services.store.transaction(viewer.tenant_id) as work:
        settings = await work.settings.get()
        await work.settings.save(
            check_settings(_with_allowed_tools(settings, name, tool_names)), settings.revision
        )
        await check_storage(work, viewer)
        await upsert_within_quota(work.tools, specs, Budget.TOOLS, viewer.quotas.tools)
        return await work.tools.by_names([spec.name for spec in specs])


def _server(settings: StoredSettings, name: str, path: Path) -> McpServer:
    server = settings.spec.mcp_server(name)
    if server is None:
        raise NotFound(f"The settings have no MCP server {name[:64]!r}.", path)
    return server


async def _list_server_tools(
    services: Services, server: McpServer, secrets: Mapping[str, Secret], path: Path
) -> tuple[McpTool, ...]:
    try:
        rendered = render_headers(server.headers, {}, lambda name: secrets.get(name))
        send = services.http_client.send
        connection = McpConnection(
            url=server.url,
            headers=rendered.headers,
            host_limits=rendered.host_limits,
            send=send,
            timeout_seconds=MCP_SECONDS,
        )
        return await list_tools(connection)
    except LookupError as error:
        raise InvalidInput(f"There is no secret {error.args[0]!r}.", path) from None
    except McpFailed as error:
        raise InvalidInput(str(error), path) from None


def _spec_of(server: McpServer, offered: Mapping[str, McpTool], name: str, path: Path) -> ToolSpec:
    tool = offered.get(name)
    if tool is None:
        raise NotFound(f"The server offers no tool {name[:64]!r}.", path)
    tool_name = "".join(c if c.isalnum() else "_" for c in f"{server.name}_{name}".lower())[:63]
    check_name(tool_name, path, IDENTIFIER)
    spec = ToolSpec(
        name=tool_name,
        description=(tool.description or name)[:2_000],
        parameters={"type": "object", **tool.parameters},
        actions=(McpCall(server=server.name, tool=name),),
    )
    return check_tool(spec, path)


def _with_allowed_tools(settings: StoredSettings, name: str, tools: Sequence[str]) -> Any:
    servers = (
        replace(s, allow=tuple(dict.fromkeys((*s.allow, *tools)))) if s.name == name else s
        for s in settings.spec.mcp_servers
    )
    return replace(settings.spec, mcp_servers=tuple(servers))
