"""Monitors silence in a call: the agent prompts the caller, and finally the call ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from domain.calls.events import CallerSilent
from domain.calls.model import EndReason
from worker.session.conversation import Conversation
from worker.session.node_agent import NodeAgent
from worker.session.participant_monitor import ParticipantMonitor

POLL_INTERVAL_SECONDS = 0.5


class SilenceMonitor:
    def __init__(
        self,
        conversation: Conversation,
        participants: ParticipantMonitor,
        current_agent: Callable[[], NodeAgent],
        say: Callable[[str], Awaitable[None]],
    ) -> None:
        self._conversation = conversation
        self._participants = participants
        self._current_agent = current_agent
        self._say = say
        self._prompts_sent = 0
        self._quiet_since: float | None = time.monotonic()
        self.is_prompting = False
        self.quiet = asyncio.Event()
        """Set while neither side speaks and no reply is being generated."""
        self.quiet.set()

    def mark_quiet(self) -> None:
        self._quiet_since = time.monotonic()
        self.quiet.set()

    def mark_active(self, by_caller: bool = False) -> None:
        self._quiet_since = None
        self.quiet.clear()
        if by_caller:
            self._prompts_sent = 0

    async def wait_until_ended(self) -> EndReason:
        while True:
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            if self._quiet_since is None or not self._participants.is_caller_present:
                continue
            quiet_seconds = time.monotonic() - self._quiet_since
            ending = self._conversation.projection.ending
            if ending is not None and quiet_seconds > 2 * POLL_INTERVAL_SECONDS:
                return ending  # the agent has nothing more to say
            session_spec = self._current_agent().spec.session
            if quiet_seconds >= session_spec.auto_disconnect:
                return EndReason.SILENCE
            prompts = session_spec.silence[self._prompts_sent : self._prompts_sent + 1]
            if prompts and quiet_seconds >= prompts[0].after:
                self._prompts_sent += 1
                self._conversation.record(CallerSilent(seconds=prompts[0].after))
                await self._prompt(self._current_agent().render_text(prompts[0].say))

    async def _prompt(self, text: str) -> None:
        self.is_prompting = True
        try:
            await self._say(text)
        finally:
            self.is_prompting = False
