"""When the telephone line of an answered call is over, and when it only seems to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from livekit import rtc

from domain.calls.dial_outcomes import LegStatus
from domain.calls.model import EndReason
from domain.common.tasks import cancel_and_wait
from tests.support.fake_time import settle
from tests.support.phone_network import FakeRoom
from tests.worker.test_dialer import World
from worker.session.packet_arrivals import Arrivals
from worker.session.phone_line import PhoneLine

pytestmark = pytest.mark.anyio

R = EndReason


@dataclass
class Line:
    """An answered call, whose phone sends packets as long as it is alive."""

    world: World = field(default_factory=World)
    is_alive: bool = True
    last_packet: float = 0.0

    async def measure(self, leg: rtc.RemoteParticipant) -> Arrivals | None:
        if self.is_alive:
            self.last_packet = self.world.time.now().timestamp()
        return Arrivals(self.last_packet, self.world.time.now().timestamp())

    @property
    def room(self) -> FakeRoom:
        return self.world.network.rooms[0]

    async def pass_time(self, seconds: float) -> EndReason | None:
        """Let time pass; returns why the call is over, None if it is not."""
        await self.world.time.advance(seconds)
        return self.over.result() if self.over.done() else None

    over: asyncio.Task[EndReason] = field(init=False)


@asynccontextmanager
async def answered_line() -> AsyncIterator[Line]:
    line = Line()
    dial = line.world.start_worker()
    phone_line = PhoneLine(line.world.conversation, line.room, line.world.network, line.measure)
    line.over = asyncio.create_task(phone_line.wait_until_over())
    assert await line.world.finish(dial) is None
    try:
        yield line
    finally:
        await cancel_and_wait(line.over)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("CLIENT_INITIATED", R.HUNG_UP_BY_USER),
        ("CONNECTION_TIMEOUT", R.TELEPHONY_UNAVAILABLE),
        ("ROOM_DELETED", R.ROOM_GONE),
    ],
)
async def test_a_leg_that_leaves_ends_the_call_at_once(reason: str, outcome: EndReason) -> None:
    async with answered_line() as line:
        line.world.network.leave(reason)
        await settle()
        assert line.over.result() is outcome


async def test_a_phone_that_sends_nothing_any_more_is_dead_after_twelve_seconds() -> None:
    async with answered_line() as line:
        assert await line.pass_time(60) is None
        line.is_alive = False
        assert await line.pass_time(10) is None
        assert await line.pass_time(4) is R.LINE_LOST


async def test_a_pause_of_a_few_seconds_is_not_the_end() -> None:
    async with answered_line() as line:
        for _ in range(5):
            line.is_alive = False
            assert await line.pass_time(9) is None
            line.is_alive = True
            assert await line.pass_time(2) is None


async def test_a_leg_that_only_the_room_still_shows_is_gone() -> None:
    async with answered_line() as line:
        ghost = line.world.network.leg
        assert ghost is not None
        line.world.network.leg = None
        line.is_alive = False
        assert await line.pass_time(15) is R.LINE_LOST


async def test_a_restart_of_livekit_is_no_hang_up() -> None:
    async with answered_line() as line:
        leg = line.world.network.leg
        assert leg is not None
        line.world.network.leave("UNKNOWN_REASON")
        line.is_alive = False
        assert await line.pass_time(4.6) is None
        line.world.network.leg = leg
        line.room.legs[leg.identity] = leg
        line.room.emit("participant_connected", leg)
        line.world.network.show(LegStatus.DIALING)  # as LiveKit shows it from then on
        line.is_alive = True
        assert await line.pass_time(60) is None


async def test_a_leg_that_does_not_come_back_after_a_restart_is_lost() -> None:
    async with answered_line() as line:
        line.world.network.leave("UNKNOWN_REASON")
        assert await line.pass_time(9) is None
        assert await line.pass_time(3) is R.LINE_LOST


async def test_nothing_is_concluded_while_livekit_does_not_respond() -> None:
    async with answered_line() as line:
        line.is_alive = False
        line.world.network.lists_legs = False
        assert await line.pass_time(40) is None
        line.world.network.lists_legs = True
        assert await line.pass_time(2) is R.LINE_LOST


async def test_our_own_reconnection_gives_the_phone_its_time_again() -> None:
    async with answered_line() as line:
        line.is_alive = False
        assert await line.pass_time(10) is None
        line.room.is_connected = False
        assert await line.pass_time(20) is None
        line.room.is_connected = True
        line.is_alive = True
        assert await line.pass_time(30) is None


async def test_a_hang_up_at_the_moment_of_the_answer_is_not_missed() -> None:
    world = World()
    dial = world.start_worker()
    room = world.network.rooms[0]
    line = Line(world)
    phone_line = PhoneLine(world.conversation, room, world.network, line.measure)
    over = asyncio.create_task(phone_line.wait_until_over())
    await world.time.advance(1.0)
    world.network.leave("CLIENT_INITIATED")
    world.conversation.answered.set()
    await settle()
    assert over.result() is R.HUNG_UP_BY_USER
    await cancel_and_wait(dial)
