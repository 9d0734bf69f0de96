"""A conversation without a server: its events stay in memory, and the test controls its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain.calls.context import CallContext
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction
from domain.calls.state import CallProjection
from domain.common.access import TenantId
from domain.simulations.model import StubHttpClient
from domain.tenants.provider_keys import ProviderKeys
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.workflows.agents import AgentSpec
from domain.workflows.model import Node, Snapshot, Version, VersionId, WorkflowId, WorkflowSpec
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime
from worker.session.call_clock import CallClock
from worker.session.conversation import Conversation
from worker.simulation.runner import InMemoryEventWriter

NIL_ID = UUID(int=0)


def version_of(agent: AgentSpec) -> Version:
    """A published workflow with this agent."""
    workflow = WorkflowSpec(
        name="clinic", nodes=(Node(id="only", agent=agent.name, is_entry=True),)
    )
    return Version(
        id=VersionId(NIL_ID),
        tenant_id=TenantId(NIL_ID),
        workflow_id=WorkflowId(NIL_ID),
        number=1,
        checksum="",
        note=None,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        published_by="",
        snapshot=Snapshot(workflow=workflow, agents={agent.name: agent}, tools={}),
    )


def voice_conversation(
    time: FakeTime,
    writer: InMemoryEventWriter,
    agent: AgentSpec = RECEPTION,
    *,
    max_seconds: int = 3600,
    is_takeover: bool = False,
    settings: TenantSettings = NO_SETTINGS,
) -> Conversation:
    """An answered voice call with one agent, which has entered its node."""
    call = Call(
        id=CallId(NIL_ID),
        tenant_id=TenantId(NIL_ID),
        kind=CallKind.VOIP,
        direction=Direction.INBOUND,
        state=CallState.ACTIVE,
        workflow_id=WorkflowId(NIL_ID),
        version_id=VersionId(NIL_ID),
        max_seconds=max_seconds,
        created_at=time.now(),
    )
    claim = Claim(
        call=call,
        version=version_of(agent),
        epoch=1,
        is_takeover=is_takeover,
        settings=settings,
    )
    projection = replace(
        CallProjection(state=CallState.ACTIVE, context=CallContext()),
        node="only",
        answered_at=time.now(),
        entered_at=time.now(),
    )
    return Conversation(
        claim,
        projection,
        writer,
        ProviderKeys(),
        StubHttpClient([]),
        clock=CallClock(time),
    )
