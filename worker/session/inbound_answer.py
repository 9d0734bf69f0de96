"""Answers the phone of a caller: LiveKit does so when the agent's audio is in the room. The first words
wait until the caller can hear them."""

from __future__ import annotations

from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.dial_outcomes import LeaveReason, LegStatus
from domain.calls.events import CallerDequeued, StateChanged
from domain.calls.model import CallState, EndReason
from domain.calls.rooms import LOBBY_PREFIX, caller_of
from domain.common.errors import Unavailable
from domain.common.tasks import background_task
from worker.common.sip_legs import ringing_seconds, status_of
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation
from worker.session.phone_legs import ANSWERED_STATUSES, Legs, leave_reason

CHECK_INTERVAL_SECONDS = 1.0
RING_MARGIN_SECONDS = 5.0
"""LiveKit ends a call that rings for too long; after this much longer, the worker does."""
RETURN_SECONDS = 10.0
"""How long a caller may take to come back after a restart of LiveKit's server."""
LOBBY_SECONDS = 1.5


class InboundAnswer:
    def __init__(self, conversation: Conversation, room: rtc.Room, legs: Legs) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._room = room
        self._legs = legs
        self._started_at = self._clock.now()
        self._has_news = True
        self._has_left = False
        self._may_return_until = self._started_at
        """Until when a caller who is absent has not necessarily hung up."""
        self._absences = 0
        """How often in a row LiveKit's server has not listed the caller."""
        room.on("participant_connected", self._on_participant_changed)
        room.on("participant_disconnected", self._on_participant_left)
        room.on("participant_attributes_changed", self._on_attributes_changed)
        room.on("reconnecting", self._on_interrupted)
        room.on("reconnected", self._on_interrupted)

    async def run(self) -> EndReason | None:
        """Return once the caller hears the agent (None), or why they never will."""
        if self._conversation.answered.is_set():
            return None
        async with background_task(self._check_repeatedly()):
            reason = await self._watch()
        if reason is not None:
            return reason
        await self._until_lobby_left()
        self._record_dequeued()
        before = self._conversation.projection.state
        if before is not CallState.ACTIVE:
            self._conversation.record(StateChanged(before=before, state=CallState.ACTIVE))
        self._conversation.answered.set()
        return None

    @property
    def _is_held(self) -> bool:
        """Whether the phone was answered before, in order to put the caller on hold."""
        return self._conversation.projection.held_at is not None

    async def _until_lobby_left(self) -> None:
        """Let the lobby fall silent, which leaves when it sees this agent. A dead one never does."""
        due = self._clock.now() + timedelta(seconds=LOBBY_SECONDS)
        await self._clock.wait_until(lambda: due if self._has_lobby else IMMEDIATELY)

    @property
    def _has_lobby(self) -> bool:
        return any(name.startswith(LOBBY_PREFIX) for name in self._room.remote_participants)

    def _record_dequeued(self) -> None:
        if self._conversation.projection.is_queued:
            waited = self._clock.now() - self._call.created_at
            milliseconds = max(0.0, waited / timedelta(milliseconds=1))
            self._conversation.record(CallerDequeued(waited_ms=milliseconds))

    async def _watch(self) -> EndReason | None:
        while True:
            self._has_news = False
            leg = self._room.remote_participants.get(caller_of(self._call))
            # After a restart of LiveKit's server, the phone of a caller on hold is shown as ringing.
            if leg is not None and (
                self._is_held or status_of(dict(leg.attributes)) in ANSWERED_STATUSES
            ):
                return None
            if self._is_gone or self._due <= self._clock.now():
                return EndReason.ABANDONED if self._is_held else EndReason.NO_ANSWER
            await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else self._next_due)

    @property
    def _is_gone(self) -> bool:
        is_absent = self._has_left or self._absences > 1
        return is_absent and self._clock.now() >= self._may_return_until

    @property
    def _next_due(self) -> datetime:
        returns = self._may_return_until
        return min(self._due, returns) if returns > self._clock.now() else self._due

    @property
    def _due(self) -> datetime:
        if self._is_held:
            return self._started_at + timedelta(seconds=RETURN_SECONDS)
        seconds = ringing_seconds(self._call) + RING_MARGIN_SECONDS
        return self._call.created_at + timedelta(seconds=seconds)

    async def _check_repeatedly(self) -> None:
        """A caller who gave up before this worker joined is never shown to leave."""
        while True:
            await self._clock.sleep(CHECK_INTERVAL_SECONDS)
            try:
                leg = await self._legs.find(self._call)
            except Unavailable:
                continue
            self._absences = self._absences + 1 if leg is None else 0
            if leg is None or leg.status is LegStatus.HANGUP:
                self._notice()

    def _on_participant_changed(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._has_left = False
            self._notice()

    def _on_participant_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._has_left = True
            if leave_reason(participant) is LeaveReason.UNKNOWN:
                self._on_interrupted()
        self._notice()

    def _on_interrupted(self) -> None:
        """LiveKit's server may have been restarted: legs leave then, and come back after five
        seconds."""
        self._may_return_until = self._clock.now() + timedelta(seconds=RETURN_SECONDS)

    def _on_attributes_changed(
        self, _changed: dict[str, str], participant: rtc.Participant
    ) -> None:
        if participant.identity == caller_of(self._call):
            self._notice()

    def _notice(self) -> None:
        self._has_news = True
        self._clock.changed()
