"""The users of agents and tools: the workflows whose drafts use an agent, the agents that use a tool."""

from __future__ import annotations

from typing import Any

from domain.common.access import Scope, Viewer
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from resolvers.context import Ctx
from resolvers.loaders import loaders
from resolvers.pagination import (
    Edge,
    Page,
    PageInfo,
    clamp_page_size,
    decode_name,
    encode_name,
)


async def workflow_names(info: Ctx, agent: Agent) -> list[str]:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    return await _names(info, viewer, "workflows", agent.spec.name)


async def agent_names(info: Ctx, tool: Tool) -> list[str]:
    viewer = info.context.require(Scope.AGENTS_READ)
    return await _names(info, viewer, "tools", tool.spec.name)


async def workflows(
    info: Ctx, agent: Agent, first: int | None, after: str | None
) -> Page[Workflow]:
    names = await workflow_names(info, agent)
    return await _page(info, "workflows", names, first, after)


async def agents(info: Ctx, tool: Tool, first: int | None, after: str | None) -> Page[Agent]:
    return await _page(info, "agents", await agent_names(info, tool), first, after)


async def _names(info: Ctx, viewer: Viewer, repository: str, name: str) -> list[str]:
    loader = loaders().users(info.context.services, viewer.tenant_id, repository)
    users: list[str] = await loader.load(name)
    return users


async def _page(
    info: Ctx, repository: str, names: list[str], first: int | None, after: str | None
) -> Page[Any]:
    """A page of the drafts with these names, in the order of the names."""
    size, viewer = clamp_page_size(first), info.context.require()
    behind = decode_name(repository, after)
    left = sorted(name for name in names if behind is None or name > behind)
    loader = loaders().by_name(info.context.services, viewer.tenant_id, repository)
    drafts = await loader.load_many(left[:size])
    edges = [
        Edge(encode_name(repository, name), draft)
        for name, draft in zip(left, drafts, strict=False)
        if draft is not None
    ]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Page(edges, PageInfo(len(left) > size, end, start_cursor=start))
