"""Counts the time that an answered call is on the telephone, for the price of its trunk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from domain.providers.model import ProviderKind
from domain.providers.usage import Usage
from domain.telephony.numbers import parse_number
from worker.session.conversation import Conversation

INTERVAL_SECONDS = 15.0
OTHER_REGION = "other"
"""The model of usage for numbers that belong to no country."""


class LineMeter:
    """Counts from the answer, which the log has: so a call that another worker resumes is counted once
    and completely."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        trunk, number = conversation.claim.dial_trunk, conversation.claim.call.to_number
        parsed = parse_number(number or "")
        region = parsed.region if parsed is not None else None
        self._line = Usage(
            kind=ProviderKind.TRUNK,
            provider=trunk.spec.name if trunk is not None else "",
            model=region or OTHER_REGION,
        )
        self._counted_ms = sum(
            used.audio_ms
            for used in conversation.projection.usage
            if used.kind is ProviderKind.TRUNK
        )

    async def run(self) -> None:
        try:
            await self._conversation.answered.wait()
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                self.count()
        finally:
            self.count()

    def count(self) -> None:
        """Count the time since the last count."""
        answered_at = self._conversation.projection.answered_at
        if answered_at is None:
            return
        elapsed = self._conversation.clock.now() - answered_at
        passed_ms = round(elapsed / timedelta(milliseconds=1)) - self._counted_ms
        if passed_ms > 0:
            self._counted_ms += passed_ms
            self._conversation.add_line_usage(replace(self._line, audio_ms=passed_ms))
