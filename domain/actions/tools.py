"""What people do with tools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.access import Scope, Viewer
from domain.errors import InUse, NotFound
from domain.ports import Services, Work
from domain.tools import Tool, ToolId, ToolSpec, check_tool


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
