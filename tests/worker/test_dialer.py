"""Dialling a callee: once, whatever happens to the workers, and with the right outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from domain.calls.context import CallContext
from domain.calls.dial_outcomes import DialError, LegStatus
from domain.calls.events import CallEvent, DialFailed, DialStarted, ErrorRaised, StateChanged
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction, EndReason
from domain.calls.state import CallProjection
from domain.common.access import TenantId
from domain.common.calling_hours import CallingHours
from domain.common.errors import DialRefused, QuotaExceeded
from domain.simulations.model import StubHttpClient
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.trunks import DialTrunk, OutboundTrunkId, OutboundTrunkSpec
from domain.tenants.budgets import Budget
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.model import VersionId, WorkflowId
from tests.support.conversations import NIL_ID, version_of
from tests.support.demo_workflow import RECEPTION
from tests.support.fake_time import FakeTime, settle
from tests.support.phone_network import PhoneNetwork, Script
from worker.session.call_clock import CallClock
from worker.session.conversation import CallLost, Conversation
from worker.session.dialer import Dialer, ReserveDial, dial_at_once
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio

R = EndReason
TRUNK = DialTrunk(
    id=OutboundTrunkId(UUID(int=1)),
    spec=OutboundTrunkSpec(name="carrier", address="sip.example.com", region="US"),
)
ANSWERS = Script()
BUSY = Script(
    answers=False,
    error=DialError(code="resource_exhausted", message="INVITE failed", sip_status=486),
)
RINGS_FOREVER = Script(
    ends_after=30.0,
    answers=False,
    error=DialError(code="canceled", message="sip request timed out"),
    left="USER_UNAVAILABLE",
)
NEVER_RINGS = replace(RINGS_FOREVER, rings_after=None)
NO_SIP_SERVER = Script(
    rings_after=None,
    ends_after=0.05,
    answers=False,
    error=DialError(code="unavailable", message="no response from servers"),
)


def call_to(number: str = "+12025550102") -> Call:
    return Call(
        id=CallId(NIL_ID),
        tenant_id=TenantId(NIL_ID),
        kind=CallKind.SIP,
        direction=Direction.OUTBOUND,
        state=CallState.CONNECTING,
        workflow_id=WorkflowId(NIL_ID),
        version_id=VersionId(NIL_ID),
        phone_number=number,
        from_number="+12025550101",
        to_number=number,
        trunk_id=TRUNK.id,
        ringing_seconds=30,
        max_seconds=3600,
        created_at=datetime.fromisoformat("2026-01-01T09:00:00Z"),
    )


class Log(InMemoryEventWriter):
    """The log of a call, to which the worker with the current epoch may write. What it emits is stored
    a moment later, unless the worker crashes before."""

    LAG = timedelta(milliseconds=10)

    def __init__(self, time: FakeTime) -> None:
        super().__init__()
        self.epoch = 0
        self.stored: list[tuple[CallEvent, datetime]] = []
        self._time = time
        self._pending: list[tuple[CallEvent, datetime]] = []
        self._changed = asyncio.Event()

    def emit(self, claim: Claim, event: CallEvent) -> None:
        if not self._pending:
            self._time.call_at(self._time.now() + self.LAG, self.flush)
        self._pending.append((event, self._time.now()))

    def flush(self) -> None:
        self.stored += self._pending
        self.events += [event for event, _ in self._pending]
        self._pending.clear()
        self._changed.set()

    def lose(self) -> None:
        """Lose what is not stored yet."""
        self._pending.clear()
        self._changed.set()

    async def wait_until_stored(self, claim: Claim) -> None:
        while self._pending and not self.is_fenced(claim):
            self._changed.clear()
            await self._changed.wait()

    def is_fenced(self, claim: Claim) -> bool:
        return claim.epoch != self.epoch

    async def holds_lease(self, claim: Claim) -> bool:
        await asyncio.sleep(0)
        return not self.is_fenced(claim)


@dataclass
class World:
    """One call, the workers that hold it one after the other, and the telephone network."""

    script: Script = ANSWERS
    call: Call = field(default_factory=call_to)
    trunk: DialTrunk | None = TRUNK
    time: FakeTime = field(default_factory=FakeTime)
    reserve_dial: ReserveDial = dial_at_once

    def __post_init__(self) -> None:
        self.network = PhoneNetwork(self.time, self.script)
        self.log = Log(self.time)
        self.log.stored.append(
            (StateChanged(before=None, state=CallState.CONNECTING), self.time.now())
        )

    def start_worker(self) -> asyncio.Task[EndReason | None]:
        """Let a worker claim the call and dial it."""
        self.log.epoch += 1
        projection = CallProjection(context=CallContext())
        for event, at in self.log.stored:
            projection = projection.apply(event, at)
        claim = Claim(
            call=self.call,
            version=version_of(RECEPTION),
            epoch=self.log.epoch,
            is_takeover=self.log.epoch > 1,
            dial_trunk=self.trunk,
        )
        self.conversation = Conversation(
            claim,
            projection,
            self.log,
            ProviderKeys(),
            StubHttpClient([]),
            clock=CallClock(self.time),
        )
        room = self.network.open_room()
        self.dialer = Dialer(self.conversation, room, self.network, self.reserve_dial)
        return asyncio.create_task(self.dialer.run())

    async def crash(self, worker: asyncio.Task[EndReason | None], *, is_stored: bool) -> None:
        """Kill the worker, after or before what it has just emitted is stored."""
        self.log.epoch += 1
        if is_stored:
            self.log.flush()
        else:
            self.log.lose()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        self.network.rooms.clear()

    async def finish(self, worker: asyncio.Task[EndReason | None]) -> EndReason | None:
        """Let time pass until the dial is over; returns its outcome."""
        for _ in range(120):
            if worker.done():
                break
            await self.time.advance(1.0)
        await self.time.advance(1.0)
        return await worker

    async def outcome(self) -> EndReason | None:
        return await self.finish(self.start_worker())

    @property
    def states(self) -> list[CallState]:
        return [e.state for e in self.log.events if isinstance(e, StateChanged)]


DIALING, RINGING, ACTIVE = CallState.DIALING, CallState.RINGING, CallState.ACTIVE


async def test_an_answered_call_is_dialled_once_and_opens_the_gate_of_the_agents() -> None:
    world = World()
    worker = world.start_worker()
    await world.time.advance(1.0)
    assert not world.conversation.answered.is_set()
    assert await world.finish(worker) is None
    assert world.conversation.answered.is_set()
    assert (world.network.invites, world.states) == (1, [DIALING, RINGING, ACTIVE])


async def test_the_intent_is_stored_before_the_request_is_sent() -> None:
    world = World()
    worker = world.start_worker()
    while not any(isinstance(event, DialStarted) for event, _ in world.log.stored):
        assert world.network.invites == 0
        await settle()
        await world.time.advance(0.001)
    await settle()
    assert world.network.invites == 1
    await world.finish(worker)


@pytest.mark.parametrize(
    ("script", "outcome", "sip_status", "states"),
    [
        (BUSY, R.BUSY, 486, [DIALING, RINGING]),
        (RINGS_FOREVER, R.NO_ANSWER, None, [DIALING, RINGING]),
        (NEVER_RINGS, R.UNREACHABLE, None, [DIALING]),
        (NO_SIP_SERVER, R.TELEPHONY_UNAVAILABLE, None, [DIALING]),
        (replace(RINGS_FOREVER, ends_after=None), R.NO_ANSWER, None, [DIALING, RINGING]),
        (replace(NEVER_RINGS, ends_after=None), R.UNREACHABLE, None, [DIALING]),
    ],
)
async def test_a_dial_that_fails_has_its_outcome(
    script: Script, outcome: EndReason, sip_status: int | None, states: list[CallState]
) -> None:
    world = World(script)
    assert await world.outcome() is outcome
    [failed] = [event for event in world.log.events if isinstance(event, DialFailed)]
    assert (failed.reason, failed.sip_status) == (outcome, sip_status)
    assert (world.network.invites, world.states) == (1, states)
    assert not world.conversation.answered.is_set()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (ANSWERS, None),
        (BUSY, R.DECLINED),
        (RINGS_FOREVER, R.NO_ANSWER),
        (NEVER_RINGS, R.UNREACHABLE),
    ],
)
async def test_without_a_response_the_room_decides(
    script: Script, outcome: EndReason | None
) -> None:
    world = World(replace(script, loses_response=True))
    assert await world.outcome() is outcome
    assert world.network.invites == 1


async def test_the_response_decides_when_the_room_still_shows_a_leg_that_has_left() -> None:
    world = World(BUSY)
    worker = world.start_worker()
    await world.time.advance(1.0)
    world.network.rooms.clear()  # the worker misses that the leg leaves
    assert await world.finish(worker) is R.BUSY


async def test_a_restart_of_livekit_while_the_phone_rings_is_no_outcome() -> None:
    world = World(replace(ANSWERS, ends_after=9.0))
    worker = world.start_worker()
    await world.time.advance(1.0)
    leg = world.network.leg
    assert leg is not None
    world.network.leave("UNKNOWN_REASON")
    await world.time.advance(4.6)
    leg.attributes["sip.callStatus"] = LegStatus.DIALING
    world.network.leg = leg
    for room in world.network.rooms:
        room.legs[leg.identity] = leg
        room.emit("participant_connected", leg)
    assert await world.finish(worker) is None
    assert world.network.invites == 1


# ---- takeovers -----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.3, 1.0])
@pytest.mark.parametrize(
    ("script", "outcome"),
    [(ANSWERS, None), (BUSY, R.DECLINED), (RINGS_FOREVER, R.NO_ANSWER)],
)
async def test_a_worker_that_takes_over_watches_the_leg_that_is_there(
    seconds: float, script: Script, outcome: EndReason | None
) -> None:
    world = World(script)
    first = world.start_worker()
    await world.time.advance(seconds)
    await world.crash(first, is_stored=True)
    assert await world.outcome() is outcome
    assert world.network.invites == 1


async def test_a_call_that_was_answered_without_a_worker_is_active() -> None:
    world = World()
    first = world.start_worker()
    await world.time.advance(1.0)
    await world.crash(first, is_stored=True)
    await world.time.advance(5.0)
    assert await world.outcome() is None
    assert (world.network.invites, world.states) == (1, [DIALING, RINGING, ACTIVE])


async def test_a_call_that_is_active_in_the_log_is_active_whatever_the_leg_shows() -> None:
    world = World()
    await world.outcome()
    world.log.flush()
    world.network.show(LegStatus.DIALING)
    assert await world.outcome() is None
    assert (world.network.invites, world.states) == (1, [DIALING, RINGING, ACTIVE])


async def test_a_leg_that_is_gone_after_a_takeover_leaves_the_dial_unknown() -> None:
    world = World(BUSY)
    first = world.start_worker()
    await world.time.advance(1.0)
    await world.crash(first, is_stored=True)
    await world.time.advance(5.0)
    assert await world.outcome() is R.DIAL_UNKNOWN
    assert world.network.invites == 1


async def test_a_fenced_worker_does_not_dial() -> None:
    world = World()
    worker = world.start_worker()
    await settle()
    world.log.epoch += 1  # another worker holds the call before the intent is stored
    await world.time.advance(1.0)
    with pytest.raises(CallLost):
        await worker
    assert world.network.invites == 0


PHONES = {
    "answers": ANSWERS,
    "is busy": BUSY,
    "rings": replace(RINGS_FOREVER, ends_after=8.0),
    "answers, and the response is lost": replace(ANSWERS, loses_response=True),
}
OUTCOMES: Mapping[str, set[EndReason | None]] = {
    "answers": {None, R.DIAL_UNKNOWN},
    "is busy": {R.BUSY, R.DECLINED, R.DIAL_UNKNOWN},
    "rings": {R.NO_ANSWER, R.DIAL_UNKNOWN},
    "answers, and the response is lost": {None, R.DIAL_UNKNOWN},
}
FIRST_STEPS, SECOND_STEPS = range(32), range(0, 16, 5)


def crash_points() -> Iterator[tuple[int, int, bool, bool]]:
    """After how many steps the first and the second worker crash, and whether what each of them has
    just emitted is stored."""
    return product(FIRST_STEPS, SECOND_STEPS, (False, True), (False, True))


@pytest.mark.parametrize("phone", PHONES)
async def test_no_crash_between_two_steps_makes_a_call_be_dialled_twice(phone: str) -> None:
    outcomes: set[EndReason | None] = set()
    for first_steps, second_steps, first_stored, second_stored in crash_points():
        world = World(PHONES[phone])
        for steps, is_stored in ((first_steps, first_stored), (second_steps, second_stored)):
            worker = world.start_worker()
            await step(world.time, steps)
            await world.crash(worker, is_stored=is_stored)
            is_intended = any(isinstance(event, DialStarted) for event, _ in world.log.stored)
            assert is_intended or world.network.invites == 0
        outcome = await world.outcome()
        assert world.network.invites <= 1
        assert outcome in OUTCOMES[phone]
        outcomes.add(outcome)
    assert outcomes == OUTCOMES[phone]


async def step(time: FakeTime, steps: int) -> None:
    """Run that many passes of the event loop, with a little time between some of them."""
    for number in range(steps):
        await asyncio.sleep(0)
        if number % 4 == 3:
            time.time += timedelta(milliseconds=40)
            time.fire_due()


# ---- what must not be dialled --------------------------------------------------------------


async def over_budget() -> float:
    raise QuotaExceeded(
        "All minutes are used.", budget=Budget.MINUTES_PER_MONTH, used=9, limit=9, resets_at=None
    )


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (World(trunk=None), "was deleted"),
        (World(trunk=replace(TRUNK, problem="The password cannot be decrypted.")), "decrypted"),
        (World(trunk=replace(TRUNK, spec=replace(TRUNK.spec, is_enabled=False))), "disabled"),
        (World(call=call_to("+18765550123")), "JM"),
        (World(reserve_dial=over_budget), "minutes are used"),
        (
            World(
                call=replace(
                    call_to(),
                    calling_hours=CallingHours(
                        start=datetime.min.time().replace(hour=8),
                        end=datetime.min.time().replace(hour=21),
                    ),
                )
            ),
            "America/New_York",
        ),
    ],
)
async def test_what_is_not_allowed_any_more_is_not_dialled(world: World, words: str) -> None:
    assert await world.outcome() is R.DIAL_NOT_ALLOWED
    assert world.network.invites == 0
    [error] = [event for event in world.log.events if isinstance(event, ErrorRaised)]
    assert (error.source, error.recoverable, words in error.message) == ("dial", False, True)
    assert "+1" not in error.message


async def unresolved() -> float:
    raise DialRefused("No record was found.", ("trunk",), reason=DialRefusal.UNRESOLVED_ADDRESS)


async def test_a_trunk_whose_name_does_not_resolve_has_failed_and_is_not_dialled() -> None:
    world = World(reserve_dial=unresolved)
    assert await world.outcome() is R.TRUNK_FAILED
    assert world.network.invites == 0
    [error] = [event for event in world.log.events if isinstance(event, ErrorRaised)]
    assert (error.source, error.message) == ("dial", "No record was found.")
