"""Agents, tools and workflows by id, by name, as lists, and as live lists."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from domain.common.access import Scope
from domain.common.drafts import EVERY_DRAFT, NEWEST_FIRST, DraftFilter, DraftOrder, DraftSort
from domain.common.lists import Count, ListUpdate
from domain.ports import Drafts, UnitOfWork
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from resolvers.context import Ctx
from resolvers.global_ids import check_id
from resolvers.pagination import (
    CountedPage,
    PageArguments,
    ParseValue,
    counted_page,
    parse_text,
    parse_time,
)

T = TypeVar("T")
GetRepository = Callable[[UnitOfWork], Drafts[T, Any]]


async def get_draft(
    info: Ctx,
    scope: Scope,
    get_repository: GetRepository[T],
    kind: str,
    id: str | None,
    name: str | None,
) -> T | None:
    """Load a draft by its global id or its name; None if it does not exist."""
    viewer = info.context.require(scope)
    uuid = None if id is None else check_id(kind, id, ("by", "id"))
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        if uuid is not None:
            return await get_repository(work).get(uuid)
        return next(iter(await get_repository(work).by_names([name or ""])), None)


async def list_drafts(
    info: Ctx,
    scope: Scope,
    get_repository: GetRepository[T],
    list_name: str,
    page: PageArguments,
    filter: DraftFilter = EVERY_DRAFT,
    order: DraftOrder = NEWEST_FIRST,
) -> CountedPage[T]:
    viewer, services = info.context.require(scope), info.context.services
    cursor_name, parse = _cursors_of(list_name, order.sort)
    window = page.window(cursor_name, parse)
    async with services.store.transaction(viewer.tenant_id) as work:
        listed = await get_repository(work).page(window, filter, order)

    async def count() -> Count:
        async with services.store.transaction(viewer.tenant_id) as work:
            return Count(await get_repository(work).count(filter))

    return counted_page(cursor_name, listed, count)


def _cursors_of(list_name: str, sort: DraftSort) -> tuple[str, ParseValue]:
    """Lists with different orders have different cursors."""
    match sort:
        case DraftSort.CREATED_AT:
            return list_name, parse_time
        case DraftSort.UPDATED_AT:
            return f"{list_name} by last edit", parse_time
        case DraftSort.NAME:
            return f"{list_name} by name", parse_text


async def watch_agents(info: Ctx, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Agent]]:
    viewer = info.context.require(Scope.AGENTS_READ)
    async with aclosing(
        info.context.services.draft_lists.agents(viewer.tenant_id, filter)
    ) as updates:
        async for update in updates:
            yield update


async def watch_tools(info: Ctx, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Tool]]:
    viewer = info.context.require(Scope.TOOLS_READ)
    async with aclosing(
        info.context.services.draft_lists.tools(viewer.tenant_id, filter)
    ) as updates:
        async for update in updates:
            yield update


async def watch_workflows(info: Ctx, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Workflow]]:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    lists = info.context.services.draft_lists
    async with aclosing(lists.workflows(viewer.tenant_id, filter)) as updates:
        async for update in updates:
            yield update
