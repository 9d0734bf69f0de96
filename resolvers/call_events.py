"""Calls while they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from domain.access import Scope, Viewer
from domain.calls import Call, CallFilter, CallId
from domain.errors import NotFound, Unavailable
from domain.events import CallUpdate
from domain.tasks import end
from resolvers.context import Ctx
from resolvers.ids import needed_id

SHOWN = 100
PAUSE_SECONDS = 0.1
"""At most ten looks a second, however much happens."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    calls: list[Call]


@dataclass(frozen=True, slots=True)
class Added:
    call: Call


@dataclass(frozen=True, slots=True)
class Changed:
    call: Call


@dataclass(frozen=True, slots=True)
class Removed:
    call_id: UUID


ListUpdate = Snapshot | Added | Changed | Removed


async def call_events(info: Ctx, call_id: str, after: str | None) -> AsyncGenerator[CallUpdate]:
    services = info.context.services
    viewer = info.context.require(Scope.CALLS_READ)
    id = CallId(needed_id("Call", call_id, ("callId",)))
    async with info.context.beginning, services.store.work(viewer.tenant_id) as work:
        if await work.calls.get(id) is None:
            raise NotFound("There is no such call.", ("callId",))
    updates = cast(Any, services.streams.follow(viewer.tenant_id, id, after))
    async with aclosing(updates):
        async for update in updates:
            yield update


async def call_list(info: Ctx, filter: CallFilter) -> AsyncGenerator[ListUpdate]:
    """The newest calls that the filter admits, then what changes about them: each look is
    compared with what this subscriber has been told, so a missed hint costs nothing."""
    viewer = info.context.require(Scope.CALLS_READ)
    told: dict[CallId, Call] | None = None
    changes = cast(Any, info.context.services.streams.changes(viewer.tenant_id))
    async with aclosing(changes):
        async for _ in _calmly(changes):
            try:
                now = await _look(info, viewer, filter)
            except Unavailable:
                continue
            if told is None:
                yield Snapshot(list(now.values()))
            else:
                for update in _difference(told, now):
                    yield update
            told = now


async def _look(info: Ctx, viewer: Viewer, filter: CallFilter) -> dict[CallId, Call]:
    async with info.context.services.store.work(viewer.tenant_id) as work:
        found = await work.calls.page(filter, SHOWN, None)
    return {call.id: call for call in found.items}


def _difference(told: dict[CallId, Call], now: dict[CallId, Call]) -> list[ListUpdate]:
    gone: list[ListUpdate] = [Removed(id) for id in told if id not in now]
    fresh: list[ListUpdate] = [Added(now[id]) for id in reversed(now) if id not in told]
    changed: list[ListUpdate] = [
        Changed(call) for id, call in now.items() if id in told and told[id] != call
    ]
    return gone + fresh + changed


async def _calmly(changes: AsyncIterator[Any]) -> AsyncGenerator[None]:
    """One item for any number of changes within a moment."""
    happened = asyncio.Event()

    async def gather() -> None:
        async for _ in changes:
            happened.set()

    gathering = asyncio.create_task(gather())
    try:
        while not gathering.done():
            await happened.wait()
            happened.clear()
            yield None
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await end(gathering)
