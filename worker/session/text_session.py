"""A text call on a LiveKit session without a room: the same agents as voice, minus the ears."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from livekit.agents import AgentSession, llm
from livekit.agents.types import APIConnectOptions
from livekit.agents.utils import http_context
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.events import ConversationItemAddedEvent, ErrorEvent
from livekit.agents.voice.io import TextOutput

from domain.calls.events import ErrorRaised, UserTurn
from worker.session.conversation import Conversation
from worker.session.llm import close_providers, prepare_models
from worker.session.node_agent import NodeAgent
from worker.session.resume import first_agent

APOLOGY = "I am sorry, I cannot answer right now. Please try again."
LLM_TIMEOUT_SECONDS = 20.0
TURN_TIMEOUT_SECONDS = 120.0
MAX_TOOL_STEPS = 6


class TextSession:
    """Carries the turns of one call."""

    def __init__(self, conversation: Conversation, session: AgentSession[None]) -> None:
        self._conversation = conversation
        self._session = session
        self._failed = False
        self._first_token: float | None = None
        session.on("conversation_item_added", self._on_item_added)
        session.on("error", self._on_error)

    @property
    def history(self) -> llm.ChatContext:
        """All of the conversation, as models see it."""
        return self._session.history

    # ---- turns -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Enter the first node and greet; or take up a call where its last worker left it."""
        agent = first_agent(self._conversation)
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await self._session.start(agent, record=False, session_host=False)
            await self._conversation.agent_entered.wait()
        self._conversation.record_pending_usage()

    async def answer(self, turn: UserTurn) -> None:
        """Record the caller's turn and answer it whole."""
        self._conversation.record(turn)
        await self._reply(turn.turn_id, turn.text)

    async def say_goodbye(self, words: str) -> None:
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await self._session.say(words)

    async def finish_open_turn(self) -> None:
        """Give the answer that a lost worker still owed; what was answered stays answered."""
        turn = self._conversation.projection.open_turn
        if turn is None:
            return
        if self._conversation.projection.reply_pending:
            await self._reply(turn, None)
        else:
            self._conversation.record_turn_metrics(turn, 0.0)

    async def _reply(self, turn: str, text: str | None) -> None:
        began = time.monotonic()
        conversation = self._conversation
        self._failed, self._first_token = False, None
        agent = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        await agent.refresh_instructions()
        try:
            async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                await self._generate(agent, text)
        except TimeoutError:
            self._session.interrupt(force=True)
            self._record_error("turn", "TimeoutError")
        if self._failed:
            # Also after half an answer: it will not be completed.
            conversation.has_pending_tool_call = False
            with suppress(TimeoutError):
                async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                    await self._session.say(APOLOGY)
        total_ms = round((time.monotonic() - began) * 1000, 1)
        conversation.record_turn_metrics(turn, total_ms, llm_first_token_ms=self._first_token)

    async def _generate(self, agent: NodeAgent, text: str | None) -> None:
        following = await agent.next_agent_by_condition()
        if following is not None:
            # Nobody is asked: who has the word next answers.
            self._conversation.record_handoff()
            self._session.update_agent(following)
        elif text is None:
            await self._session.generate_reply()
        else:
            await self._session.generate_reply(user_input=text)
        while self._conversation.pending_handoff is not None:
            await self._conversation.agent_entered.wait()

    # ---- what the session tells ------------------------------------------------------------

    def _on_item_added(self, event: ConversationItemAddedEvent) -> None:
        item: Any = event.item
        if item.type != "message" or item.role != "assistant":
            return
        if item.text_content:
            node = self._conversation.node
            self._conversation.record_agent_turn(node, item.text_content, bool(item.interrupted))
        first = (item.metrics or {}).get("llm_node_ttft")
        if first is not None and self._first_token is None:
            self._first_token = round(first * 1000, 1)

    def _on_error(self, event: ErrorEvent) -> None:
        error: Any = event.error
        # The kind of failure, never its text: that may hold words of the call, or a key.
        kind = type(getattr(error, "error", error)).__name__
        self._record_error(
            str(error.type).removesuffix("_error"), kind, will_retry=bool(error.recoverable)
        )

    def _record_error(self, source: str, kind: str, *, will_retry: bool = False) -> None:
        self._failed = not will_retry
        self._conversation.record(ErrorRaised(source=source, message=kind, recoverable=True))


class PartialTranscriptOutput(TextOutput):
    """Shows the agent's words while they are being generated."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(label="studio", next_in_chain=None)
        self._conversation = conversation
        self._text = ""
        self._turn_id = ""

    async def capture_text(self, text: str) -> None:
        if not self._text:
            self._turn_id = self._conversation.agent_turn_id
        self._text += text
        self._conversation.publish_partial(self._turn_id, self._text)

    def flush(self) -> None:
        self._text = ""


@asynccontextmanager
async def text_session(conversation: Conversation) -> AsyncGenerator[TextSession]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(http_context.open())
        stack.push_async_callback(close_providers, conversation)
        await prepare_models(conversation)
        session: AgentSession[None] = AgentSession(
            vad=None,
            turn_handling={"turn_detection": None},
            user_away_timeout=None,
            max_tool_steps=MAX_TOOL_STEPS,
            session_close_transcript_timeout=0.0,
            conn_options=SessionConnectOptions(
                llm_conn_options=APIConnectOptions(max_retry=1, timeout=LLM_TIMEOUT_SECONDS),
                # A caller may ask again as often as they like.
                max_unrecoverable_errors=sys.maxsize,
            ),
        )
        session.output.transcription = PartialTranscriptOutput(conversation)
        try:
            yield TextSession(conversation, session)
        finally:
            await session.aclose()
