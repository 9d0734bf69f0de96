"""Long computations on an event loop: in slices, so that everything else goes on between them, and
few at once for each tenant."""

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
"""Enough for what others want to do in a few passes of the event loop."""


class Pacer:
    """Lets one slice run at a time, with a rest between two, however many computations are under way:
    a third of the event loop belongs to everybody else. Short ones that follow each other share a
    slice. One per loop."""

    def __init__(self) -> None:
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def paced(self, items: Iterable[T]) -> AsyncGenerator[T]:
        """The items, one by one. What is done with an item counts towards the slice, and so does
        making it, where the items are made lazily."""
        if time.perf_counter() >= self._until:
            await self._next_slice()
        for item in items:
            yield item
            if time.perf_counter() >= self._until:
                await self._next_slice()

    async def _next_slice(self) -> None:
        # The lock is handed on in the order in which it was asked for. It is not held during the
        # slice, so that a generator that nobody finishes holds up nobody; whoever is next finds out
        # when the slice is over, as nothing in it awaits.
        async with self._turn:
            rest = self._until + PAUSE_SECONDS - time.perf_counter()
            if rest > 0:
                await asyncio.sleep(rest)
            self._until = time.perf_counter() + SLICE_SECONDS


class TenantConcurrencyLimit:
    """How much of one kind a tenant may have under way at once in this process."""

    def __init__(self, max_concurrent: int) -> None:
        self._max_concurrent = max_concurrent
        self._semaphores: WeakValueDictionary[TenantId, asyncio.Semaphore] = WeakValueDictionary()

    def semaphore(self, tenant: TenantId) -> asyncio.Semaphore:
        """It is there for as long as somebody holds it or waits for it."""
        return self._semaphores.setdefault(tenant, asyncio.Semaphore(self._max_concurrent))

    @asynccontextmanager
    async def acquire(self, seconds: float, tenant: TenantId) -> AsyncGenerator[None]:
        """Holds one of them; raises `Unavailable` when none has become free in `seconds`."""
        limit = self.semaphore(tenant)
        try:
            async with asyncio.timeout(seconds):
                await limit.acquire()
        except TimeoutError:
            raise Unavailable(
                "This tenant has too many requests under way, and a place was not available in "
                "time; try again."
            ) from None
        try:
            yield
        finally:
            limit.release()
