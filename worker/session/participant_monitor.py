"""Monitors whether the caller is in the room, and how long to wait for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.events import CallerPresent, StateChanged
from domain.calls.model import CallState, EndReason
from domain.calls.rooms import caller_of
from domain.common.settings import Settings
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation

RESUME_TIMEOUT_SECONDS = 8.0
"""How long to wait for an absent caller when a call is resumed."""


class ParticipantMonitor:
    def __init__(
        self,
        conversation: Conversation,
        room: rtc.Room,
        settings: Settings,
        is_reachable: Callable[[], bool],
    ) -> None:
        """`is_reachable` returns whether audio reaches a caller who is in the room."""
        self._conversation = conversation
        self._caller_identity = caller_of(conversation.claim.call)
        self._room = room
        self._settings = settings
        self._clock = conversation.clock
        self._is_reachable = is_reachable
        self._left_at = self._clock.now()
        self._present_since = self._clock.now() if self.is_caller_present() else None
        room.on("participant_connected", self._on_participant_changed)
        room.on("participant_disconnected", self._on_participant_changed)

    def is_caller_present(self) -> bool:
        """Whether the caller is in the room and can hear what is said. The leg of a phone is in the room
        while it rings."""
        return self._is_in_room and self._conversation.answered.is_set() and self._is_reachable()

    @property
    def _is_in_room(self) -> bool:
        return self._caller_identity in self._room.remote_participants

    def caller_present_since(self) -> datetime | None:
        """Since when the caller is present; None while they are absent."""
        return self._present_since

    async def wait_until_present(self, seconds: float | None = None) -> bool:
        """Wait for the caller; without limit if `seconds` is None. Returns whether they joined."""
        return await self._wait_for_presence(True, seconds)

    async def wait_until_abandoned(self, resumed: bool) -> EndReason:
        """Track the caller's presence until they are gone for too long or never joined; returns the
        reason to end the call."""
        was_present = False
        timeout = RESUME_TIMEOUT_SECONDS if resumed else self._settings.join_seconds
        while await self.wait_until_present(timeout):
            state = self._conversation.projection.state
            if state is CallState.CONNECTING:
                self._conversation.record(StateChanged(before=state, state=CallState.ACTIVE))
            self._conversation.record(CallerPresent(present=True))
            was_present, timeout = True, self._settings.return_seconds
            await self._wait_for_presence(False, None)
            self._conversation.record(CallerPresent(present=False))
        if was_present:
            return EndReason.HUNG_UP_BY_USER
        return EndReason.WORKER_LOST if resumed else EndReason.NO_ANSWER

    async def _wait_for_presence(self, present: bool, seconds: float | None) -> bool:
        since = self._clock.now()

        def deadline() -> datetime | None:
            if self.is_caller_present() is present:
                return IMMEDIATELY
            if seconds is None or self._is_in_room:
                return None
            return max(since, self._left_at) + timedelta(seconds=seconds)

        await self._clock.wait_until(deadline)
        return self.is_caller_present() is present

    def _on_participant_changed(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._caller_identity:
            self._left_at = self._clock.now()
            self.presence_changed()

    def presence_changed(self) -> None:
        """The caller may have joined or left, or become reachable or unreachable."""
        if not self.is_caller_present():
            self._present_since = None
        elif self._present_since is None:
            self._present_since = self._clock.now()
        self._clock.changed()
