"""Starting, messaging and ending calls through the use cases of the API."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from domain.calls.events import CallEnded, CommandRefused, StateChanged
from domain.calls.model import CallState, EndReason
from domain.common.access import Viewer
from domain.common.errors import (
    CallHasEnded,
    IdempotencyConflict,
    WorkflowNotFound,
    WorkflowNotPublished,
)
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, send_message, start_call
from tests.support.demo_workflow import publish_clinic, save_clinic
from worker.common.retry import retry_while_unavailable

pytestmark = pytest.mark.anyio


async def test_fifty_starts_with_one_idempotency_key_start_one_call(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic", idempotency_key="k1")
    start = partial(start_call, services, viewer, request)
    calls = await asyncio.gather(*(retry_while_unavailable(start) for _ in range(50)))
    assert len({call.id for call in calls}) == 1
    other = CallRequest(workflow_name="clinic", idempotency_key="k1", user_id="someone")
    with pytest.raises(IdempotencyConflict):
        await start_call(services, viewer, other)


async def test_a_draft_is_started_only_on_request(services: Services, viewer: Viewer) -> None:
    await save_clinic(services, viewer)
    with pytest.raises(WorkflowNotPublished):
        await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    with pytest.raises(WorkflowNotFound):
        await start_call(services, viewer, CallRequest(workflow_name="nothing"))
    draft = CallRequest(workflow_name="clinic", draft=True)
    first = await start_call(services, viewer, draft)
    second = await start_call(services, viewer, draft)
    assert first.version_id == second.version_id


async def test_an_unclaimed_call_ends_immediately_and_refuses_pending_commands(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    command = await send_message(services, viewer, call.id, "hello?", None)
    ended = await end_call(services, viewer, call.id)
    assert (ended.state, ended.end_reason) == (CallState.CANCELED, EndReason.CANCELED)
    events = [
        update.event async for update in services.streams.follow(viewer.tenant_id, call.id, None)
    ]
    assert events[0] == StateChanged(before=None, state=CallState.PENDING)
    assert isinstance(events[1], CommandRefused)
    assert events[1].command_id == str(command.id)
    assert isinstance(events[2], CallEnded)
    assert len(events) == 3
    with pytest.raises(CallHasEnded):
        await send_message(services, viewer, call.id, "still there?", None)
    assert await end_call(services, viewer, call.id) == ended
