"""What a voice session says by itself, without asking the model."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.voice import SpeechHandle

from domain.workflows.spoken_texts import SpokenText
from worker.session.call_clock import Deadline
from worker.session.conversation import Conversation
from worker.session.node_agent import NodeAgent
from worker.session.spoken_texts import spoken_text

MAX_SAY_ATTEMPTS = 40
SAY_RETRY_SECONDS = 0.5


class Announcements:
    def __init__(self, session: AgentSession[None], conversation: Conversation) -> None:
        self._session = session
        self._conversation = conversation
        self._outside_history: set[str] = set()
        """The ids of the speeches that models are not shown."""

    def is_outside_history(self, speech: SpeechHandle | None) -> bool:
        return speech is not None and speech.id in self._outside_history

    async def say(self, text: SpokenText, *, in_history: bool = True) -> None:
        """Say the text and wait until it was spoken. `in_history` adds it to what the model is
        shown."""
        await self._say(spoken_text(self._conversation, text), in_history)

    def say_next(self, text: SpokenText, *, in_history: bool = True) -> None:
        """Queue the text to be said next; it is not said if no agent accepts speech."""
        with suppress(RuntimeError):
            self._start_saying(spoken_text(self._conversation, text), in_history)

    async def say_words(self, words: str) -> None:
        """Say the words, which models are shown, and wait until they were spoken."""
        await self._say(words, in_history=True)

    def start_uninterruptible(self, words: str) -> SpeechHandle:
        """Start to say what the other side cannot interrupt and models are not shown. Raises
        `RuntimeError` if no agent accepts speech."""
        return self._start_saying(words, in_history=False, allow_interruptions=False)

    def start_prompt(self, words: str, *, can_be_interrupted: bool) -> SpeechHandle:
        """Start to ask the caller for keys, which models are not shown. Raises `RuntimeError` if no
        agent accepts speech."""
        allow = NOT_GIVEN if can_be_interrupted else False
        return self._start_saying(words, in_history=False, allow_interruptions=allow)

    def _start_saying(
        self, words: str, in_history: bool, allow_interruptions: NotGivenOr[bool] = NOT_GIVEN
    ) -> SpeechHandle:
        speech = self._session.say(
            words, add_to_chat_ctx=in_history, allow_interruptions=allow_interruptions
        )
        if not in_history:
            self._outside_history.add(speech.id)
        return speech

    async def say_at(self, deadline: Deadline, text: SpokenText) -> None:
        await self._conversation.clock.wait_until(deadline)
        await self.say(text)

    async def prompt_caller(self, template: str) -> None:
        """Say a prompt of the current agent to a silent caller; STILL_THERE if it is empty, or its
        values are."""
        agent: Any = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        words = agent.render_text(template)
        if words.strip():
            await self._say(words, in_history=True)
        else:
            await self.say(SpokenText.STILL_THERE)

    async def _say(self, words: str, in_history: bool) -> None:
        """Say the words and wait until they were spoken. Retries while a hand-off is in progress,
        when no agent accepts speech."""
        for _ in range(MAX_SAY_ATTEMPTS):
            with suppress(RuntimeError):
                await self._start_saying(words, in_history)
                return
            await asyncio.sleep(SAY_RETRY_SECONDS)
