"""A pool that waits for a connection of its own while PostgreSQL lets no other in.

A process whose server is full (`max_connections`) goes on with the connections that it has: its
requests wait in line and are served one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

from persistence.db_errors import is_server_full

ACQUIRE_TIMEOUT_SECONDS = 5.0
POLL_INTERVAL_SECONDS = 0.005
"""How often the first in line looks for a connection that came back."""

if TYPE_CHECKING:  # asyncpg is generic for type checkers only
    Pool = asyncpg.Pool[asyncpg.Record]
    AcquireContext = PoolAcquireContext[asyncpg.Record]
else:
    Pool, AcquireContext = asyncpg.Pool, PoolAcquireContext


class QueueingPool(Pool):
    """asyncpg's pool, which would pass on that the server is full."""

    @classmethod
    async def create(cls, connect: Callable[..., Awaitable[Any]], size: int) -> Self:
        options: dict[str, Any] = {
            "min_size": 1,
            "max_size": size,
            "max_queries": 50_000,
            "max_inactive_connection_lifetime": 300.0,
            "connect": connect,
            "reset": _no_reset,
            "loop": None,
            "connection_class": asyncpg.Connection,
            "record_class": asyncpg.Record,
        }
        pool = cls(**options)
        pool.wait_lock = asyncio.Lock()
        await pool
        return pool

    wait_lock: asyncio.Lock

    def acquire(self, *, timeout: float | None = None) -> AcquireContext:
        return _QueuedAcquire(self, timeout)


class _QueuedAcquire(AcquireContext):
    async def __aenter__(self) -> PoolConnectionProxy[asyncpg.Record]:
        pool = self.pool
        assert isinstance(pool, QueueingPool)
        if not pool.wait_lock.locked():
            with suppress_server_full():
                return await super().__aenter__()
        async with asyncio.timeout(self.timeout or ACQUIRE_TIMEOUT_SECONDS), pool.wait_lock:
            while True:
                with suppress_server_full():
                    return await super().__aenter__()
                await asyncio.sleep(POLL_INTERVAL_SECONDS)


@contextmanager
def suppress_server_full() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_server_full(error):
            raise


async def _no_reset(connection: Any) -> None:
    """Nothing is ever set beyond a transaction, so there is nothing to reset: a round trip less."""
