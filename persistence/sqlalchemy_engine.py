"""The SQLAlchemy engine, which the repositories of the API use.

Workers and keepers use the pool of `persistence.database` instead, so they do not load SQLAlchemy,
which takes 22 MB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.util import await_

from persistence.connection_pool import (
    ACQUIRE_TIMEOUT_SECONDS,
    POLL_INTERVAL_SECONDS,
    suppress_server_full,
)
from persistence.database import (
    START_TIMEOUT_SECONDS,
    ConnectionFactory,
    DbRole,
    retry_until_available,
)

_DIALECT: Any = cast(Any, PGDialect_asyncpg)()


class EnginePool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, except that it waits for a connection while the server is full, and raises
    `TimeoutError` when a wait takes too long."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wait_lock = asyncio.Lock()

    def connect(self) -> PoolProxiedConnection:
        try:
            return self._connect()
        except PoolTimeout as error:
            raise TimeoutError(
                f"no database connection became free within {ACQUIRE_TIMEOUT_SECONDS:g} s"
            ) from error

    def _connect(self) -> PoolProxiedConnection:
        if not self._wait_lock.locked():
            with suppress_server_full():
                return super().connect()
        deadline = time.monotonic() + ACQUIRE_TIMEOUT_SECONDS
        await_(_acquire(self._wait_lock))
        try:
            while time.monotonic() < deadline:
                with suppress_server_full():
                    return super().connect()
                await_(asyncio.sleep(POLL_INTERVAL_SECONDS))
            return super().connect()
        finally:
            self._wait_lock.release()


async def _acquire(lock: asyncio.Lock) -> None:
    async with asyncio.timeout(ACQUIRE_TIMEOUT_SECONDS):
        await lock.acquire()


def create_engine(url: str, role: DbRole, size: int = 16) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=ConnectionFactory(url, role).connect,
        poolclass=EnginePool,
        pool_size=size,
        # Opening a connection costs more than waiting for one, so there is no overflow.
        max_overflow=0,
        pool_timeout=ACQUIRE_TIMEOUT_SECONDS,
        pool_use_lifo=True,
        pool_pre_ping=False,
        # Error messages must not contain transcripts or keys.
        hide_parameters=True,
    )


async def open_first_connection(
    engine: AsyncEngine, timeout_seconds: float = START_TIMEOUT_SECONDS
) -> None:
    """Open the first connection of an engine, so that requests have one to wait for when the server
    is full."""

    async def first() -> None:
        async with engine.connect():
            pass

    await retry_until_available(first, timeout_seconds)


async def driver_connection(connection: AsyncConnection) -> asyncpg.Connection[asyncpg.Record]:
    """asyncpg's own connection under SQLAlchemy's."""
    raw: asyncpg.Connection[asyncpg.Record] | None = (
        await connection.get_raw_connection()
    ).driver_connection
    assert raw is not None
    return raw


async def fetch_compiled(
    connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
) -> list[asyncpg.Record]:
    """Fetch the rows of a query that is built once and run often. Compiling it once and passing it
    straight to the driver halves the cost."""
    text, names = compile_query(query)
    return await (await driver_connection(connection)).fetch(
        text, *(values[name] for name in names)
    )


@lru_cache(256)
def compile_query(query: Select[Any]) -> tuple[str, tuple[str, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())
