"""Simulation suites that are created from past calls."""

from __future__ import annotations

from typing import Any

from domain.calls.events import StoredEvent
from domain.calls.state import paced_log
from domain.common.access import Scope
from domain.common.errors import InvalidInput
from domain.simulations.suites import suite_from_call
from resolvers import calls, workflows
from resolvers.context import Ctx
from resolvers.event_logs import log_reader

MAX_SUITE_EVENTS = 5_000


async def from_call(info: Ctx, id: str) -> dict[str, Any] | None:
    viewer = info.context.require(Scope.CALLS_READ)
    call = await calls.call(info, id, "callId")
    version = await workflows.version(info, call.version_id) if call else None
    if call is None or version is None:
        return None
    services, log = info.context.services, list[StoredEvent]()
    async with log_reader(services, viewer.tenant_id, call.id) as read:
        async for event in paced_log(read, services.pacer):
            log.append(event)
            if len(log) > MAX_SUITE_EVENTS:
                raise InvalidInput(
                    f"The call has more than {MAX_SUITE_EVENTS} events, which is too many for a "
                    "simulation; choose a shorter call.",
                    ("callId",),
                )
    snapshot = version.snapshot
    return suite_from_call(call, snapshot.workflow.name, log, snapshot.tools)
