"""Nodes that act when they are entered, and goodbyes, in voice calls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    NodeEntered,
)
from domain.calls.model import EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.workflows.model import EntryAction, WorkflowSpec
from local.livekit import LivekitCredentials
from tests.support.demo_workflow import BOOKING, CLINIC
from tests.support.voice_clients import joined_caller, voice_clinic
from tests.voice.test_voice_calls import said, started
from tests.worker.test_text_calls import watch

pytestmark = pytest.mark.anyio


def clinic(**actions: EntryAction) -> WorkflowSpec:
    nodes = tuple(
        replace(node, on_entry=actions.get(node.id, node.on_entry)) for node in CLINIC.nodes
    )
    return replace(CLINIC, nodes=nodes)


def ended(seen: list[CallEvent]) -> EndReason:
    assert isinstance(seen[-1], CallEnded)
    return seen[-1].reason


async def test_a_node_is_heard_to_the_end_before_it_ends_the_call(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    ends = clinic(booking=EntryAction.END_CALL)
    async with voice_clinic(settings, viewer, livekit, workflow=ends) as (services, heard, _):
        heard.utterances = ["I need an appointment"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            seen = await watch(services, viewer, call.id, CallEnded)
            await caller.wait_disconnected()
    assert said(seen) == [
        "Sunrise Clinic, hello.",
        "One moment.",
        "Booking here. When suits you?",
    ]
    assert [e.interrupted for e in seen if isinstance(e, AgentTurn)] == [False] * 3
    assert ended(seen) is EndReason.WORKFLOW_FINISHED


async def test_goodbye_with_the_end_of_the_call_is_said_once(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    assert BOOKING.llm is not None
    rule = {"says": "Goodbye for now.", "calls": {"tool": "end_call"}}
    polite = replace(BOOKING, llm=replace(BOOKING.llm, options={"rules": [rule]}))
    async with voice_clinic(settings, viewer, livekit, booking=polite) as (services, heard, _):
        heard.utterances = ["I need an appointment", "never mind"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await caller.speak()
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.speak()
            seen = await watch(services, viewer, call.id, CallEnded)
    assert said(seen)[3:] == ["Goodbye for now."]
    assert [e.more for e in seen if isinstance(e, AgentTurn)] == [False, True, False, False]
    assert ended(seen) is EndReason.WORKFLOW_FINISHED


async def test_a_call_that_starts_at_a_node_that_routes_is_greeted_by_both_agents(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    routes = clinic(reception=EntryAction.ROUTE)
    async with voice_clinic(settings, viewer, livekit, workflow=routes) as (services, heard, _):
        heard.utterances = ["tomorrow at ten"]
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await watch(services, viewer, call.id, AgentTurn, 2)
            await caller.speak()
            seen = await watch(services, viewer, call.id, AgentTurn, 3)
    assert [e.node for e in seen if isinstance(e, NodeEntered)] == ["reception", "booking"]
    assert [e.agent for e in seen if isinstance(e, AgentTurn)] == [
        "reception",
        "booking",
        "booking",
    ]
    assert said(seen) == [
        "Sunrise Clinic, hello.",
        "Booking here. When suits you?",
        "You are booked for tomorrow at ten.",
    ]
