"""How long nobody has said anything, and what is said about it: asked, asked again, ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from domain.calls.events import CallerSilent
from domain.calls.model import EndReason
from worker.session.conversation import Conversation
from worker.session.node_agent import NodeAgent
from worker.session.participant_monitor import Presence

LOOK_SECONDS = 0.5


class Silence:
    def __init__(
        self,
        conversation: Conversation,
        presence: Presence,
        agent: Callable[[], NodeAgent],
        say: Callable[[str], Awaitable[None]],
    ) -> None:
        self._conversation = conversation
        self._presence = presence
        self._agent = agent
        self._say = say
        self._asked = 0
        self._since: float | None = time.monotonic()
        self.is_asking = False
        self.fell = asyncio.Event()
        """Set while nobody speaks and no answer is being prepared."""
        self.fell.set()

    def begin(self) -> None:
        self._since = time.monotonic()
        self.fell.set()

    def break_off(self, by_caller: bool = False) -> None:
        self._since = None
        self.fell.clear()
        if by_caller:
            self._asked = 0

    async def until_too_long(self) -> EndReason:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._since is None or not self._presence.is_there:
                continue
            quiet = time.monotonic() - self._since
            ending = self._conversation.story.ending
            if ending is not None and quiet > 2 * LOOK_SECONDS:
                return ending  # the agent had no more to say
            patience = self._agent().spec.session
            if quiet >= patience.auto_disconnect:
                return EndReason.SILENCE
            due = patience.silence[self._asked : self._asked + 1]
            if due and quiet >= due[0].after:
                self._asked += 1
                self._conversation.tell(CallerSilent(seconds=due[0].after))
                await self._ask(self._agent().filled(due[0].say))

    async def _ask(self, text: str) -> None:
        self.is_asking = True
        try:
            await self._say(text)
        finally:
            self.is_asking = False
