"""Monitors silence in a call: the agent prompts the caller, and finally the call ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from domain.calls.events import CallerSilent
from domain.calls.model import EndReason
from domain.workflows.agents import Session, SilencePrompt
from worker.session.call_clock import earliest
from worker.session.conversation import Conversation

TRANSCRIPT_SECONDS = 1.0
"""Time that a final transcript may take longer than the turn detection."""
CLOSING_SILENCE_SECONDS = 1.0
"""A call that is to end is over after this much silence: the agent has nothing more to say."""


class SilenceMonitor:
    def __init__(
        self,
        conversation: Conversation,
        caller_present_since: Callable[[], datetime | None],
        prompt_caller: Callable[[str], Awaitable[None]],
    ) -> None:
        """`caller_present_since` returns None while the caller is absent. `prompt_caller` speaks the
        template of a prompt, which may be empty."""
        self._conversation = conversation
        self._clock = conversation.clock
        self._caller_present_since = caller_present_since
        self._prompt_caller = prompt_caller
        self._prompts_sent = 0
        self._is_caller_speaking = False
        self._is_agent_busy = False
        self._caller_spoke_last = False
        self._caller_quiet_since = self._clock.now()
        self._quiet_since: datetime | None = self._clock.now()
        self.is_prompting = False
        self.quiet = asyncio.Event()
        """Set while neither side speaks and no reply is being generated."""
        self.quiet.set()

    @property
    def quiet_since(self) -> datetime | None:
        """Since when neither side speaks and no reply is being generated; None if one does."""
        return self._quiet_since

    @property
    def caller_quiet_since(self) -> datetime:
        """Since when the caller does not speak, or since when they did not before they speak now."""
        return self._caller_quiet_since

    @property
    def turn_over_at(self) -> datetime | None:
        """When the last turn is over, and answered if the caller said something; None if it is not
        known yet."""
        projection = self._conversation.projection
        if self._quiet_since is None or projection.reply_pending or projection.running_tools:
            return None
        if not self._conversation.answered.is_set() or self._conversation.is_on_hold:
            return None
        undecided = self._session_spec.max_endpointing + TRANSCRIPT_SECONDS
        return self._quiet_since + timedelta(seconds=undecided if self._caller_spoke_last else 0.0)

    def caller_speaks(self, is_speaking: bool) -> None:
        self._is_caller_speaking = is_speaking
        if is_speaking:
            self._caller_spoke_last = True
            self._prompts_sent = 0
        else:
            self._caller_quiet_since = self._clock.now()
        self._update()

    def key_pressed(self) -> None:
        """The caller presses a key: the silence begins again."""
        self._prompts_sent = 0
        self._update()

    def agent_is_busy(self, is_busy: bool) -> None:
        """Whether the agent speaks or prepares a reply; a silence prompt does not count."""
        if not self.is_prompting:
            self._is_agent_busy = is_busy
            self._caller_spoke_last = self._caller_spoke_last and not is_busy
            self._update()

    def _update(self) -> None:
        if self._is_caller_speaking or self._is_agent_busy:
            self._quiet_since = None
            self.quiet.clear()
        else:
            self._quiet_since = self._clock.now()
            self.quiet.set()
        self._clock.changed()

    async def wait_until_ended(self) -> EndReason:
        while True:
            await self._clock.wait_until(
                lambda: earliest(self._closing_due, self._disconnect_due, self._prompt_due)
            )
            if self._is_due(self._closing_due) and self._conversation.projection.ending:
                return self._conversation.projection.ending
            if self._is_due(self._disconnect_due):
                return EndReason.SILENCE
            if self._is_due(self._prompt_due):
                await self._send_next_prompt()

    def _is_due(self, at: datetime | None) -> bool:
        return at is not None and at <= self._clock.now()

    @property
    def _closing_due(self) -> datetime | None:
        is_closing = self._conversation.projection.ending is not None
        return self._after(CLOSING_SILENCE_SECONDS) if is_closing else None

    @property
    def _disconnect_due(self) -> datetime | None:
        return self._after(self._session_spec.auto_disconnect)

    @property
    def _prompt_due(self) -> datetime | None:
        prompt = self._next_prompt
        return None if prompt is None else self._after(prompt.after)

    def _after(self, seconds: float) -> datetime | None:
        """When the silence reaches this length; None if there is none or the caller is absent. For a
        caller who joins or returns, it starts then. While a tool runs, it is the caller who waits."""
        projection, present_since = self._conversation.projection, self._caller_present_since()
        if self._quiet_since is None or present_since is None or projection.running_tools:
            return None
        tool_finished_at = projection.tool_finished_at or self._quiet_since
        since = max(self._quiet_since, present_since, tool_finished_at)
        return since + timedelta(seconds=seconds)

    @property
    def _session_spec(self) -> Session:
        return self._conversation.snapshot.agent_at(self._conversation.node).session

    @property
    def _next_prompt(self) -> SilencePrompt | None:
        prompts = self._session_spec.silence
        return prompts[self._prompts_sent] if self._prompts_sent < len(prompts) else None

    async def _send_next_prompt(self) -> None:
        prompt = self._next_prompt
        assert prompt is not None
        self._prompts_sent += 1
        self._conversation.record(CallerSilent(seconds=prompt.after))
        self.is_prompting = True
        try:
            await self._prompt_caller(prompt.say)
        finally:
            self.is_prompting = False
