"""Monitors the spending limit of a call and the monthly budgets of its tenant.

The spending of the call is known here; the usage of the tenant is queried periodically. While the
store is unavailable, no call is ended for it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from domain.common.access import TenantId
from domain.common.errors import Unavailable
from domain.providers.usage import total_cost
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a call may continue once its budget is exhausted, to say so and to end."""
CHECK_INTERVAL_SECONDS = 5.0


class BudgetMonitor:
    def __init__(
        self,
        conversation: Conversation,
        is_over_budget: Callable[[TenantId], Awaitable[bool]],
    ) -> None:
        self._conversation = conversation
        self._clock = conversation.clock
        self._is_over_budget = is_over_budget
        self._next_check_at = self._clock.now() + timedelta(seconds=CHECK_INTERVAL_SECONDS)
        self.deadline: datetime | None = None
        """When the call must end because a budget is exhausted; None while none is."""
        conversation.on_usage = self._check_call_budget
        self._check_call_budget()

    @property
    def is_exhausted(self) -> bool:
        return self.deadline is not None

    @property
    def is_grace_expired(self) -> bool:
        return self.deadline is not None and self._clock.now() >= self.deadline

    @property
    def check_due(self) -> datetime | None:
        """When the usage of the tenant must be queried next; None once a budget is exhausted."""
        return None if self.is_exhausted else self._next_check_at

    async def check(self) -> None:
        """Query the usage of the tenant if that is due."""
        due, now = self.check_due, self._clock.now()
        if due is None or due > now:
            return
        self._next_check_at = now + timedelta(seconds=CHECK_INTERVAL_SECONDS)
        call = self._conversation.claim.call
        try:
            if await self._is_over_budget(call.tenant_id):
                self._mark_exhausted()
        except Unavailable:
            log.warning("failed to check budgets", extra={"call_id": str(call.id)})

    def _check_call_budget(self) -> None:
        conversation = self._conversation
        limit = conversation.claim.settings.budgets.spend_per_call
        if limit is None:
            return
        if total_cost(conversation.projection.usage) + conversation.meter.pending_cost >= limit:
            self._mark_exhausted()

    def _mark_exhausted(self) -> None:
        if self.deadline is None:  # the call's own budget may be exhausted during a check
            self.deadline = self._clock.now() + timedelta(seconds=GRACE_SECONDS)
            self._clock.changed()
