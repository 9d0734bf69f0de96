"""The limits of one call: when it must end, and what is due while it lasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from domain.calls.model import EndReason
from domain.common.errors import Unavailable
from worker.session.budget_monitor import BudgetMonitor
from worker.session.call_clock import earliest
from worker.session.conversation import Conversation

SURVIVAL_SECONDS = 0.5
"""A call that was taken over and whose session has run for this long did not kill its former
workers."""


class CallLimits:
    def __init__(
        self,
        conversation: Conversation,
        budget: BudgetMonitor,
        reset_takeovers: Callable[[], Awaitable[None]],
    ) -> None:
        self._conversation = conversation
        self._clock = conversation.clock
        self._budget = budget
        self._reset_takeovers = reset_takeovers
        self._confirm_at: datetime | None = None
        """When to reset the count of takeovers; None if there is nothing to reset."""

    @property
    def deadline(self) -> datetime:
        """The earliest of three deadlines: the call's, its active agent's, its budget's."""
        conversation, projection = self._conversation, self._conversation.projection
        answered_at = projection.answered_at or self._clock.now()
        deadline = answered_at + timedelta(seconds=conversation.claim.call.max_seconds)
        agent_limit = conversation.snapshot.agent_at(conversation.node).session.max_duration
        has_agent = projection.entered_at is not None and not projection.is_bridged
        if agent_limit is not None and projection.entered_at is not None and has_agent:
            deadline = min(deadline, projection.entered_at + timedelta(seconds=agent_limit))
        if self._budget.deadline is not None:
            deadline = min(deadline, self._budget.deadline)
        return deadline

    async def wait_until_reached(self) -> EndReason:
        if self._conversation.claim.is_takeover:
            # From now on, because opening the session may have taken longer.
            self._confirm_at = self._clock.now() + timedelta(seconds=SURVIVAL_SECONDS)
        while self._clock.now() < self.deadline:
            await self._budget.check()
            await self._confirm_survival()
            self._record_usage()
            await self._clock.wait_until(
                lambda: earliest(
                    self.deadline,
                    self._budget.check_due,
                    self._confirmation_due,
                    self._conversation.usage_due,
                )
            )
        return EndReason.BUDGET_SPENT if self._budget.is_grace_expired else EndReason.MAX_DURATION

    def _record_usage(self) -> None:
        # Idle listening costs, too. Usage during a turn is recorded with the turn.
        due = self._conversation.usage_due
        if due is not None and due <= self._clock.now():
            self._conversation.record_pending_usage()

    @property
    def _confirmation_due(self) -> datetime | None:
        return None if self._conversation.projection.reply_pending else self._confirm_at

    async def _confirm_survival(self) -> None:
        """Reset the count of failed takeovers once the call continues with no reply pending: then
        the call did not kill its former workers."""
        due, now = self._confirmation_due, self._clock.now()
        if due is None or due > now:
            return
        self._confirm_at = now + timedelta(seconds=SURVIVAL_SECONDS)
        with suppress(Unavailable):
            await self._reset_takeovers()
            self._confirm_at = None
