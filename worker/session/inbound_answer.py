"""Answers the phone of a caller: LiveKit does so when the agent's audio is in the room. The first words
wait until the caller can hear them."""

from __future__ import annotations

from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.dial_outcomes import LegStatus
from domain.calls.events import StateChanged
from domain.calls.model import CallState, EndReason
from domain.calls.rooms import caller_of
from domain.common.errors import Unavailable
from domain.common.tasks import background_task
from worker.common.sip_legs import ringing_seconds, status_of
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation
from worker.session.phone_legs import ANSWERED_STATUSES, Legs

CHECK_INTERVAL_SECONDS = 1.0
RING_MARGIN_SECONDS = 5.0
"""LiveKit ends a call that rings for too long; after this much longer, the worker does."""


class InboundAnswer:
    def __init__(self, conversation: Conversation, room: rtc.Room, legs: Legs) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._room = room
        self._legs = legs
        self._has_news = True
        self._has_left = False
        self._absences = 0
        """How often in a row LiveKit's server has not listed the caller."""
        room.on("participant_connected", self._on_participant_changed)
        room.on("participant_disconnected", self._on_participant_left)
        room.on("participant_attributes_changed", self._on_attributes_changed)

    async def run(self) -> EndReason | None:
        """Return once the caller hears the agent (None), or why they never will."""
        if self._conversation.answered.is_set():
            return None
        async with background_task(self._check_repeatedly()):
            reason = await self._watch()
        if reason is None:
            before = self._conversation.projection.state
            if before is not CallState.ACTIVE:
                self._conversation.record(StateChanged(before=before, state=CallState.ACTIVE))
            self._conversation.answered.set()
        return reason

    async def _watch(self) -> EndReason | None:
        while True:
            self._has_news = False
            leg = self._room.remote_participants.get(caller_of(self._call))
            if leg is not None and status_of(dict(leg.attributes)) in ANSWERED_STATUSES:
                return None
            if self._has_left or self._absences > 1 or self._due <= self._clock.now():
                return EndReason.NO_ANSWER
            await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else self._due)

    @property
    def _due(self) -> datetime:
        seconds = ringing_seconds(self._call) + RING_MARGIN_SECONDS
        return self._call.created_at + timedelta(seconds=seconds)

    async def _check_repeatedly(self) -> None:
        """A caller who gave up before this worker joined is never shown to leave."""
        while True:
            await self._pause(CHECK_INTERVAL_SECONDS)
            try:
                leg = await self._legs.find(self._call)
            except Unavailable:
                continue
            self._absences = self._absences + 1 if leg is None else 0
            if leg is None or leg.status is LegStatus.HANGUP:
                self._notice()

    async def _pause(self, seconds: float) -> None:
        due = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.wait_until(lambda: due)

    def _on_participant_changed(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._has_left = False
            self._notice()

    def _on_participant_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._has_left = True
            self._notice()

    def _on_attributes_changed(
        self, _changed: dict[str, str], participant: rtc.Participant
    ) -> None:
        if participant.identity == caller_of(self._call):
            self._notice()

    def _notice(self) -> None:
        self._has_news = True
        self._clock.changed()
