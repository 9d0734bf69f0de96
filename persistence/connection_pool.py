"""A connection pool that waits for one of its own connections while PostgreSQL accepts no new ones.

When the server is full (`max_connections`), a process keeps working with the connections that it
has: its requests queue and are served one after the other."""

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
"""How often the first request in the queue checks for a free connection."""

if TYPE_CHECKING:  # asyncpg is generic for type checkers only
    Pool = asyncpg.Pool[asyncpg.Record]
    AcquireContext = PoolAcquireContext[asyncpg.Record]
else:
    Pool, AcquireContext = asyncpg.Pool, PoolAcquireContext


class QueueingPool(Pool):
    """asyncpg's pool, except that it waits for a free connection while the server is full."""

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
    """Skip the reset, which saves a round trip: no setting outlives its transaction."""
