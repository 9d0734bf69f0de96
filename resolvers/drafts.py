"""Agents, tools and workflows: found by id, by name, or listed newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.common.access import Scope
from domain.ports import Drafts, Key, Work
from resolvers.context import Ctx
from resolvers.ids import own_id
from resolvers.pages import Page, clamped, key_of, page

Pick = Callable[[Work], Drafts[Any, Any]]


async def one(
    info: Ctx, scope: Scope, pick: Pick, kind: str, id: str | None, name: str | None
) -> Any:
    """By global id or by name; None for what is not there."""
    viewer = info.context.require(scope)
    uuid = own_id(kind, id) if id is not None else None
    if id is not None and uuid is None:
        return None
    async with info.context.services.store.work(viewer.tenant_id) as work:
        if uuid is not None:
            return await pick(work).get(uuid)
        return next(iter(await pick(work).named([name or ""])), None)


async def many(
    info: Ctx, scope: Scope, pick: Pick, list_name: str, first: int | None, after: str | None
) -> Page[Any]:
    viewer = info.context.require(scope)
    key = key_of(list_name, after)
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await pick(work).page(clamped(first), key)
    return page(list_name, found, _key)


def _key(item: Any) -> Key:
    return Key(item.created_at, item.id)
