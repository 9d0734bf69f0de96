"""Waits for what happens elsewhere and has no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

WAIT_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.02


async def until(condition: Callable[[], object], timeout_seconds: float = WAIT_SECONDS) -> None:
    """Wait until the condition is true; fail after the timeout."""
    async with asyncio.timeout(timeout_seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
