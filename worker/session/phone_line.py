"""Monitors the telephone leg of an answered call, and notices its end also without a report.

LiveKit removes the leg of a phone that is dead only after 47 seconds, and that of a lost SIP server
after 21. A restart of LiveKit's server removes every leg for some seconds, which is no hang-up."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.dial_outcomes import outcome_of_hang_up
from domain.calls.model import EndReason
from domain.calls.rooms import caller_of
from domain.common.errors import Unavailable
from domain.common.tasks import background_task
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation
from worker.session.dialer import Legs, leave_reason
from worker.session.packet_arrivals import packet_arrivals

POLL_INTERVAL_SECONDS = 1.0
DEAD_LINE_SECONDS = 12.0
"""A phone from which no packet has arrived for this long is dead."""
RETURN_SECONDS = 10.0
"""How long a leg may take to come back after a restart of LiveKit's server."""


class PhoneLine:
    def __init__(self, conversation: Conversation, room: rtc.Room, legs: Legs) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._identity = caller_of(self._call)
        self._room = room
        self._legs = legs
        self._over: EndReason | None = None
        self._left_at: datetime | None = None
        """When the leg left for a reason for which it may come back."""
        self._alive_at = time.time()
        """When a packet last arrived, or could have, as `time.time`."""
        room.on("participant_connected", self._on_participant_connected)
        room.on("participant_disconnected", self._on_participant_disconnected)
        room.on("reconnected", self._on_reconnected)

    async def wait_until_over(self) -> EndReason:
        """Wait for the end of a call that was answered; returns why it ends."""
        await self._conversation.answered.wait()
        self._alive_at = time.time()
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
            self._left_at, self._alive_at = None, time.time()

    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity != self._identity or not self._conversation.answered.is_set():
            return
        reason = outcome_of_hang_up(leave_reason(participant))
        if reason is not None:
            self._end(reason)
        else:
            self._left_at = self._clock.now()

    def _on_reconnected(self) -> None:
        self._alive_at = time.time()

    # ---- ends without a report ---------------------------------------------------------------

    async def _watch_packets(self) -> None:
        while self._over is None:
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            if self._room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
                self._alive_at = time.time()
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
        arrivals = None if leg is None else await packet_arrivals(_tracks(leg))
        if arrivals is not None:
            self._alive_at = max(self._alive_at, arrivals.caller)
        # The server must respond: otherwise it is the server that is silent, and not the phone.
        is_dead = time.time() - self._alive_at >= DEAD_LINE_SECONDS
        if is_dead and await self._is_in_room() is not None:
            self._end(EndReason.LINE_LOST)

    async def _is_in_room(self) -> bool | None:
        """Whether LiveKit's server lists the leg; None while it does not respond."""
        try:
            return await self._legs.find(self._call) is not None
        except Unavailable:
            return None


def _tracks(leg: rtc.RemoteParticipant) -> list[rtc.Track]:
    """The tracks of the leg, muted ones included: a muted phone sends packets, too."""
    tracks = (publication.track for publication in leg.track_publications.values())
    return [track for track in tracks if track is not None]
