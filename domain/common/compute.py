"""CPU-bound work in a thread next to the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

from domain.common.access import TenantId

T = TypeVar("T")


class Compute:
    """One thread per process: however many requests compute at once, only one competes with the
    event loop for the GIL.

    Tenants take turns: a tenant with much work queues behind its own work, not behind others'."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "compute")
        self._turns: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()

    async def run(self, tenant: TenantId, do: Callable[..., T], *arguments: object) -> T:
        """A function that has started runs to its end despite cancellation, so keep it short."""
        turn = self._turns.setdefault(tenant, asyncio.Lock())
        async with turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, do, *arguments)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
