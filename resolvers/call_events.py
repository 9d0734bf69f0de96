"""Subscriptions to the events of a call and to live lists of calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from domain.calls.events import CallUpdate
from domain.calls.filters import CallFilter
from domain.calls.model import Call, CallId
from domain.common.access import Scope
from domain.common.errors import NotFound
from domain.common.lists import ListUpdate
from resolvers.context import Ctx
from resolvers.global_ids import require_id


async def call_events(info: Ctx, call_id: str, after: str | None) -> AsyncGenerator[CallUpdate]:
    services = info.context.services
    viewer = info.context.require(Scope.CALLS_READ)
    id = CallId(require_id("Call", call_id, ("callId",)))
    async with info.context.start_slot, services.store.transaction(viewer.tenant_id) as work:
        if await work.calls.get(id) is None:
            raise NotFound("There is no such call.", ("callId",))
    async with aclosing(services.streams.follow(viewer.tenant_id, id, after)) as updates:
        async for update in updates:
            yield update


async def call_list(info: Ctx, filter: CallFilter) -> AsyncGenerator[ListUpdate[Call]]:
    viewer = info.context.require(Scope.CALLS_READ)
    stream = info.context.services.call_lists.watch(viewer.tenant_id, filter)
    async with aclosing(stream) as updates:
        async for update in updates:
            yield update
