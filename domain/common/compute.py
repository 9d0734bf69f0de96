"""Work that takes long and waits for nothing, done beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

from domain.common.access import TenantId

T = TypeVar("T")


class Compute:
    """One thread per process: however many ask at once, the event loop shares its core with one.

    Tenants take turns. Whoever asks for much at once waits behind their own work, not the others."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "compute")
        self._turns: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()

    async def run(self, tenant: TenantId, do: Callable[..., T], *arguments: object) -> T:
        """What was begun goes on after a cancellation, so each piece should be short."""
        turn = self._turns.setdefault(tenant, asyncio.Lock())
        async with turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, do, *arguments)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
