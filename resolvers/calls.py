"""Calls: found, listed, retold from their logs."""

from __future__ import annotations

from domain.access import Scope
from domain.calls import Call, CallFilter, CallId
from domain.events import Recorded
from domain.ports import Key, Slice
from domain.transcripts import Story
from resolvers.context import Ctx
from resolvers.ids import own_id
from resolvers.loaders import loaders
from resolvers.pages import Page, clamped, key_of, page, pages_of


async def call(info: Ctx, id: str) -> Call | None:
    uuid = own_id("Call", id)
    info.context.require(Scope.CALLS_READ)
    return await loaded(info, CallId(uuid)) if uuid else None


async def loaded(info: Ctx, id: CallId) -> Call | None:
    viewer = info.context.require(Scope.CALLS_READ)
    found: Call | None = await loaders().calls(info.context.services, viewer.tenant_id).load(id)
    return found


async def calls(info: Ctx, filter: CallFilter, first: int | None, after: str | None) -> Page[Call]:
    viewer = info.context.require(Scope.CALLS_READ)
    key = key_of("calls", after)
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await work.calls.page(filter, clamped(first), key)
    return page("calls", found, lambda c: Key(c.created_at, c.id))


async def story(info: Ctx, call: Call) -> Story:
    viewer = info.context.require(Scope.CALLS_READ)
    told: Story = await loaders().stories(info.context.services, viewer.tenant_id).load(call)
    return told


async def events(info: Ctx, call: Call, first: int | None, after: str | None) -> Page[Recorded]:
    """The same cursors as the stream's."""
    viewer = info.context.require(Scope.CALLS_READ)
    most = clamped(first)
    seq = await info.context.services.streams.position(viewer.tenant_id, call.id, after)
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await work.calls.events(call.id, seq, most + 1)
    slice_ = Slice(tuple(found[:most]), more=len(found) > most)
    return pages_of(slice_, lambda event: event.cursor)
