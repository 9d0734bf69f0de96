"""Pools that wait for a connection of their own while PostgreSQL lets no other in.

A process whose server is full (`max_connections`) goes on with the connections that it has: its
requests wait in line and are served one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.util import await_

from persistence.outages import is_full

ACQUIRE_SECONDS = 5.0
POLL_INTERVAL_SECONDS = 0.005
"""How often the first in line looks for a connection that came back."""

if TYPE_CHECKING:  # asyncpg is generic for type checkers only
    Pool = asyncpg.Pool[asyncpg.Record]
    Turn = PoolAcquireContext[asyncpg.Record]
else:
    Pool, Turn = asyncpg.Pool, PoolAcquireContext


class EnginePool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which would pass on that the server is full."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._line = asyncio.Lock()

    def connect(self) -> PoolProxiedConnection:
        if not self._line.locked():
            with _unless_full():
                return super().connect()
        deadline = time.monotonic() + ACQUIRE_SECONDS
        await_(_enter(self._line))
        try:
            while time.monotonic() < deadline:
                with _unless_full():
                    return super().connect()
                await_(asyncio.sleep(POLL_INTERVAL_SECONDS))
            return super().connect()
        finally:
            self._line.release()


class PatientPool(Pool):
    """asyncpg's pool, which would pass on that the server is full."""

    @classmethod
    async def of(cls, connect: Callable[..., Awaitable[Any]], size: int) -> Self:
        options: dict[str, Any] = {
            "min_size": 1,
            "max_size": size,
            "max_queries": 50_000,
            "max_inactive_connection_lifetime": 300.0,
            "connect": connect,
            "reset": _leave_as_is,
            "loop": None,
            "connection_class": asyncpg.Connection,
            "record_class": asyncpg.Record,
        }
        pool = cls(**options)
        pool.line = asyncio.Lock()
        await pool
        return pool

    line: asyncio.Lock

    def acquire(self, *, timeout: float | None = None) -> Turn:
        return _Turn(self, timeout)


class _Turn(Turn):
    async def __aenter__(self) -> PoolConnectionProxy[asyncpg.Record]:
        pool = self.pool
        assert isinstance(pool, PatientPool)
        if not pool.line.locked():
            with _unless_full():
                return await super().__aenter__()
        async with asyncio.timeout(self.timeout or ACQUIRE_SECONDS), pool.line:
            while True:
                with _unless_full():
                    return await super().__aenter__()
                await asyncio.sleep(POLL_INTERVAL_SECONDS)


@contextmanager
def _unless_full() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise


async def _enter(line: asyncio.Lock) -> None:
    async with asyncio.timeout(ACQUIRE_SECONDS):
        await line.acquire()


async def _leave_as_is(connection: Any) -> None:
    """Nothing is ever set beyond a transaction, so there is nothing to reset: a round trip less."""
