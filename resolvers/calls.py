"""Calls, lists of calls, and what is computed from the log of a call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from domain.calls.events import StoredEvent
from domain.calls.filters import NEWEST_FIRST, CallFilter, CallOrder, CallSort
from domain.calls.latency import Latency, summarize_latency
from domain.calls.model import Call, CallId
from domain.calls.state import CallProjection, Turn, turn_from_event
from domain.common.access import Scope, TenantId
from domain.common.errors import InvalidInput
from domain.common.lists import Count
from domain.ports import Services
from domain.workflows.model import Version
from resolvers.context import Ctx
from resolvers.global_ids import check_id
from resolvers.loaders import loaders
from resolvers.pagination import (
    MAX_PAGE_SIZE,
    CountedPage,
    Edge,
    Page,
    PageArguments,
    clamp_page_size,
    counted_page,
    page_info,
    parse_integer,
    parse_time,
)

MAX_TRANSCRIPT_TURNS = 15_000


async def call(info: Ctx, id: str, argument: str = "id") -> Call | None:
    info.context.require(Scope.CALLS_READ)
    return await load_call(info, CallId(check_id("Call", id, (argument,))))


async def load_call(info: Ctx, id: CallId) -> Call | None:
    viewer = info.context.require(Scope.CALLS_READ)
    call: Call | None = await loaders().calls(info.context.services, viewer.tenant_id).load(id)
    return call


async def calls(
    info: Ctx, filter: CallFilter, order: CallOrder, page: PageArguments
) -> CountedPage[Call]:
    viewer, services = info.context.require(Scope.CALLS_READ), info.context.services
    list_name = LIST_NAMES[order.sort]
    is_by_time = order.sort is CallSort.CREATED_AT
    window = page.window(list_name, parse_time if is_by_time else parse_integer)
    covered = filter.covered(order, services.clock())
    async with services.store.transaction(viewer.tenant_id) as work:
        listed = await work.calls.page(window, covered, order)

    async def count() -> Count:
        async with services.store.transaction(viewer.tenant_id) as work:
            return await work.calls.count(covered)

    since = None if covered == filter else covered.created_since
    return counted_page(list_name, listed, count, since)


async def of_version(info: Ctx, version: Version, page: PageArguments) -> CountedPage[Call]:
    """The calls that run the version, newest first."""
    return await calls(info, CallFilter(version_id=version.id), NEWEST_FIRST, page)


LIST_NAMES = {
    CallSort.CREATED_AT: "calls",
    CallSort.DURATION: "calls by duration",
    CallSort.COST: "calls by cost",
}
"""Lists with different orders have different cursors."""


async def call_projection(info: Ctx, call: Call) -> CallProjection:
    viewer = info.context.require(Scope.CALLS_READ)
    projection: CallProjection = (
        await loaders().call_projections(info.context.services, viewer.tenant_id).load(call)
    )
    return projection


async def transcript(info: Ctx, call: Call) -> Sequence[Turn] | AsyncIterator[Turn]:
    """The turns of a call. A long transcript is delivered in steps, because rendering it at once
    would block other requests."""
    turns = (await call_projection(info, call)).turns
    if len(turns) > MAX_TRANSCRIPT_TURNS:
        raise InvalidInput(
            f"The transcript has {len(turns)} turns, which is more than {MAX_TRANSCRIPT_TURNS}; "
            "page through `turns(first:, after:)`.",
            ("transcript",),
        )
    if len(turns) <= MAX_PAGE_SIZE:
        return turns
    return _paced(info.context.services, call.tenant_id, turns)


async def _paced(
    services: Services, tenant: TenantId, turns: Sequence[Turn]
) -> AsyncGenerator[Turn]:
    async with services.long_log_limit.semaphore(tenant):
        async for turn in services.pacer.paced(turns):
            yield turn


async def turns(info: Ctx, call: Call, first: int | None, after: str | None) -> Page[Turn]:
    """A page of turns. Each turn is an event, so the cursors are those of the events."""
    viewer = info.context.require(Scope.CALLS_READ)
    limit = clamp_page_size(first)
    seq = await info.context.services.streams.resolve_cursor(viewer.tenant_id, call.id, after)
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        stored = await work.calls.turns(call.id, seq, limit + 1)
    edges = [Edge(event.cursor, turn_from_event(event)) for event in stored[:limit]]
    return Page(edges, page_info(edges, len(stored) > limit))


async def latency(info: Ctx, call: Call) -> Latency | None:
    measured = (await call_projection(info, call)).measured
    if len(measured) <= MAX_PAGE_SIZE:
        return summarize_latency(measured)
    # Sorting the figures of a long call would block the event loop for too long.
    return await info.context.services.compute.run(call.tenant_id, summarize_latency, measured)


async def events(info: Ctx, call: Call, first: int | None, after: str | None) -> Page[StoredEvent]:
    """A page of events, with the same cursors as the subscription."""
    viewer = info.context.require(Scope.CALLS_READ)
    limit = clamp_page_size(first)
    seq = await info.context.services.streams.resolve_cursor(viewer.tenant_id, call.id, after)
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        stored = await work.calls.events(call.id, seq, limit + 1)
    edges = [Edge(event.cursor, event) for event in stored[:limit]]
    return Page(edges, page_info(edges, len(stored) > limit))
