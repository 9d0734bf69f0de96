"""asyncio tasks with owners: when a block ends, the tasks it started have ended too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

RECANCEL_INTERVAL_SECONDS = 0.5


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel the tasks and wait until they have ended, ignoring their results. Cancellation is
    repeated, because before Python 3.12 a task inside `asyncio.wait_for` can lose a cancellation
    that arrives just as its wait completes."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=RECANCEL_INTERVAL_SECONDS)


async def first_event(
    *events: asyncio.Event, timeout_seconds: float | None = None
) -> asyncio.Event | None:
    """Wait for the first event that is set, in the order of the arguments; None after the timeout."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(*waits)
    return next((event for event in events if event.is_set()), None)


@asynccontextmanager
async def background_task(coroutine: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run the coroutine for the duration of the block; if it fails, the block fails."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(coroutine)
        try:
            yield
        finally:
            await cancel_and_wait(task)
