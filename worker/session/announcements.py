"""What a voice session says by itself, without asking the model."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from livekit.agents import AgentSession

from worker.session.call_clock import CallClock, Deadline
from worker.session.node_agent import NodeAgent

MAX_SAY_ATTEMPTS = 40
SAY_RETRY_SECONDS = 0.5


class Announcements:
    def __init__(self, session: AgentSession[None], clock: CallClock) -> None:
        self._session = session
        self._clock = clock

    async def say(self, text: str, *, in_history: bool = True) -> None:
        """Say the text and wait until it was spoken. Retries while a hand-off is in progress, when
        no agent accepts speech. `in_history` adds the text to what the model is shown."""
        for _ in range(MAX_SAY_ATTEMPTS):
            with suppress(RuntimeError):
                await self._session.say(text, add_to_chat_ctx=in_history)
                return
            await asyncio.sleep(SAY_RETRY_SECONDS)

    def say_next(self, text: str, *, in_history: bool = True) -> None:
        """Queue the text to be said next; it is not said if no agent accepts speech."""
        with suppress(RuntimeError):
            self._session.say(text, add_to_chat_ctx=in_history)

    async def say_at(self, deadline: Deadline, text: str) -> None:
        await self._clock.wait_until(deadline)
        await self.say(text)

    async def prompt_caller(self, template: str) -> None:
        """Say a prompt of the current agent to a silent caller."""
        agent: Any = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        await self.say(agent.render_text(template))
