"""Tasks have owners, and an owner can be sure that its task is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

RECANCEL_INTERVAL_SECONDS = 0.5


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel and wait, whatever they answer. Asks again and again: until Python 3.12 a task
    inside `asyncio.wait_for` can lose a cancellation that comes as its wait is over."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=RECANCEL_INTERVAL_SECONDS)


@asynccontextmanager
async def background_task(coroutine: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Runs `work` for the length of the block; its failure is the block's failure."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(coroutine)
        try:
            yield
        finally:
            await cancel_and_wait(task)
