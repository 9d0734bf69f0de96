"""Retries with exponential backoff while a store is unavailable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.common.errors import Unavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 1.0


async def retry_while_unavailable(operation: Callable[[], Awaitable[T]]) -> T:
    """Retry `operation` until the store is available. It must be idempotent."""
    delay = 0.05
    while True:
        try:
            return await operation()
        except Unavailable:
            log.warning("store unavailable; retrying", extra={"in_seconds": delay})
        await asyncio.sleep(delay)
        delay = min(delay * 2, MAX_BACKOFF_SECONDS)
