"""Presses keys on the phone line of a call."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from livekit import rtc
from livekit.rtc.participant import PublishDTMFError

from domain.calls.events import DtmfSent
from domain.tools.actions import DTMF_KEYS
from domain.tools.dtmf import PAUSE, PAUSE_SECONDS
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import CallLost, Conversation

KEY_SECONDS = 0.5
"""livekit-sip queues keys, and takes this long for each."""
PUBLISH_TIMEOUT_SECONDS = 5.0
NOT_SENT = "The keys could not be pressed, because the phone line did not take them."


class DtmfSender:
    def __init__(self, conversation: Conversation, room: rtc.Room) -> None:
        self._conversation = conversation
        self._clock = conversation.clock
        self._room = room
        self._turn = asyncio.Lock()
        self._free_at = self._clock.now()
        """When the line has played all keys so far."""
        self._is_closed = False

    def close(self) -> None:
        """The call is over or released: no more keys are pressed."""
        self._is_closed = True
        self._clock.changed()

    async def send(self, keys: str) -> str | None:
        """Press the keys one after the other, with a pause of half a second for each `w`. Returns why
        that failed; None if it is done. Raises `CallLost` when the call is over or released."""
        async with self._turn:
            sent = ""
            try:
                for key in keys:
                    if key == PAUSE:
                        await self._wait(PAUSE_SECONDS)
                    else:
                        await self._wait(0)
                        await self._publish(key)
                        sent += key
            except (PublishDTMFError, TimeoutError):
                return NOT_SENT
            finally:
                if sent:
                    self._conversation.record(DtmfSent(digits=sent))
        return None

    async def _wait(self, pause_seconds: float) -> None:
        """Wait until the line has played the keys so far, and the pause is over."""
        now = self._clock.now()
        self._free_at = due = max(now, self._free_at) + timedelta(seconds=pause_seconds)
        if due > now:
            await self._clock.wait_until(lambda: IMMEDIATELY if self._is_closed else due)
        if self._is_closed or self._conversation.is_lost:
            raise CallLost

    async def _publish(self, key: str) -> None:
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            phone = self._room.local_participant
            await phone.publish_dtmf(code=DTMF_KEYS.index(key), digit=key)
        self._free_at = self._clock.now() + timedelta(seconds=KEY_SECONDS)
