"""`python -m persistence.migrate`: bring the database up to date, while its processes go on.

One migration at a time; each revision in a transaction of its own. A lock that a revision cannot get
soon is given up and tried again later, so that the readers behind it are not kept waiting. Roles are
made before the revisions; grants, policies and the owners of functions are set right after them,
every time: a dump that was restored on another server lacks them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from domain.common.errors import DomainError, Unavailable
from domain.common.json_logging import log_to_stderr
from domain.common.settings import Settings
from persistence.database import once_let_in, without_driver
from persistence.outages import sqlstate_of

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).parent.parent / "migrations"
LOCK = 7304
POLL_INTERVAL_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

NOT_NOW = frozenset({"55P03", "40P01"})
"""SQLSTATE: a lock that was not to be had in time, a deadlock."""
BESIDE_OTHERS = NOT_NOW | {"XX000", "23505", "42710"}
"""Roles belong to the server, so that another database's migration may be making them just now."""

DENIED = "42501"
AS_OWNER = (
    "The user of MIGRATE_DATABASE_URL (or else DATABASE_URL) must own the tables, and may need "
    "CREATEROLE: see docs/operating.md."
)

INVALID_INDEXES = """
    select indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
     where not i.indisvalid and c.relnamespace = 'public'::regnamespace
       and not exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid)
"""


@dataclass(frozen=True, slots=True)
class Patience:
    lock_seconds: float = 2.0
    """How long a statement waits for a lock, and whoever comes after it for the statement."""
    total_seconds: float = 1_800.0
    pause_seconds: float = 1.0


def upgrade(
    url: str,
    revision: str = "head",
    *,
    scripts: Path = SCRIPTS,
    patience: Patience = Patience(),
) -> None:
    asyncio.run(Migration(url, scripts, patience).upgrade(revision))


def run_alembic(url: str, do: Callable[[Config], None]) -> None:
    """Any other command of Alembic, such as a downgrade."""
    asyncio.run(Migration(url).alembic(do))


class Migration:
    def __init__(
        self,
        url: str,
        scripts: Path = SCRIPTS,
        patience: Patience = Patience(),
    ) -> None:
        self._url = without_driver(url)
        self._scripts = scripts
        self._patience = patience

    async def upgrade(self, revision: str) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds) as limit, self._alone():
                await self._patiently(partial(self._execute, "roles.sql"), BESIDE_OTHERS)
                await self._patiently(partial(self._revisions, revision), NOT_NOW)
                await self._patiently(partial(self._execute, "grants.sql"), BESIDE_OTHERS)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unavailable(
                f"The migration was not over after {self._patience.total_seconds:g} s. What is done "
                "is kept: end the transactions that hold locks, and run it again."
            ) from None
        log.info("the database is up to date")

    async def make_roles(self) -> None:
        await self._patiently(partial(self._execute, "roles.sql"), BESIDE_OTHERS)

    async def alembic(self, do: Callable[[Config], None]) -> None:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=self._connect, poolclass=pool.NullPool
        )
        # In the transaction only: whoever builds an index concurrently must wait for others, and
        # keeps nobody waiting.
        limit = f"set local lock_timeout = '{self._patience.lock_seconds:g}s'"

        @event.listens_for(engine.sync_engine, "begin")
        def not_for_long(connection: Connection) -> None:
            connection.exec_driver_sql(limit)

        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: do(self._configuration(sync)))

    def _configuration(self, connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self._scripts))
        config.attributes["connection"] = connection
        config.attributes["applied"] = _tell
        return config

    async def _revisions(self, revision: str) -> None:
        await self._drop_invalid_indexes()
        await self.alembic(partial(command.upgrade, revision=revision))

    async def _drop_invalid_indexes(self) -> None:
        """What is left of a concurrent build that failed: it is of no use, only in the way."""
        async with self._connection() as connection:
            for row in await connection.fetch(INVALID_INDEXES):
                log.warning("dropping an index that was left half-built", extra={"index": row[0]})
                await connection.execute(f"drop index concurrently if exists {row[0]}")

    async def _execute(self, script: str) -> None:
        async with self._connection() as connection:
            await connection.execute(f"set lock_timeout = '{self._patience.lock_seconds:g}s'")
            await connection.execute((self._scripts / script).read_text())

    async def _patiently(self, do: Callable[[], Awaitable[None]], passing: frozenset[str]) -> None:
        pause = self._patience.pause_seconds
        while True:
            try:
                return await do()
            except (asyncpg.PostgresError, DBAPIError) as error:
                if sqlstate_of(error) not in passing:
                    raise
            log.warning("others hold the locks; trying again", extra={"in_seconds": pause})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """Holds the lock of migrations, by asking for it again and again: a transaction that waited
        for it in PostgreSQL would in turn be waited for by whoever builds an index concurrently."""
        connection = await once_let_in(self._connect)
        try:
            while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
                log.info("waiting for another migration to end")
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
            yield
        finally:
            await connection.close(timeout=5)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Any]:
        connection = await self._connect()
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    async def _connect(self) -> Any:
        settings = {
            "application_name": "studio_migrate",
            "lock_timeout": "0",
            "statement_timeout": "0",
            "idle_in_transaction_session_timeout": "0",
            "timezone": "UTC",
        }
        return await asyncpg.connect(self._url, timeout=10, server_settings=settings)


def _tell(*, step: Any, **_: Any) -> None:
    log.info("applied a revision", extra={"revision": step.up_revision_id})


def main() -> None:
    try:
        settings = Settings.from_env(os.environ)
        log_to_stderr(settings.log_level)
        upgrade(settings.owner_database_url)
    except DomainError as error:
        sys.exit(error.message)
    except OSError as error:
        sys.exit(f"PostgreSQL went away: {str(error) or type(error).__name__}. Run it again.")
    except (asyncpg.PostgresError, DBAPIError) as error:
        if sqlstate_of(error) != DENIED:
            raise
        cause = getattr(error, "orig", error)
        sys.exit(f"PostgreSQL refuses to migrate: {cause}. {AS_OWNER}")


if __name__ == "__main__":
    main()
