"""Monitors the spending limit of a call and the monthly budgets of its tenant.

The spending of the call is known here; the usage of the tenant is queried periodically. While the
store is unavailable, no call is ended for it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

from domain.calls.lease import ClaimedCalls
from domain.common.errors import Unavailable
from domain.providers.usage import total_cost
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a call may continue once its budget is exhausted, to say so and to end."""
CHECK_INTERVAL_SECONDS = 5.0


class BudgetMonitor:
    def __init__(self, conversation: Conversation, queue: ClaimedCalls) -> None:
        self._conversation = conversation
        self._queue = queue
        self._checked_at = time.monotonic()
        self.exhausted = asyncio.Event()
        self.deadline: datetime | None = None
        """When the call must end because its budget is exhausted; None while it is not."""

    @property
    def is_exhausted(self) -> bool:
        if self.deadline is None and self._is_call_budget_exhausted():
            self._mark_exhausted()
        return self.deadline is not None

    @property
    def is_grace_expired(self) -> bool:
        return self.deadline is not None and datetime.now(UTC) >= self.deadline

    async def check(self) -> None:
        if self.is_exhausted or time.monotonic() - self._checked_at < CHECK_INTERVAL_SECONDS:
            return
        self._checked_at = time.monotonic()
        call = self._conversation.claim.call
        try:
            if await self._queue.is_over_budget(call.tenant_id):
                self._mark_exhausted()
        except Unavailable:
            log.warning("failed to check budgets", extra={"call_id": str(call.id)})

    def _is_call_budget_exhausted(self) -> bool:
        conversation = self._conversation
        limit = conversation.claim.settings.budgets.spend_per_call
        spent = total_cost(conversation.projection.usage) + conversation.meter.pending_cost
        return limit is not None and spent >= limit

    def _mark_exhausted(self) -> None:
        self.exhausted.set()
        self.deadline = datetime.now(UTC) + timedelta(seconds=GRACE_SECONDS)
