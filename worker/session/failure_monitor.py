"""Tracks providers that fail repeatedly, and ends a call that cannot recover."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from domain.workflows.spoken_texts import SpokenText
from worker.session.call_clock import CallClock, earliest

MIN_FAILURES = 3
TTS_RETRY_SECONDS = 1.0
"""Time after a failure of the TTS, or after a retry, before the next one."""
GOODBYE_TIMEOUT_SECONDS = 6.0


class FailureTracker:
    """Counts consecutive failures per source: stt, llm or tts."""

    def __init__(self, outage_seconds: float, clock: CallClock) -> None:
        self._outage = timedelta(seconds=outage_seconds)
        self._clock = clock
        self._first: dict[str, datetime] = {}
        self._last: dict[str, datetime] = {}
        self._counts: dict[str, int] = {}

    def record_failure(self, source: str) -> bool:
        """Count a failure. Returns whether it is the first since the last success."""
        self._last[source] = self._clock.now()
        self._first.setdefault(source, self._last[source])
        self._counts[source] = self._counts.get(source, 0) + 1
        self._clock.changed()
        return self._counts[source] == 1

    def record_success(self, source: str) -> None:
        if source in self._counts:
            del self._first[source], self._last[source], self._counts[source]
            self._clock.changed()

    def last_failure(self, source: str) -> datetime | None:
        """When the source failed last; None if it has succeeded since."""
        return self._last.get(source)

    @property
    def unrecoverable_at(self) -> datetime | None:
        """When a provider that has failed repeatedly will have done so for `outage_seconds`; None if
        none has."""
        repeated = [source for source, count in self._counts.items() if count >= MIN_FAILURES]
        return min((self._first[source] + self._outage for source in repeated), default=None)


async def wait_until_unrecoverable(
    failures: FailureTracker,
    say: Callable[[SpokenText], Awaitable[Any]],
    idle: asyncio.Event,
    clock: CallClock,
) -> None:
    """Return once a provider has failed for so long that the call must end, so that no caller is
    left in silence. A TTS that failed is retried meanwhile; unless it is still failing, the agent
    says goodbye at the end."""
    retried_at: datetime | None = None

    def retry_due() -> datetime | None:
        failed_at = failures.last_failure("tts")
        if failed_at is None or not idle.is_set():
            return None
        return max(failed_at, retried_at or failed_at) + timedelta(seconds=TTS_RETRY_SECONDS)

    while (end_at := failures.unrecoverable_at) is None or end_at > clock.now():
        await clock.wait_until(lambda: earliest(failures.unrecoverable_at, retry_due()))
        due = retry_due()
        if due is not None and due <= clock.now():
            await say(SpokenText.CANNOT_ANSWER)
            retried_at = clock.now()
    if failures.last_failure("tts") is None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT_SECONDS):
                await say(SpokenText.TECHNICAL_PROBLEM)
