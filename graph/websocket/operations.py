"""The operations that run on one connection, by the ids that the client chose."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from domain.common.tasks import cancel_and_wait

log = logging.getLogger(__name__)


class RunningOperations:
    def __init__(self) -> None:
        self._by_id: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Includes operations that are finishing and whose id has been released."""

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def start(
        self, id: str, operation: Coroutine[Any, Any, None], on_bug: Callable[[], None]
    ) -> None:
        """Run the operation as a task. `on_bug` is called when it raises an unexpected exception.

        Only the task refers to `on_bug`: a longer reference would make a cycle with the connection."""
        task = asyncio.create_task(operation)
        self._by_id[id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._on_done(id, task, on_bug))

    def cancel(self, id: str) -> None:
        if task := self._by_id.pop(id, None):
            task.cancel()

    def release(self, id: str) -> None:
        """Free the id, before the client is notified that the operation is complete."""
        self._by_id.pop(id, None)

    async def cancel_all(self) -> None:
        await cancel_and_wait(*self._tasks)

    def _on_done(self, id: str, task: asyncio.Task[None], on_bug: Callable[[], None]) -> None:
        self._tasks.discard(task)
        if self._by_id.get(id) is task:
            del self._by_id[id]
        if task.cancelled() or (error := task.exception()) is None or isinstance(error, OSError):
            return  # OSError: the client disconnected
        log.error("operation failed unexpectedly", extra={"error": type(error).__qualname__})
        on_bug()
