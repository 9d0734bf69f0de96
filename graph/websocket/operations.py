"""The operations that run on one connection, by the ids their client gave them."""

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
        """Also those that say their last word and whose id is free again."""

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def start(
        self, id: str, operation: Coroutine[Any, Any, None], broken: Callable[[], None]
    ) -> None:
        """`broken` is told when the operation fails as none should. Only the operation holds it:
        what outlives it would hold the connection that holds this."""
        task = asyncio.create_task(operation)
        self._by_id[id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._on_done(id, done, broken))

    def cancel(self, id: str) -> None:
        if task := self._by_id.pop(id, None):
            task.cancel()

    def release(self, id: str) -> None:
        """The id may be used again, from before the client hears that its operation is over."""
        self._by_id.pop(id, None)

    async def cancel_all(self) -> None:
        await cancel_and_wait(*self._tasks)

    def _on_done(self, id: str, task: asyncio.Task[None], broken: Callable[[], None]) -> None:
        self._tasks.discard(task)
        if self._by_id.get(id) is task:
            del self._by_id[id]
        if task.cancelled() or (error := task.exception()) is None or isinstance(error, OSError):
            return  # OSError: the client has gone
        log.error("an operation broke", extra={"error": type(error).__qualname__})
        broken()
