"""A caller's phone is answered once the caller hears the agent; until then the agent is silent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from domain.calls.context import CallContext
from domain.calls.dial_outcomes import LegStatus
from domain.calls.events import CallerQueued, QueueStage, StateChanged
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction, EndReason
from domain.calls.state import CallProjection
from domain.common.access import TenantId
from domain.simulations.model import StubHttpClient
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.model import VersionId, WorkflowId
from tests.support.conversations import NIL_ID, version_of
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime
from tests.support.phone_network import FakeRoom, Participant, PhoneNetwork
from worker.common.sip_legs import STATUS_ATTRIBUTE
from worker.session.call_clock import CallClock
from worker.session.conversation import Conversation
from worker.session.inbound_answer import InboundAnswer
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio

CALLER = "sip_+12025550144"


def inbound_call() -> Call:
    return Call(
        id=CallId(NIL_ID),
        tenant_id=TenantId(NIL_ID),
        kind=CallKind.SIP,
        direction=Direction.INBOUND,
        state=CallState.CONNECTING,
        workflow_id=WorkflowId(NIL_ID),
        version_id=VersionId(NIL_ID),
        room_name="in_1",
        caller_identity=CALLER,
        ringing_seconds=20,
        max_seconds=3600,
        created_at=datetime.fromisoformat("2026-01-01T09:00:00Z"),
    )


def ringing() -> Participant:
    return Participant(identity=CALLER, attributes={STATUS_ATTRIBUTE: LegStatus.RINGING})


@dataclass
class World:
    """An inbound call that a worker has claimed, and the caller who rings."""

    leg: Participant | None = field(default_factory=ringing)
    answered_before: bool = False
    held: bool = False
    time: FakeTime = field(default_factory=FakeTime)

    def __post_init__(self) -> None:
        self.network = PhoneNetwork(self.time, leg=self.leg)
        self.room: FakeRoom = self.network.open_room()
        self.log = InMemoryEventWriter()
        projection = CallProjection(context=CallContext())
        for state in (CallState.CONNECTING, CallState.ACTIVE)[: 1 + self.answered_before]:
            event = StateChanged(before=None, state=state)
            projection = projection.apply(event, self.time.now())
        if self.held:
            queued = CallerQueued(stage=QueueStage.HOLD, position=1, waited_ms=0)
            projection = projection.apply(queued, self.time.now())
        claim = Claim(
            call=inbound_call(),
            version=version_of(RECEPTION),
            epoch=1,
            is_takeover=self.answered_before,
        )
        self.conversation = Conversation(
            claim,
            projection,
            self.log,
            ProviderKeys(),
            StubHttpClient([]),
            clock=CallClock(self.time),
        )
        self.answer = InboundAnswer(self.conversation, self.room, self.network)

    @property
    def states(self) -> list[CallState]:
        return [e.state for e in self.log.events if isinstance(e, StateChanged)]

    async def outcome(self, seconds: float) -> EndReason | None:
        """Let time pass; the call must be decided by then."""
        running = asyncio.create_task(self.answer.run())
        await self.time.advance(seconds)
        assert running.done()
        return await running


async def test_agents_are_silent_until_the_caller_hears_them() -> None:
    world = World()
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(3)
    assert not world.conversation.answered.is_set()
    world.network.show(LegStatus.ACTIVE)
    await world.time.advance(0)
    assert await running is None
    assert world.conversation.answered.is_set()
    assert world.states == [CallState.ACTIVE]


async def test_a_caller_who_gives_up_before_the_answer_ends_the_call() -> None:
    world = World()
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(3)
    world.network.leave("CLIENT_INITIATED")
    await world.time.advance(0)
    assert await running is EndReason.NO_ANSWER
    assert (world.states, world.conversation.answered.is_set()) == ([], False)


async def test_a_caller_who_gave_up_before_the_worker_came_ends_the_call_soon() -> None:
    assert await World(leg=None).outcome(3) is EndReason.NO_ANSWER


async def test_an_outage_of_livekit_does_not_end_a_call_that_rings() -> None:
    world = World()
    world.network.lists_legs = False
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(10)
    world.network.show(LegStatus.ACTIVE)
    await world.time.advance(0)
    assert await running is None


async def test_a_restart_of_livekit_while_the_phone_rings_is_no_hang_up() -> None:
    world = World()
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(3)
    world.network.leave("UNKNOWN_REASON")
    await world.time.advance(4.6)
    leg = world.network.leg = world.room.legs[CALLER] = ringing()
    world.room.emit("participant_connected", leg)
    await world.time.advance(1)
    world.network.show(LegStatus.ACTIVE)
    await world.time.advance(0)
    assert await running is None


async def test_a_leg_that_does_not_come_back_after_a_restart_ends_the_call() -> None:
    world = World()
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(3)
    world.network.leave("UNKNOWN_REASON")
    await world.time.advance(9)
    assert not running.done()
    await world.time.advance(3)
    assert await running is EndReason.NO_ANSWER


async def test_a_call_does_not_ring_for_ever() -> None:
    assert await World().outcome(26) is EndReason.NO_ANSWER


async def test_a_call_that_was_answered_before_a_takeover_goes_ahead_at_once() -> None:
    world = World(answered_before=True)
    assert await world.outcome(0) is None
    assert world.states == []


async def test_an_agent_greets_a_caller_on_hold_once_the_lobby_has_left() -> None:
    world = World(held=True)
    lobby = Participant(identity="lobby-1-1")
    world.room.legs[lobby.identity] = lobby
    running = asyncio.create_task(world.answer.run())
    await world.time.advance(1)
    assert not running.done()
    del world.room.legs[lobby.identity]
    world.room.emit("participant_disconnected", lobby)
    await world.time.advance(0)
    # LiveKit shows the phone as ringing, as after a restart of its server.
    assert await running is None
    assert [type(e).__name__ for e in world.log.events] == ["CallerDequeued", "StateChanged"]


async def test_a_lobby_that_is_dead_does_not_keep_the_agent_silent() -> None:
    world = World(held=True)
    lobby = Participant(identity="lobby-1-1")
    world.room.legs[lobby.identity] = lobby
    assert await world.outcome(2) is None


async def test_a_caller_who_hangs_up_on_hold_has_abandoned_the_call() -> None:
    world = World(leg=None, held=True)
    assert await world.outcome(3) is EndReason.ABANDONED
