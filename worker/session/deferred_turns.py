"""Replies to what the caller says while no agent can be interrupted: during a hand-off or a greeting
that must be heard. LiveKit transcribes it and drops the turn."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from livekit.agents import AgentSession

from worker.session.conversation import CallLost, Conversation
from worker.session.node_agent import NodeAgent
from worker.session.silence_monitor import SilenceMonitor

DECISION_SECONDS = 0.5
"""Time in which LiveKit replies by itself, once the longest delay of its turn detection is over."""


class DeferredTurns:
    def __init__(
        self, conversation: Conversation, session: AgentSession[None], silence: SilenceMonitor
    ) -> None:
        self._conversation = conversation
        self._session = session
        self._silence = silence

    def caller_transcribed(self) -> None:
        """A part of the caller's turn has been transcribed."""
        if self._is_uninterruptible:
            self._conversation.turn.defer_caller_turn()
            self._conversation.clock.changed()

    async def run(self) -> None:
        """Reply to each deferred turn once neither side speaks."""
        while True:
            await self._conversation.clock.wait_until(self._due)
            speech = self._session.current_speech
            if speech is not None:
                await speech  # it ends a moment after the agent has fallen silent
                continue
            try:
                agent: Any = self._session.current_agent
            except RuntimeError:
                return  # the session is closing
            assert isinstance(agent, NodeAgent)
            with suppress(CallLost, RuntimeError):  # RuntimeError if no agent accepts speech
                await agent.reply_to(self._conversation.turn.deferred_text)

    @property
    def _is_handing_off(self) -> bool:
        return self._conversation.handoffs.target_in_progress is not None

    @property
    def _is_uninterruptible(self) -> bool:
        speech = self._session.current_speech
        return self._is_handing_off or (speech is not None and not speech.allow_interruptions)

    def _due(self) -> datetime | None:
        """When neither side speaks and LiveKit, which decides by when the caller fell silent, has not
        replied."""
        quiet_since = self._silence.quiet_since
        is_deferred = bool(self._conversation.turn.deferred_text)
        if not is_deferred or quiet_since is None or self._is_handing_off:
            return None
        session = self._conversation.snapshot.agent_at(self._conversation.node).session
        decided = timedelta(seconds=session.max_endpointing + DECISION_SECONDS)
        return max(quiet_since, self._silence.caller_quiet_since + decided)
