"""The subscriptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain.calls import events
from domain.calls.lists import ListUpdate
from graph.schema.scalars import Cursor
from graph.schema.types.calls import CallFilter, filter_of
from graph.schema.types.events import CallListUpdate, CallUpdate
from resolvers import call_events
from resolvers.context import Ctx


async def _call_events(
    info: Ctx,
    call_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the call to follow.")],
    after: Annotated[
        Cursor | None,
        strawberry.argument(
            description="Cursor to continue behind; omit to start with the first event."
        ),
    ] = None,
) -> AsyncGenerator[events.CallUpdate]:
    async with aclosing(call_events.call_events(info, call_id, after)) as updates:
        async for update in updates:
            yield update


async def _calls(
    info: Ctx,
    filter: Annotated[
        CallFilter | None, strawberry.argument(description="Filter; omit to follow all calls.")
    ] = None,
) -> AsyncGenerator[ListUpdate]:
    async with aclosing(call_events.call_list(info, filter_of(filter))) as updates:
        async for update in updates:
            yield update


@strawberry.type(description="Operations that stream updates.")
class Subscription:
    call_events: AsyncGenerator[events.CallUpdate] = strawberry.subscription(
        resolver=_call_events,
        graphql_type=CallUpdate,
        description=(
            "All events of a call, each exactly once and in order, from the first one "
            "or behind a cursor. The stream completes after CallEnded."
        ),
    )
    calls: AsyncGenerator[ListUpdate] = strawberry.subscription(
        resolver=_calls,
        graphql_type=CallListUpdate,
        description="A live list of calls: first a snapshot, then the changes.",
    )
