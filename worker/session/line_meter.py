"""Counts the time on the telephone, for the price of the trunks: that of an answered call, and that of
the colleagues of its transfers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.providers.model import ProviderKind
from worker.common.line_usage import Line, line_of, line_usage
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation

INTERVAL_SECONDS = 15.0


class LineMeter:
    """Counts from the answers, which the log has: so a call that another worker resumes is counted once
    and completely."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._counted_ms = Counter[Line]()
        for used in conversation.projection.usage:
            if used.kind is ProviderKind.TRUNK:
                self._counted_ms[used.provider, used.model] += used.audio_ms

    async def run(self) -> None:
        try:
            await self._conversation.clock.wait_until(
                lambda: IMMEDIATELY if any(self._lines()) else None
            )
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                self.count()
        finally:
            self.count()

    def count(self) -> None:
        """Count the time since the last count."""
        elapsed_ms = Counter[Line]()
        for line, began_at, ended_at in self._lines():
            elapsed_ms[line] += round((ended_at - began_at) / timedelta(milliseconds=1))
        for line, total_ms in elapsed_ms.items():
            passed_ms = total_ms - self._counted_ms[line]
            if passed_ms > 0:
                self._counted_ms[line] = total_ms
                self._conversation.add_line_usage(line_usage(line, passed_ms))

    def _lines(self) -> Iterator[tuple[Line, datetime, datetime]]:
        """Every telephone line of the call until now: what it is, and from when to when it is used."""
        projection, now = self._conversation.projection, self._conversation.clock.now()
        claim = self._conversation.claim
        answered_at = projection.held_at or projection.answered_at
        if claim.call.rings and answered_at is not None:
            trunk = (
                claim.dial_trunk.spec.name if claim.dial_trunk is not None else claim.inbound_trunk
            )
            yield line_of(trunk, claim.call.to_number), answered_at, now
        for transfer in projection.transfers:
            if transfer.answered_at is not None:
                line = line_of(transfer.trunk, transfer.number)
                yield line, transfer.answered_at, transfer.failed_at or now
