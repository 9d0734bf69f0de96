"""Agents, tools and workflows by id, by name, or as a list with the newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from domain.common.access import Scope
from domain.ports import Drafts, PageKey, UnitOfWork
from resolvers.context import Ctx
from resolvers.global_ids import check_id
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page

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
    first: int | None,
    after: str | None,
) -> Page[T]:
    viewer = info.context.require(scope)
    key = decode_cursor(list_name, after)
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        page = await get_repository(work).page(clamp_page_size(first), key)
    return keyset_page(list_name, page, _page_key)


def _page_key(item: Any) -> PageKey:
    return PageKey(item.created_at, item.id)
