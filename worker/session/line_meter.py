"""Counts the time that an answered call is on the telephone, for the price of its trunk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from domain.providers.model import ProviderKind
from worker.common.line_usage import line_usage
from worker.session.conversation import Conversation

INTERVAL_SECONDS = 15.0


class LineMeter:
    """Counts from the answer, by an agent or in order to put the caller on hold. The log has it: so a
    call that another worker resumes is counted once and completely."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        claim = conversation.claim
        trunk = claim.dial_trunk.spec.name if claim.dial_trunk is not None else claim.inbound_trunk
        self._line = line_usage(claim.call, trunk)
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
        projection = self._conversation.projection
        answered_at = projection.held_at or projection.answered_at
        if answered_at is None:
            return
        elapsed = self._conversation.clock.now() - answered_at
        passed_ms = round(elapsed / timedelta(milliseconds=1)) - self._counted_ms
        if passed_ms > 0:
            self._counted_ms += passed_ms
            self._conversation.add_line_usage(replace(self._line, audio_ms=passed_ms))
