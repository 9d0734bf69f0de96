"""Tracks providers that fail repeatedly, and ends a call that cannot recover."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from worker.session.text_session import APOLOGY

CANNOT_HEAR = "I am sorry, I cannot hear you just now. One moment, please."
GIVING_UP = "I am sorry, we have a technical problem. Please call again later."
MIN_FAILURES = 3
POLL_INTERVAL_SECONDS = 1.0
GOODBYE_TIMEOUT_SECONDS = 6.0


class FailureTracker:
    """Counts consecutive failures per source: stt, llm or tts."""

    def __init__(self, outage_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._outage_seconds = outage_seconds
        self._clock = clock
        self._since: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def record_failure(self, source: str) -> bool:
        """Count a failure. Returns whether it is the first since the last success."""
        self._since.setdefault(source, self._clock())
        self._counts[source] = self._counts.get(source, 0) + 1
        return self._counts[source] == 1

    def record_success(self, source: str) -> None:
        self._since.pop(source, None)
        self._counts.pop(source, None)

    def is_failing(self, source: str) -> bool:
        return source in self._since

    @property
    def is_unrecoverable(self) -> bool:
        """True once a provider has failed repeatedly for longer than `outage_seconds`."""
        return any(
            count >= MIN_FAILURES and self._clock() - self._since[source] >= self._outage_seconds
            for source, count in self._counts.items()
        )


async def wait_until_unrecoverable(
    failures: FailureTracker, say: Callable[[str], Awaitable[Any]], idle: asyncio.Event
) -> None:
    """Return once a provider has failed for so long that the call must end, so that no caller is
    left in silence. A TTS that failed is retried meanwhile; unless it is still failing, the agent
    says goodbye at the end."""
    while not failures.is_unrecoverable:
        await asyncio.sleep(POLL_INTERVAL_SECONDS)
        if failures.is_failing("tts") and idle.is_set():
            await say(APOLOGY)
    if not failures.is_failing("tts"):
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT_SECONDS):
                await say(GIVING_UP)
