"""Whether the caller is in the room, and how long one waits for them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from livekit import rtc

from domain.calls.events import CallerPresent, StateChanged
from domain.calls.model import CallState, EndReason
from domain.calls.rooms import CALLER
from domain.common.settings import Settings
from worker.session.conversation import Conversation

RESUME_SECONDS = 8.0
"""A caller who is not there when a call is taken up is waited for so long."""


class Presence:
    def __init__(self, conversation: Conversation, room: rtc.Room, settings: Settings) -> None:
        self._conversation = conversation
        self._room = room
        self._settings = settings
        self._changed = asyncio.Event()
        room.on("participant_connected", self._came_or_went)
        room.on("participant_disconnected", self._came_or_went)

    @property
    def is_there(self) -> bool:
        return any(p.identity == CALLER for p in self._room.remote_participants.values())

    async def until_there(self, seconds: float | None = None) -> bool:
        """Whether they came in time."""
        return await self._until(True, seconds)

    async def until_deserted(self, resumed: bool) -> EndReason:
        """Until the caller is not to be waited for any longer."""
        told = False
        patience = RESUME_SECONDS if resumed else self._settings.join_seconds
        while await self.until_there(patience):
            state = self._conversation.story.state
            if state is CallState.CONNECTING:
                self._conversation.tell(StateChanged(before=state, state=CallState.ACTIVE))
            self._conversation.tell(CallerPresent(present=True))
            told, patience = True, self._settings.return_seconds
            await self._until(False, None)
            self._conversation.tell(CallerPresent(present=False))
        if told:
            return EndReason.HUNG_UP_BY_USER
        return EndReason.WORKER_LOST if resumed else EndReason.NO_ANSWER

    async def _until(self, there: bool, seconds: float | None) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.is_there is not there:
                    self._changed.clear()
                    await self._changed.wait()
        return self.is_there is there

    def _came_or_went(self, participant: rtc.RemoteParticipant) -> None:
        self._changed.set()
