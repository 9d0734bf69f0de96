"""`python -m persistence.migrate`: migrate the database while its processes keep running.

Only one migration runs at a time, and each revision runs in its own transaction. A revision that
cannot get a lock soon is rolled back and retried later, so that the readers queued behind it do not
wait. Roles are created before the revisions; grants, policies and owners of functions are set after
them. Both run every time, because a dump that was restored on another server lacks them."""

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
from persistence.database import retry_until_available, without_driver
from persistence.db_errors import sqlstate_of

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).parent.parent / "migrations"
ADVISORY_LOCK_ID = 7304
POLL_INTERVAL_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 10.0

LOCK_ERRORS = frozenset({"55P03", "40P01"})
"""SQLSTATEs of a lock timeout and of a deadlock."""
CONCURRENT_ROLE_ERRORS = LOCK_ERRORS | {"XX000", "23505", "42710"}
"""Roles belong to the server: the migration of another database may be creating them, too."""

INSUFFICIENT_PRIVILEGE = "42501"
OWNER_HINT = (
    "The user of MIGRATE_DATABASE_URL (or else DATABASE_URL) must own the tables, and may need "
    "CREATEROLE: see docs/operating.md."
)

INVALID_INDEXES = """
    select indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indexrelid
     where not i.indisvalid and c.relnamespace = 'public'::regnamespace
       and not exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid)
"""


@dataclass(frozen=True, slots=True)
class MigrationTimeouts:
    lock_timeout_seconds: float = 2.0
    """How long a statement waits for a lock, and thus how long other statements queue behind it."""
    total_timeout_seconds: float = 1_800.0
    retry_delay_seconds: float = 1.0


def upgrade(
    url: str,
    revision: str = "head",
    *,
    scripts: Path = SCRIPTS,
    timeouts: MigrationTimeouts = MigrationTimeouts(),
) -> None:
    asyncio.run(Migration(url, scripts, timeouts).upgrade(revision))


def run_alembic(url: str, do: Callable[[Config], None]) -> None:
    """Run any other Alembic command, such as a downgrade."""
    asyncio.run(Migration(url).run_alembic(do))


class Migration:
    def __init__(
        self,
        url: str,
        scripts: Path = SCRIPTS,
        timeouts: MigrationTimeouts = MigrationTimeouts(),
    ) -> None:
        self._url = without_driver(url)
        self._scripts = scripts
        self._timeouts = timeouts

    async def upgrade(self, revision: str) -> None:
        try:
            async with (
                asyncio.timeout(self._timeouts.total_timeout_seconds) as limit,
                self._advisory_lock(),
            ):
                await self._with_retries(
                    partial(self._run_script, "roles.sql"), CONCURRENT_ROLE_ERRORS
                )
                await self._with_retries(partial(self._run_revisions, revision), LOCK_ERRORS)
                await self._with_retries(
                    partial(self._run_script, "grants.sql"), CONCURRENT_ROLE_ERRORS
                )
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unavailable(
                "The migration did not finish within "
                f"{self._timeouts.total_timeout_seconds:g} s. Completed revisions are kept: end "
                "the transactions that hold locks, then run the migration again."
            ) from None
        log.info("the database is up to date")

    async def create_roles(self) -> None:
        await self._with_retries(partial(self._run_script, "roles.sql"), CONCURRENT_ROLE_ERRORS)

    async def run_alembic(self, do: Callable[[Config], None]) -> None:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=self._connect, poolclass=pool.NullPool
        )
        # Only in transactions: a concurrent index build must wait for others and blocks no one.
        set_timeout = f"set local lock_timeout = '{self._timeouts.lock_timeout_seconds:g}s'"

        @event.listens_for(engine.sync_engine, "begin")
        def limit_lock_waits(connection: Connection) -> None:
            connection.exec_driver_sql(set_timeout)

        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: do(self._configuration(sync)))

    def _configuration(self, connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self._scripts))
        config.attributes["connection"] = connection
        config.attributes["applied"] = _log_revision
        return config

    async def _run_revisions(self, revision: str) -> None:
        await self._drop_invalid_indexes()
        await self.run_alembic(partial(command.upgrade, revision=revision))

    async def _drop_invalid_indexes(self) -> None:
        """Drop the invalid indexes of failed concurrent builds, which would block a retry."""
        async with self._connection() as connection:
            for row in await connection.fetch(INVALID_INDEXES):
                log.warning("dropping an invalid index", extra={"index": row[0]})
                await connection.execute(f"drop index concurrently if exists {row[0]}")

    async def _run_script(self, script: str) -> None:
        async with self._connection() as connection:
            await connection.execute(
                f"set lock_timeout = '{self._timeouts.lock_timeout_seconds:g}s'"
            )
            await connection.execute((self._scripts / script).read_text())

    async def _with_retries(
        self, do: Callable[[], Awaitable[None]], transient: frozenset[str]
    ) -> None:
        delay = self._timeouts.retry_delay_seconds
        while True:
            try:
                return await do()
            except (asyncpg.PostgresError, DBAPIError) as error:
                if sqlstate_of(error) not in transient:
                    raise
            log.warning("others hold the locks; trying again", extra={"in_seconds": delay})
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_BACKOFF_SECONDS)

    @asynccontextmanager
    async def _advisory_lock(self) -> AsyncGenerator[None]:
        """Hold the advisory lock of migrations. The lock is polled: a transaction that waited for
        it in PostgreSQL would in turn block a concurrent index build of the other migration."""
        connection = await retry_until_available(self._connect)
        try:
            while not await connection.fetchval(
                "select pg_try_advisory_lock($1)", ADVISORY_LOCK_ID
            ):
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


def _log_revision(*, step: Any, **_: Any) -> None:
    log.info("applied a revision", extra={"revision": step.up_revision_id})


def main() -> None:
    try:
        settings = Settings.from_env(os.environ)
        log_to_stderr(settings.log_level)
        upgrade(settings.owner_database_url)
    except DomainError as error:
        sys.exit(error.message)
    except OSError as error:
        reason = str(error) or type(error).__name__
        sys.exit(f"The connection to PostgreSQL failed: {reason}. Run the migration again.")
    except (asyncpg.PostgresError, DBAPIError) as error:
        if sqlstate_of(error) != INSUFFICIENT_PRIVILEGE:
            raise
        cause = getattr(error, "orig", error)
        sys.exit(f"PostgreSQL refuses the migration: {cause}. {OWNER_HINT}")


if __name__ == "__main__":
    main()
