"""A text call on a LiveKit session without a room or audio, with the same agents as voice calls."""

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
from domain.workflows.spoken_texts import SpokenText
from worker.session.conversation import Conversation
from worker.session.llm import close_providers, prepare_models
from worker.session.node_agent import NodeAgent
from worker.session.resume import first_agent
from worker.session.spoken_texts import spoken_text

LLM_TIMEOUT_SECONDS = 20.0
TURN_TIMEOUT_SECONDS = 120.0
MAX_TOOL_STEPS = 6


class TextSession:
    """Runs the turns of one text call."""

    def __init__(self, conversation: Conversation, session: AgentSession[None]) -> None:
        self._conversation = conversation
        self._session = session
        self._failed = False
        self._first_token: float | None = None
        session.on("conversation_item_added", self._on_item_added)
        session.on("error", self._on_error)

    @property
    def history(self) -> llm.ChatContext:
        """The whole conversation as the chat context of models."""
        return self._session.history

    # ---- turns -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Enter the first node and greet, or resume the call where its last worker left it."""
        agent = first_agent(self._conversation)
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await self._session.start(agent, record=False, session_host=False)
            await self._conversation.handoffs.wait_until_entered()
        self._conversation.record_pending_usage()

    async def answer(self, turn: UserTurn) -> None:
        """Record the caller's turn and reply to it completely."""
        self._conversation.record(turn)
        await self._reply(turn.turn_id, turn.text)

    async def say_goodbye(self, words: str) -> None:
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await self._session.say(words)

    async def finish_open_turn(self) -> None:
        """Reply to a turn that a lost worker left without a reply."""
        turn = self._conversation.projection.open_turn
        if turn is None:
            return
        if self._conversation.projection.reply_pending:
            await self._reply(turn, None)
        else:
            self._conversation.record_turn_metrics(turn, 0.0)

    async def _reply(self, turn: str, text: str | None) -> None:
        started_at = time.monotonic()
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
            # LiveKit drops the hand-off of an interrupted reply; the next turns must not wait for it.
            conversation.handoffs.abandon()
            self._record_error("turn", "TimeoutError")
        if self._failed:
            # Apologize even after a partial reply, which will not be completed.
            conversation.turn.reply_failed()
            with suppress(TimeoutError):
                async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                    await self._session.say(spoken_text(conversation, SpokenText.CANNOT_ANSWER))
        total_ms = round((time.monotonic() - started_at) * 1000, 1)
        conversation.record_turn_metrics(turn, total_ms, llm_first_token_ms=self._first_token)

    async def _generate(self, agent: NodeAgent, text: str | None) -> None:
        next_agent = await agent.next_agent_by_condition()
        if next_agent is not None:
            # This agent's model is not called: the next agent replies.
            self._conversation.record_handoff()
            self._session.update_agent(next_agent)
        elif text is None:
            await self._session.generate_reply()
        else:
            await self._session.generate_reply(user_input=text)
        await self._conversation.handoffs.wait_until_entered()

    # ---- session events --------------------------------------------------------------------

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
        # Only the type of the error: its text may contain parts of the call or a key.
        kind = type(getattr(error, "error", error)).__name__
        self._record_error(
            str(error.type).removesuffix("_error"), kind, will_retry=bool(error.recoverable)
        )

    def _record_error(self, source: str, kind: str, *, will_retry: bool = False) -> None:
        self._failed = not will_retry
        self._conversation.record(ErrorRaised(source=source, message=kind, recoverable=True))


class PartialTranscriptOutput(TextOutput):
    """Publishes the agent's text while it is being generated."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(label="studio", next_in_chain=None)
        self._conversation = conversation
        self._text = ""
        self._turn_id = ""

    async def capture_text(self, text: str) -> None:
        if not self._text:
            self._turn_id = self._conversation.turn.agent_turn_id
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
                # Errors never close the session: the caller may retry without limit.
                max_unrecoverable_errors=sys.maxsize,
            ),
        )
        session.output.transcription = PartialTranscriptOutput(conversation)
        try:
            yield TextSession(conversation, session)
        finally:
            await session.aclose()
