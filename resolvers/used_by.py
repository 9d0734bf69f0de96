"""The users of agents and tools: the workflows whose drafts use an agent, the agents that use a tool."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from domain.common.access import Scope, Viewer
from domain.common.lists import Count, ListPage, Position, Window
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from resolvers.context import Ctx
from resolvers.loaders import loaders
from resolvers.pagination import CountedPage, PageArguments, counted_page, parse_text


async def workflow_names(info: Ctx, agent: Agent) -> list[str]:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    return await _names(info, viewer, "workflows", agent.spec.name)


async def agent_names(info: Ctx, tool: Tool) -> list[str]:
    viewer = info.context.require(Scope.AGENTS_READ)
    return await _names(info, viewer, "tools", tool.spec.name)


async def workflows(info: Ctx, agent: Agent, page: PageArguments) -> CountedPage[Workflow]:
    return await _page(info, "workflows", await workflow_names(info, agent), page)


async def agents(info: Ctx, tool: Tool, page: PageArguments) -> CountedPage[Agent]:
    return await _page(info, "agents", await agent_names(info, tool), page)


async def _names(info: Ctx, viewer: Viewer, repository: str, name: str) -> list[str]:
    loader = loaders().users(info.context.services, viewer.tenant_id, repository)
    users: list[str] = await loader.load(name)
    return users


async def _page(
    info: Ctx, repository: str, names: Sequence[str], page: PageArguments
) -> CountedPage[Any]:
    """A page of the drafts with these names, in the order of the names."""
    viewer, list_name = info.context.require(), f"{repository} by name"
    window = page.window(list_name, parse_text)
    start, end = _range(sorted(names), window)
    loader = loaders().by_name(info.context.services, viewer.tenant_id, repository)
    drafts = await loader.load_many(sorted(names)[start:end])
    entries = tuple(
        (Position(each.spec.name, each.id), each) for each in drafts if each is not None
    )

    async def count() -> Count:
        return Count(len(names))

    listed = ListPage(entries, has_next=end < len(names), has_previous=start > 0)
    return counted_page(list_name, listed, count)


def _range(names: Sequence[str], window: Window) -> tuple[int, int]:
    """The first name of the window, and the one behind its last name."""
    start = 0 if window.after is None else bisect_right(names, str(window.after.value))
    end = len(names) if window.before is None else bisect_left(names, str(window.before.value))
    if window.is_from_end:
        return max(start, end - window.size), max(start, end)
    return start, max(start, min(end, start + window.size))
