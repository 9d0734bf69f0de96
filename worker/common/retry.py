"""Waiting out a store that is away."""

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
    """Do it until the store answers. Only for what may safely be done twice."""
    pause = 0.05
    while True:
        try:
            return await operation()
        except Unavailable:
            log.warning("store is away; trying again", extra={"in_seconds": pause})
        await asyncio.sleep(pause)
        pause = min(pause * 2, MAX_BACKOFF_SECONDS)
