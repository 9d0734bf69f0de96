"""Calls: found, listed, retold from their logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from domain.calls.events import Recorded
from domain.calls.latency import Latency, latency_of
from domain.calls.model import Call, CallFilter, CallId
from domain.calls.state import Story, Turn, turn_of
from domain.common.access import Scope, TenantId
from domain.common.errors import InvalidInput
from domain.ports import Key, Services, Slice
from resolvers.context import Ctx
from resolvers.ids import own_id
from resolvers.loaders import loaders
from resolvers.pages import MOST, Edge, Page, clamped, key_of, page, pages_of

MAX_TRANSCRIPT_TURNS = 15_000


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


async def transcript(info: Ctx, call: Call) -> Sequence[Turn] | AsyncIterator[Turn]:
    """A long one piece by piece: to show it takes longer than others should wait."""
    turns = (await story(info, call)).turns
    if len(turns) > MAX_TRANSCRIPT_TURNS:
        raise InvalidInput(
            f"The transcript has {len(turns)} turns, which is more than {MAX_TRANSCRIPT_TURNS}; "
            "page through `turns(first:, after:)`.",
            ("transcript",),
        )
    if len(turns) <= MOST:
        return turns
    return _paced(info.context.services, call.tenant_id, turns)


async def _paced(
    services: Services, tenant: TenantId, turns: Sequence[Turn]
) -> AsyncGenerator[Turn]:
    async with services.long_logs.of(tenant):
        async for turn in services.pacer.paced(turns):
            yield turn


async def turns(info: Ctx, call: Call, first: int | None, after: str | None) -> Page[Turn]:
    """A turn is an event, so the cursors are those of the events."""
    viewer = info.context.require(Scope.CALLS_READ)
    most = clamped(first)
    seq = await info.context.services.streams.position(viewer.tenant_id, call.id, after)
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await work.calls.turns(call.id, seq, most + 1)
    page = pages_of(Slice(tuple(found[:most]), more=len(found) > most), lambda e: e.cursor)
    return Page([Edge(e.cursor, turn_of(e.node)) for e in page.edges], page.page_info)


async def latency(info: Ctx, call: Call) -> Latency | None:
    measured = (await story(info, call)).measured
    if len(measured) <= MOST:
        return latency_of(measured)
    # To sort the figures of a long call takes longer than others should wait.
    return await info.context.services.compute.run(call.tenant_id, latency_of, measured)


async def events(info: Ctx, call: Call, first: int | None, after: str | None) -> Page[Recorded]:
    """The same cursors as the stream's."""
    viewer = info.context.require(Scope.CALLS_READ)
    most = clamped(first)
    seq = await info.context.services.streams.position(viewer.tenant_id, call.id, after)
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await work.calls.events(call.id, seq, most + 1)
    slice_ = Slice(tuple(found[:most]), more=len(found) > most)
    return pages_of(slice_, lambda event: event.cursor)
