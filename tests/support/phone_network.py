"""A telephone network without servers, for the dialer: it counts what is dialled, rings and answers on the
time of a test, and shows the leg in the rooms of the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from livekit import rtc

from domain.calls.dial_outcomes import DialError, LegStatus
from domain.calls.model import Call
from domain.calls.rooms import CALLER_IDENTITY
from domain.common.errors import Unavailable
from domain.telephony.trunks import DialTrunk
from tests.support.fake_time import FakeTime
from worker.common.sip_legs import NO_RESPONSE, STATUS_ATTRIBUTE, Leg

JOIN_SECONDS = 0.1


@dataclass
class Participant:
    """The leg of the callee as a room shows it."""

    identity: str = CALLER_IDENTITY
    attributes: dict[str, str] = field(default_factory=dict)
    disconnect_reason: int | None = None


class FakeRoom(rtc.Room):
    """The room of a call as one worker sees it."""

    def __init__(self, leg: Participant | None = None) -> None:
        super().__init__()
        self.legs = {} if leg is None else {leg.identity: leg}
        self.is_connected = True

    @property
    def connection_state(self) -> Any:
        states = rtc.ConnectionState
        return states.CONN_CONNECTED if self.is_connected else states.CONN_RECONNECTING

    @property
    def remote_participants(self) -> Any:
        return MappingProxyType(self.legs)


@dataclass(frozen=True, slots=True)
class Script:
    """What becomes of a dial. The times are seconds after the request; None is never."""

    rings_after: float | None = 0.5
    ends_after: float | None = 2.0
    answers: bool = True
    error: DialError | None = None
    """LiveKit's response if the callee does not answer."""
    left: str = "USER_REJECTED"
    loses_response: bool = False
    """Whether LiveKit never responds to the request."""


@dataclass
class PhoneNetwork:
    time: FakeTime
    script: Script = Script()
    invites: int = 0
    leg: Participant | None = None
    rooms: list[FakeRoom] = field(default_factory=list)
    lists_legs: bool = True
    """False: LiveKit's server does not respond to the question for the leg."""

    def open_room(self) -> FakeRoom:
        room = FakeRoom(self.leg)
        self.rooms.append(room)
        return room

    async def dial(self, call: Call, trunk: DialTrunk) -> DialError | None:
        self.invites += 1
        response: asyncio.Future[DialError | None] = asyncio.get_running_loop().create_future()
        script = self.script
        self._after(JOIN_SECONDS, self._join)
        if script.rings_after is not None:
            self._after(script.rings_after, lambda: self.show(LegStatus.RINGING))
        if script.ends_after is not None:
            self._after(script.ends_after, lambda: self._end(response))
        # Unlike `await`, this does not cancel the dial when the request is cancelled.
        await asyncio.wait([response])
        return response.result()

    async def find(self, call: Call, identity: str | None = None) -> Leg | None:
        await asyncio.sleep(0)
        if not self.lists_legs:
            raise Unavailable("LiveKit cannot be reached.")
        if self.leg is None:
            return None
        return Leg(LegStatus(self.leg.attributes[STATUS_ATTRIBUTE]))

    def show(self, status: LegStatus) -> None:
        if self.leg is not None:
            self.leg.attributes[STATUS_ATTRIBUTE] = status
            for room in self.rooms:
                room.emit("participant_attributes_changed", {}, self.leg)

    def leave(self, reason: str) -> None:
        leg, self.leg = self.leg, None
        if leg is None:
            return
        leg.disconnect_reason = rtc.DisconnectReason.Value(reason)
        for room in self.rooms:
            room.legs.clear()
            room.emit("participant_disconnected", leg)

    def _join(self) -> None:
        self.leg = Participant(attributes={STATUS_ATTRIBUTE: LegStatus.DIALING})
        for room in self.rooms:
            room.legs[self.leg.identity] = self.leg
            room.emit("participant_connected", self.leg)

    def _end(self, response: asyncio.Future[DialError | None]) -> None:
        if self.script.answers:
            self.show(LegStatus.ACTIVE)
        else:
            self.leave(self.script.left)
        if response.done():
            return
        if self.script.loses_response:
            response.set_result(NO_RESPONSE)
        else:
            response.set_result(None if self.script.answers else self.script.error)

    def _after(self, seconds: float, callback: Callable[[], None]) -> None:
        self.time.call_at(self.time.now() + timedelta(seconds=seconds), callback)
