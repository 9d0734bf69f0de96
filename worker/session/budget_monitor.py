"""Watches that a call spends no more than it may, and its tenant no more than a month has.

What the call itself spends is known here; what the tenant has used is asked of the store now and
then. While the store is down, nobody is cut off."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

from domain.calls.lease import CallQueue
from domain.common.errors import Unavailable
from domain.providers.usage import total_cost
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""So long a call may go on when its budget is spent: to say so, and to come to an end."""
CHECK_INTERVAL_SECONDS = 5.0


class BudgetMonitor:
    def __init__(self, conversation: Conversation, queue: CallQueue) -> None:
        self._conversation = conversation
        self._queue = queue
        self._checked_at = time.monotonic()
        self.exhausted = asyncio.Event()
        self.deadline: datetime | None = None
        """When the call has to be over, as its budget is spent."""

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
            log.warning("budgets not looked at", extra={"call_id": str(call.id)})

    def _is_call_budget_exhausted(self) -> bool:
        conversation = self._conversation
        most = conversation.claim.settings.budgets.spend_per_call
        used = total_cost(conversation.projection.usage) + conversation.meter.pending_cost
        return most is not None and used >= most

    def _mark_exhausted(self) -> None:
        self.exhausted.set()
        self.deadline = datetime.now(UTC) + timedelta(seconds=GRACE_SECONDS)
