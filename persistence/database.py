"""Connections to PostgreSQL: one engine for repositories, one plain pool for the event log.

Each process works under a role of its own: `studio_api` sees one tenant at a time through
row-level security, `studio_service` (worker, keeper) sees all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

STATEMENT_SECONDS = 10
BRIEF_MS = 2_000
PAUSE_MS: Mapping[str, int] = {"studio_api": 30_000, "studio_service": BRIEF_MS}
"""How long a process of a role may do nothing within a transaction."""

_DIALECT: Any = cast(Any, PGDialect_asyncpg)()


class DbRole(StrEnum):
    API = "studio_api"
    SERVICE = "studio_service"


def create_engine(url: str, role: DbRole, size: int = 16) -> AsyncEngine:
    return create_async_engine(
        with_driver(url),
        pool_size=size,
        # Opening a connection costs more than waiting for one, so there is no overflow.
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_pre_ping=False,
        # What people said and their keys do not belong into an error's text.
        hide_parameters=True,
        connect_args={
            "server_settings": _server_settings(role),
            "command_timeout": STATEMENT_SECONDS,
            "timeout": 5,
        },
    )


async def create_pool(url: str, role: DbRole, size: int = 10) -> asyncpg.Pool[asyncpg.Record]:
    return await asyncpg.create_pool(
        without_driver(url),
        min_size=1,
        max_size=size,
        command_timeout=STATEMENT_SECONDS,
        timeout=5,
        server_settings=_server_settings(role),
        reset=_leave_as_is,
    )


async def _leave_as_is(connection: Any) -> None:
    """Nothing is ever set beyond a transaction, so there is nothing to reset: a round trip less."""


@asynccontextmanager
async def brief(connection: Any) -> AsyncGenerator[None]:
    """A transaction that ends soon, also when this process is frozen in the middle of it: its locks
    would keep others from taking over what it held."""
    async with connection.transaction():
        if connection.get_server_version().major >= 17:  # before, only its pauses are limited
            await connection.execute(f"set local transaction_timeout = {BRIEF_MS}")
        yield


async def in_batches(
    pool: asyncpg.Pool[asyncpg.Record], statement: str, *arguments: Any, size: int
) -> int:
    """Repeat a statement, whose last argument is how many rows it may change, until it has changed
    all of them; answers how many. It returns a row for each."""
    done, batch = 0, size
    while batch == size:
        batch = len(await pool.fetch(statement, *arguments, size))
        done += batch
    return done


async def driver(connection: AsyncConnection) -> asyncpg.Connection[asyncpg.Record]:
    """asyncpg's own connection under SQLAlchemy's."""
    raw: asyncpg.Connection[asyncpg.Record] | None = (
        await connection.get_raw_connection()
    ).driver_connection
    assert raw is not None
    return raw


async def fetch(
    connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
) -> list[asyncpg.Record]:
    """The rows of a query that is built once and asked often: half of what it costs otherwise."""
    text, names = compiled(query)
    return await (await driver(connection)).fetch(text, *(values[name] for name in names))


@lru_cache(256)
def compiled(query: Select[Any]) -> tuple[str, tuple[str, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


def with_driver(url: str) -> str:
    return _with_scheme(url, "postgresql+asyncpg")


def without_driver(url: str) -> str:
    return _with_scheme(url, "postgresql")


def _with_scheme(url: str, scheme: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme=scheme))


def _server_settings(role: DbRole) -> dict[str, Any]:
    return {
        "role": role.value,
        "application_name": role.value,
        "statement_timeout": str(STATEMENT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(PAUSE_MS[role.value]),
        "timezone": "UTC",
        "jit": "off",
    }
