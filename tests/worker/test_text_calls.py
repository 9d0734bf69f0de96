"""Text calls from start to end: real agents, real log, a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    CommandApplied,
    ContextChanged,
    ErrorRaised,
    HandedOff,
    NodeEntered,
    StateChanged,
    StoredEvent,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
    TurnMeasured,
    UserTurn,
    WorkerLeft,
    WorkerReplaced,
)
from domain.calls.model import Call, CallId, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, send_message, start_call
from persistence.worker_wiring import worker_services
from tests.support.demo_workflow import publish_clinic
from worker.process.host import Host
from worker.session.call_recorder import RecordingResources

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running_worker(settings: Settings) -> AsyncIterator[Host]:
    """A worker for the duration of the block, stopped as in a deployment."""
    stop, ready = asyncio.Event(), asyncio.Event()
    async with (
        worker_services(settings) as wired,
        RecordingResources.open(settings, wired.audio_store, wired.recording_store) as recorders,
        asyncio.TaskGroup() as tasks,
    ):
        host = Host(wired.queue, wired.event_writer, wired.http_client, settings, recorders)
        tasks.create_task(host.serve(stop, lambda _: ready.set(), lambda: None))
        await ready.wait()
        try:
            yield host
        finally:
            stop.set()


async def started(services: Services, viewer: Viewer) -> Call:
    return await start_call(services, viewer, CallRequest(workflow_name="clinic"))


async def watch(
    services: Services,
    viewer: Viewer,
    id: CallId,
    until: type | tuple[type, ...],
    count: int = 1,
    timeout_seconds: float = 60.0,
) -> list[CallEvent]:
    """Durable events up to the `count`-th of a kind."""
    seen: list[CallEvent] = []
    async with asyncio.timeout(timeout_seconds):
        async for update in services.streams.follow(viewer.tenant_id, id, None):
            if isinstance(update, StoredEvent):
                seen.append(update.event)
                count -= isinstance(update.event, until)
                if count == 0:
                    break
    return seen


def summary_lines(events: list[CallEvent]) -> list[str]:
    """One line per event."""
    lines = []
    for event in events:
        match event:
            case StateChanged():
                lines.append(str(event.state))
            case UserTurn():
                lines.append(f"caller: {event.text}")
            case AgentTurn():
                lines.append(f"{event.agent}: {event.text}")
            case NodeEntered():
                lines.append(f"enter {event.node}")
            case HandedOff():
                lines.append(f"{event.from_node} -> {event.to_node}")
            case ToolStarted():
                lines.append(f"{event.tool}?")
            case ToolFinished():
                lines.append(f"{event.tool} {event.outcome}: {event.result}")
            case ContextChanged():
                lines.append(f"{event.path} = {event.value}")
            case CallEnded():
                lines.append(f"{event.state} {event.reason} {event.blame}")
            case CommandApplied():
                lines.append(f"{event.command} applied")
            case ErrorRaised():
                lines.append(f"error {event.source}")
            case TurnMeasured() | WorkerReplaced() | WorkerLeft():
                lines.append(event.kind)
            case _:
                lines.append(repr(event))
    return lines


async def test_two_agents_book_an_appointment(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with running_worker(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "I need an appointment", None)
        await send_message(services, viewer, call.id, "tomorrow at ten", None)
        await watch(services, viewer, call.id, TurnMeasured, 2)
        await end_call(services, viewer, call.id)
        events = await watch(services, viewer, call.id, CallEnded)
    assert summary_lines(events) == [
        "PENDING",
        "CONNECTING",
        "ACTIVE",
        "enter reception",
        "reception: Sunrise Clinic, hello.",
        "caller: I need an appointment",
        "reception: One moment.",
        "reception -> booking",
        "enter booking",
        "booking: Booking here. When suits you?",
        "turn_measured",
        "caller: tomorrow at ten",
        "book_appointment?",
        "workflow.slot = tomorrow at ten",
        "flags.booked = True",
        "book_appointment SUCCEEDED: Booked for tomorrow at ten.",
        "booking: You are booked for tomorrow at ten.",
        "turn_measured",
        "END applied",
        "COMPLETED ENDED_BY_API API",
    ]


async def test_a_deployment_moves_a_call_to_the_next_worker(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with running_worker(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "I need an appointment", None)
        await watch(services, viewer, call.id, TurnMeasured, 1)
    await send_message(services, viewer, call.id, "tomorrow at ten", None)
    async with running_worker(settings):
        events = await watch(services, viewer, call.id, TurnMeasured, 2)
    reported = summary_lines(events)
    assert reported[11:14] == ["worker_left", "worker_replaced", "caller: tomorrow at ten"]
    assert reported[-2:] == ["booking: You are booked for tomorrow at ten.", "turn_measured"]
    assert reported.count("enter booking") == 1
    finished = [e for e in events if isinstance(e, ToolFinished)]
    assert [e.outcome for e in finished] == [ToolOutcome.SUCCEEDED]


async def test_an_idle_text_call_ends(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with running_worker(replace(settings, idle_call_seconds=0.3)):
        call = await started(services, viewer)
        events = await watch(services, viewer, call.id, CallEnded)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.SILENCE
