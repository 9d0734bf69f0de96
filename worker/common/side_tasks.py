"""Tasks next to the main work of a block, which continues if they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from domain.common.tasks import cancel_and_wait

log = logging.getLogger(__name__)


@asynccontextmanager
async def side_task(coroutine: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run the coroutine for the duration of the block. Unlike with `background_task`, errors of the block
    keep their type, and a failure of the coroutine is only logged."""
    task = asyncio.create_task(coroutine)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        await cancel_and_wait(task)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a side task failed", exc_info=error)
