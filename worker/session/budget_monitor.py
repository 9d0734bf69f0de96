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
from domain.providers.usage import spent
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

FINISH_SECONDS = 10.0
"""So long a call may go on when its budget is spent: to say so, and to come to an end."""
ASK_SECONDS = 5.0


class Purse:
    def __init__(self, conversation: Conversation, queue: CallQueue) -> None:
        self._conversation = conversation
        self._queue = queue
        self._asked_at = time.monotonic()
        self.empty = asyncio.Event()
        self.over_at: datetime | None = None
        """When the call has to be over, as its budget is spent."""

    @property
    def is_empty(self) -> bool:
        if self.over_at is None and self._has_spent_its_own():
            self._found_empty()
        return self.over_at is not None

    @property
    def is_overdue(self) -> bool:
        return self.over_at is not None and datetime.now(UTC) >= self.over_at

    async def look(self) -> None:
        if self.is_empty or time.monotonic() - self._asked_at < ASK_SECONDS:
            return
        self._asked_at = time.monotonic()
        call = self._conversation.claim.call
        try:
            if await self._queue.is_used_up(call.tenant_id):
                self._found_empty()
        except Unavailable:
            log.warning("budgets not looked at", extra={"call_id": str(call.id)})

    def _has_spent_its_own(self) -> bool:
        conversation = self._conversation
        most = conversation.claim.settings.budgets.spend_per_call
        used = spent(conversation.story.usage) + conversation.meter.spent
        return most is not None and used >= most

    def _found_empty(self) -> None:
        self.empty.set()
        self.over_at = datetime.now(UTC) + timedelta(seconds=FINISH_SECONDS)
