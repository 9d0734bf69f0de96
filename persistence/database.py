"""Connections to PostgreSQL, and the connection pool of the event log and the call queue.

Each kind of process uses its own role: row-level security limits `studio_api` to one tenant at a
time, while `studio_service` (worker, keeper) sees all tenants."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from domain.common.errors import InvalidSetting, Unavailable, WrongDatabaseRole
from persistence.connection_pool import QueueingPool
from persistence.db_errors import EngineError, is_outage, sqlstate_of

T = TypeVar("T")
log = logging.getLogger(__name__)

STATEMENT_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5
SERVER_FULL_BACKOFF_SECONDS = 0.5
"""How long no connection is attempted after the server has reported too many connections."""
START_TIMEOUT_SECONDS = 30.0
"""How long a starting process waits for a server that is unavailable or full."""
MAX_BACKOFF_SECONDS = 2.0
SHORT_TRANSACTION_TIMEOUT_MS = 2_000
IDLE_TRANSACTION_TIMEOUT_MS: Mapping[str, int] = {
    "studio_api": 30_000,
    "studio_service": SHORT_TRANSACTION_TIMEOUT_MS,
}
"""The maximum idle time in a transaction, by role, in milliseconds."""

SELECT_CURRENT_ROLE = """
    select rolname as name, rolsuper or rolbypassrls as unbound
      from pg_roles where rolname = current_user
"""
REMEDIES: Mapping[str, str] = {
    "22023": "Run `python -m persistence.migrate` first.",
    "42501": "Migrate as the owner of the database, or use a login of `persistence.admin roles`.",
    "08P01": "A connection pooler must ignore startup parameters: see docs/operating.md.",
}
"""How to fix a refused connection, by SQLSTATE."""


class DbRole(StrEnum):
    API = "studio_api"
    SERVICE = "studio_service"


class ConnectionFactory:
    """Opens the connections of a process under the role that the process must have."""

    def __init__(self, url: str, role: DbRole) -> None:
        self._url = without_driver(url)
        self._role = role
        self._full_until = 0.0

    async def connect(self, **options: Any) -> asyncpg.Connection[asyncpg.Record]:
        if time.monotonic() < self._full_until:
            raise asyncpg.TooManyConnectionsError(
                "PostgreSQL had too many connections a moment ago"
            )
        try:
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                self._url,
                **options,
                command_timeout=STATEMENT_TIMEOUT_SECONDS,
                timeout=CONNECT_TIMEOUT_SECONDS,
                server_settings=_server_settings(self._role),
            )
        except asyncpg.TooManyConnectionsError:
            self._full_until = time.monotonic() + SERVER_FULL_BACKOFF_SECONDS
            raise
        try:
            await _check_role(connection, self._role)
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _check_role(connection: asyncpg.Connection[asyncpg.Record], role: DbRole) -> None:
    """A connection pooler may drop the role, and a superuser sees every tenant."""
    current = await connection.fetchrow(SELECT_CURRENT_ROLE)
    assert current is not None
    if current["name"] == role and not current["unbound"]:
        return
    log.error("refused a connection with the wrong role", extra={"role": current["name"]})
    rights = ", which bypasses row-level security" if current["unbound"] else ""
    raise WrongDatabaseRole(
        f"This process should be {role} in PostgreSQL, but is {current['name']}{rights}. A "
        "connection pooler may drop the role: set DATABASE_URL to a login that "
        "`python -m persistence.admin roles` has created."
    )


async def create_pool(
    url: str, role: DbRole, size: int = 10, timeout_seconds: float = START_TIMEOUT_SECONDS
) -> asyncpg.Pool[asyncpg.Record]:
    """Create a pool and open its first connection, within `timeout_seconds`."""
    return await retry_until_available(
        partial(QueueingPool.create, ConnectionFactory(url, role).connect, size), timeout_seconds
    )


async def retry_until_available(
    do: Callable[[], Awaitable[T]], timeout_seconds: float = START_TIMEOUT_SECONDS
) -> T:
    """Retry until PostgreSQL is available and accepts connections. For the start of a process."""
    delay, reason = 0.1, ""
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                try:
                    return await do()
                except Exception as error:
                    if not isinstance(error, OSError | asyncpg.PostgresError | EngineError):
                        raise
                    _raise_if_permanent(error)
                    reason = str(error) or type(error).__name__
                log.warning(
                    "PostgreSQL accepts no connections; trying again", extra={"reason": reason}
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, MAX_BACKOFF_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"PostgreSQL accepted no connection within {timeout_seconds:g} s: {reason}"
        ) from None


def _raise_if_permanent(error: Exception) -> None:
    state = sqlstate_of(error)
    if is_outage(error) and state not in REMEDIES:
        return
    hint = REMEDIES.get(state or "", "")
    raise InvalidSetting(f"PostgreSQL refuses this process: {error}. {hint}".rstrip()) from error


@asynccontextmanager
async def short_transaction(connection: Any) -> AsyncGenerator[None]:
    """A transaction that ends soon even if this process freezes in the middle of it, because its
    locks would keep other workers from taking over its calls."""
    async with connection.transaction():
        if connection.get_server_version().major >= 17:  # older versions limit only the idle time
            await connection.execute(
                f"set local transaction_timeout = {SHORT_TRANSACTION_TIMEOUT_MS}"
            )
        yield


async def in_batches(
    pool: asyncpg.Pool[asyncpg.Record], statement: str, *arguments: Any, size: int
) -> int:
    """Repeat a statement until it changes no more rows, and return how many rows it has changed.
    The statement takes the batch size as its last argument and returns each changed row."""
    done, batch = 0, size
    while batch == size:
        batch = len(await pool.fetch(statement, *arguments, size))
        done += batch
    return done


def without_driver(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


def _server_settings(role: DbRole) -> dict[str, str]:
    return {"role": role.value, "application_name": role.value, **session_settings(role)}


def session_settings(role: DbRole) -> dict[str, str]:
    """The settings that a process requests for its connections; they are defaults of its login."""
    return {
        "statement_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_TIMEOUT_MS[role.value]),
        "timezone": "UTC",
        "jit": "off",
    }
