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


@asynccontextmanager
async def background_task(coroutine: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run the coroutine for the duration of the block; if it fails, the block fails."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(coroutine)
        try:
            yield
        finally:
            await cancel_and_wait(task)
