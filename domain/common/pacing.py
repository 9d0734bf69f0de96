"""Long computations on the event loop: run in slices, between which other tasks run, and limited
per tenant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from domain.common.access import TenantId
from domain.common.errors import Unavailable

T = TypeVar("T")

SLICE_SECONDS = 0.005
PAUSE_SECONDS = SLICE_SECONDS / 2
"""Long enough for other tasks to run in a few iterations of the event loop."""


class Pacer:
    """Runs one slice at a time, with a pause between two, however many computations are in progress,
    so that a third of the event loop's time is left to other tasks. Short computations in a row
    share a slice. Create one per event loop."""

    def __init__(self) -> None:
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def paced(self, items: Iterable[T]) -> AsyncGenerator[T]:
        """Yield the items one by one. The time the consumer spends on an item counts towards the
        slice, and so does producing it where the items are produced lazily."""
        if time.perf_counter() >= self._until:
            await self._next_slice()
        for item in items:
            yield item
            if time.perf_counter() >= self._until:
                await self._next_slice()

    async def _next_slice(self) -> None:
        # The lock is acquired in FIFO order. It is not held during the slice, so that an abandoned
        # generator blocks no one; as nothing in a slice awaits, the next task in line runs only
        # when the slice is over.
        async with self._turn:
            pause = self._until + PAUSE_SECONDS - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            self._until = time.perf_counter() + SLICE_SECONDS


class TenantConcurrencyLimit:
    """Limits how many operations of one kind a tenant may run at once in this process."""

    def __init__(self, max_concurrent: int) -> None:
        self._max_concurrent = max_concurrent
        self._semaphores: WeakValueDictionary[TenantId, asyncio.Semaphore] = WeakValueDictionary()

    def semaphore(self, tenant: TenantId) -> asyncio.Semaphore:
        """The tenant's semaphore, which exists only while a task holds it or waits for it."""
        return self._semaphores.setdefault(tenant, asyncio.Semaphore(self._max_concurrent))

    @asynccontextmanager
    async def acquire(self, seconds: float, tenant: TenantId) -> AsyncGenerator[None]:
        """Hold one slot during the block. Raises `Unavailable` when none is free in `seconds`."""
        limit = self.semaphore(tenant)
        try:
            async with asyncio.timeout(seconds):
                await limit.acquire()
        except TimeoutError:
            raise Unavailable(
                "This tenant has too many requests in progress, and a slot was not available in time; "
                "try again."
            ) from None
        try:
            yield
        finally:
            limit.release()
