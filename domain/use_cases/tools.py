"""What people do with tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.calls.context import Context
from domain.common.access import Scope, Viewer
from domain.common.errors import InUse, InvalidInput, NotFound
from domain.ports import Services, Work
from domain.tool_execution.dry_run import NODE, Stub, Trial, try_out
from domain.tools.model import Tool, ToolId, ToolSpec, check_tool

SPACES = ("user", "call", "workflow", "flags", "agent")


async def create_tool(services: Services, viewer: Viewer, spec: ToolSpec) -> Tool:
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.work(viewer.tenant_id) as work:
        return await work.tools.add(check_tool(spec))


async def update_tool(
    services: Services, viewer: Viewer, id: ToolId, expected_revision: int, changes: dict[str, Any]
) -> Tool:
    """Change the fields named; a name that agents use cannot be changed."""
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.work(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        spec = check_tool(replace(tool.spec, **changes))
        if spec.name != tool.spec.name:
            await _not_used(work, tool, "name")
        return await work.tools.save(id, spec, expected_revision)


async def delete_tool(services: Services, viewer: Viewer, id: ToolId) -> Tool:
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.work(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        await _not_used(work, tool, "id")
        await work.tools.delete(id)
        return tool


async def test_tool(
    services: Services,
    viewer: Viewer,
    id: ToolId,
    arguments: Mapping[str, Any],
    context: Mapping[str, Any],
    stubs: Sequence[Stub],
    *,
    live: bool,
) -> Trial:
    """Use the tool once, outside of any call. `live` asks real servers, else the stubs answer."""
    viewer.require(Scope.TOOLS_WRITE)
    async with services.store.work(viewer.tenant_id) as work:
        tool = await _existing(work, id)
        kept = await work.settings.get()
        secrets = (await work.credentials.opened()).secrets if live else None
    return await try_out(
        tool.spec,
        arguments,
        _context_of(context),
        settings=kept.spec,
        outbound=services.outbound if live else None,
        secrets=secrets,
        stubs=stubs,
    )


def _context_of(given: Mapping[str, Any]) -> Context:
    for name, values in given.items():
        if name not in SPACES:
            raise InvalidInput(
                f"context holds {', '.join(SPACES)}, not {name[:60]!r}.", ("input", "context")
            )
        if not isinstance(values, Mapping):
            raise InvalidInput(f"{name} must be a JSON object.", ("input", "context", name))
    spaces = {name: values for name, values in given.items() if name != "agent"}
    return Context(**spaces, agents={NODE: given.get("agent", {})})


async def _existing(work: Work, id: ToolId) -> Tool:
    tool = await work.tools.get(id)
    if tool is None:
        raise NotFound("There is no such tool.", ("input", "id"))
    return tool


async def _not_used(work: Work, tool: Tool, field: str) -> None:
    users = tuple(await work.tools.using(tool.spec.name))
    if users:
        raise InUse(
            f"The tool {tool.spec.name} is used by {', '.join(users)}.",
            ("input", field),
            used_by=users,
        )
