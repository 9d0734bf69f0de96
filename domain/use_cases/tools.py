"""Creating, editing, testing and deleting tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.audit.model import AuditKind, AuditNote
from domain.calls.context import CallContext
from domain.common.access import Scope, Viewer
from domain.common.errors import InUse, InvalidInput, NotFound, Problem
from domain.common.patches import patched
from domain.common.problems import Problems, raise_per_value
from domain.ports import Services, UnitOfWork
from domain.tenants.budgets import Budget
from domain.tool_execution.dry_run import DRY_RUN_NODE, DryRunResult, StubResponse, dry_run
from domain.tool_execution.mcp_stubs import McpStub
from domain.tools.model import Tool, ToolId, ToolSpec, check_tool
from domain.use_cases.quotas import check_added_draft, check_storage

MAX_DIGIT_STUBS = 100
CONTEXT_NAMESPACES = ("user", "call", "workflow", "flags", "agent")


async def create_tool(
    services: Services, viewer: Viewer, spec: ToolSpec, found: Sequence[Problem] = ()
) -> Tool:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.TOOLS_WRITE)
    check_tool(spec, found=found)
    async with services.store.transaction(viewer.tenant_id) as work:
        await check_storage(work, viewer)
        tool = await work.tools.add(spec)
        await check_added_draft(work.tools, Budget.TOOLS, viewer.quotas.tools)
        return tool


async def update_tool(
    services: Services,
    viewer: Viewer,
    id: ToolId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> Tool:
    """Change the fields in `changes`. Raises `InUse` when the name changes while agents use it."""
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        problems = list(found)
        spec = check_tool(patched(tool.spec, changes, problems), found=problems)
        if spec.name != tool.spec.name:
            await _check_unused(work, tool, "name")
        return await work.tools.save(id, spec, expected_revision)


async def delete_tool(services: Services, viewer: Viewer, id: ToolId) -> Tool:
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        await _check_unused(work, tool, "id")
        await work.tools.delete(id)
        return tool


async def test_tool(
    services: Services,
    viewer: Viewer,
    id: ToolId,
    arguments: Mapping[str, Any],
    context: Mapping[str, Any],
    stubs: Sequence[StubResponse],
    mcp_stubs: Sequence[McpStub],
    digits: Sequence[str],
    *,
    live: bool,
    found: Sequence[Problem],
) -> DryRunResult:
    """Execute the tool once, outside any call. `live` sends requests to real servers; otherwise the
    stubs respond. `digits` are what the caller presses."""
    viewer.require(Scope.TOOLS_WRITE)
    raise_per_value(found, _context_problems(context))
    async with services.store.transaction(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        settings = await work.settings.get()
        secrets = (await work.credentials.decrypt_all()).secrets if live else None
        await work.audit.note(
            AuditNote(
                kind=AuditKind.TESTED,
                target_kind="tool",
                target=str(tool.id),
                target_name=tool.spec.name,
                details={"live": live},
            )
        )
    return await dry_run(
        tool.spec,
        arguments,
        _context_of(context),
        settings=settings.spec,
        http_client=services.http_client if live else None,
        secrets=secrets,
        stubs=stubs,
        mcp_stubs=mcp_stubs,
        digits=digits[:MAX_DIGIT_STUBS],
    )


def _context_problems(namespaces: Mapping[str, Any]) -> Problems:
    for name, values in namespaces.items():
        if name not in CONTEXT_NAMESPACES:
            yield InvalidInput(
                f"context may contain {', '.join(CONTEXT_NAMESPACES)}, not {name[:60]!r}.",
                ("context",),
            )
        elif not isinstance(values, Mapping):
            yield InvalidInput(f"{name} must be a JSON object.", ("context", name))


def _context_of(namespaces: Mapping[str, Any]) -> CallContext:
    fields = {name: values for name, values in namespaces.items() if name != "agent"}
    return CallContext(**fields, agents={DRY_RUN_NODE: namespaces.get("agent", {})})


async def _existing(work: UnitOfWork, id: ToolId) -> Tool:
    tool = await work.tools.get(id)
    if tool is None:
        raise NotFound("There is no such tool.", ("id",))
    return tool


async def _check_unused(work: UnitOfWork, tool: Tool, field: str) -> None:
    users = tuple(await work.tools.agents_using(tool.spec.name))
    if users:
        raise InUse(
            f"The tool {tool.spec.name} is used by {', '.join(users)}.",
            (field,),
            used_by=users,
        )
