"""Monitors the telephone leg of an answered call, and notices its end also without a report.

LiveKit removes the leg of a phone that is dead only after 47 seconds, and that of a lost SIP server
after 21. A restart of LiveKit's server removes every leg for some seconds, which is no hang-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from livekit import rtc

from domain.calls.dial_outcomes import LeaveReason, outcome_of_hang_up
from domain.calls.model import Call, EndReason
from domain.calls.rooms import caller_of
from domain.common.errors import Unavailable
from domain.common.tasks import background_task
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.packet_arrivals import Arrivals, packet_arrivals
from worker.session.phone_legs import LegFinder, leave_reason

POLL_INTERVAL_SECONDS = 1.0
DEAD_LINE_SECONDS = 12.0
"""A phone from which no packet has arrived for this long is dead."""
RETURN_SECONDS = 10.0
"""How long a leg may take to come back after a restart of LiveKit's server."""


async def arrivals_of(leg: rtc.RemoteParticipant) -> Arrivals | None:
    """When packets last arrived from the leg. Its muted tracks count: a muted phone sends packets,
    too."""
    tracks = (publication.track for publication in leg.track_publications.values())
    return await packet_arrivals(track for track in tracks if track is not None)


class AnsweredCall(Protocol):
    """A call whose line is watched. `answered` is set once the phone was answered."""

    @property
    def call(self) -> Call: ...

    @property
    def clock(self) -> CallClock: ...

    @property
    def answered(self) -> asyncio.Event: ...


class PhoneLine:
    def __init__(
        self,
        conversation: AnsweredCall,
        room: rtc.Room,
        legs: LegFinder,
        measure: Callable[[rtc.RemoteParticipant], Awaitable[Arrivals | None]] = arrivals_of,
        identity: str | None = None,
    ) -> None:
        """`measure` returns when packets last arrived from the leg. The leg is that of the caller, or
        that of this identity."""
        self._conversation = conversation
        self._call = conversation.call
        self._clock = conversation.clock
        self._identity = identity or caller_of(self._call)
        self._room = room
        self._legs = legs
        self._measure = measure
        self._over: EndReason | None = None
        self._leave_reason: LeaveReason | None = None
        """Why the leg has left; None while it is in the room, or has never been."""
        self._left_at: datetime | None = None
        """When the leg left for a reason for which it may come back."""
        self._last_packet = 0.0
        """When the last packet arrived, by the clock of WebRTC."""
        self._alive_at = self._clock.now()
        """When we last saw that a packet had arrived, or that none could."""
        room.on("participant_connected", self._on_participant_connected)
        room.on("participant_disconnected", self._on_participant_disconnected)
        room.on("reconnected", self._on_reconnected)

    async def wait_until_over(self) -> EndReason:
        """Wait for the end of a call that was answered; returns why it ends."""
        await self._conversation.answered.wait()
        self._alive_at = self._clock.now()
        if self._leave_reason is not None:  # at the moment of the answer
            self._on_left(self._leave_reason)
        async with background_task(self._watch_packets()):
            await self._clock.wait_until(lambda: IMMEDIATELY if self._over else None)
        assert self._over is not None
        return self._over

    def _end(self, reason: EndReason) -> None:
        self._over = self._over or reason
        self._clock.changed()

    # ---- the room --------------------------------------------------------------------------

    def _on_participant_connected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity:
            self._leave_reason, self._left_at, self._alive_at = None, None, self._clock.now()

    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity:
            self._leave_reason = leave_reason(participant)
            if self._conversation.answered.is_set():
                self._on_left(self._leave_reason)

    def _on_left(self, reason: LeaveReason) -> None:
        outcome = outcome_of_hang_up(reason)
        if outcome is not None:
            self._end(outcome)
        else:
            self._left_at = self._clock.now()

    def _on_reconnected(self) -> None:
        self._alive_at = self._clock.now()

    # ---- ends without a report ---------------------------------------------------------------

    async def _watch_packets(self) -> None:
        while self._over is None:
            await self._clock.sleep(POLL_INTERVAL_SECONDS)
            if self._room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
                self._alive_at = self._clock.now()
            elif self._left_at is not None:
                await self._end_unless_returned(self._left_at)
            else:
                await self._end_if_dead()

    async def _end_unless_returned(self, left_at: datetime) -> None:
        is_over = self._clock.now() >= left_at + timedelta(seconds=RETURN_SECONDS)
        if is_over and await self._is_in_room() is False:
            self._end(EndReason.LINE_LOST)

    async def _end_if_dead(self) -> None:
        leg = self._room.remote_participants.get(self._identity)
        arrivals = None if leg is None else await self._measure(leg)
        if arrivals is not None and arrivals.caller != self._last_packet:
            self._last_packet, self._alive_at = arrivals.caller, self._clock.now()
        # The server must respond: otherwise it is the server that is silent, and not the phone.
        is_dead = self._clock.now() >= self._alive_at + timedelta(seconds=DEAD_LINE_SECONDS)
        if is_dead and await self._is_in_room() is not None:
            self._end(EndReason.LINE_LOST)

    async def _is_in_room(self) -> bool | None:
        """Whether LiveKit's server lists the leg; None while it does not respond."""
        try:
            return await self._legs.find(self._call, self._identity) is not None
        except Unavailable:
            return None
