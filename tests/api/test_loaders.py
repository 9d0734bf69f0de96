"""What is left of loaders when the operation that used them has been cancelled."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from domain.common.access import Viewer
from domain.common.errors import Unavailable
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.ports import MAX_LONG_LOGS, Services
from graph.app import build_schema_with_loaders
from resolvers.context import RequestContext
from resolvers.global_ids import global_id
from resolvers.loaders import REPLAY_TIMEOUT_SECONDS, Loader
from tests.support.demo_workflow import publish_clinic
from tests.support.long_logs import append_events
from tests.worker.test_text_calls import started

pytestmark = pytest.mark.anyio

NODES_VISITED = "query ($id: ID!) { node(id: $id) { ... on Call { nodesVisited } } }"


async def test_a_cancelled_operation_stops_its_loaders(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await append_events(settings, call.id, 1_000)
    slots = services.long_log_limit.semaphore(viewer.tenant_id)
    for _ in range(MAX_LONG_LOGS):
        await slots.acquire()
    before = asyncio.all_tasks()
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await build_schema_with_loaders([]).execute(
                NODES_VISITED,
                variable_values={"id": global_id("Call", call.id)},
                context_value=RequestContext(services=services, viewer=viewer),
            )
    # Loaders that are not stopped wait for a slot until their own deadline.
    async with asyncio.timeout(REPLAY_TIMEOUT_SECONDS / 2):
        await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)


async def test_an_error_that_no_field_waits_for_is_not_logged() -> None:
    unhandled: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    is_loading, may_fail = asyncio.Event(), asyncio.Event()

    async def load(keys: Sequence[int]) -> list[int]:
        is_loading.set()
        await may_fail.wait()
        raise Unavailable("The log cannot be read.")

    loader = Loader(load)
    cancelled, other = (asyncio.ensure_future(loader.load(key)) for key in (1, 2))
    await is_loading.wait()
    await cancel_and_wait(cancelled)
    may_fail.set()
    with pytest.raises(Unavailable):
        await other
    del loader, cancelled, other
    gc.collect()
    loop.set_exception_handler(None)
    assert unhandled == []
