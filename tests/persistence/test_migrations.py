"""Migrations next to running processes, next to each other, and after a restore."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from domain.common.errors import Unavailable
from domain.common.settings import Settings
from persistence.migrate import SCRIPTS, MigrationTimeouts, upgrade
from tests.support.database_schema import connected, schema_of

pytestmark = pytest.mark.anyio

QUICK = MigrationTimeouts(
    lock_timeout_seconds=0.2, total_timeout_seconds=90, retry_delay_seconds=0.1
)
REVISIONS = {
    "0001": "op.execute('create table thing (id int)')",
    "0002": (
        "with op.get_context().autocommit_block():\n"
        "        op.execute('create index concurrently if not exists ix_thing on thing (id)')"
    ),
}
GAVE_UP, WAITS = "others hold the locks; trying again", "waiting for another migration to end"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Test revisions in place of the real ones: a table, and an index built concurrently."""
    for name in ("env.py", "roles.sql", "grants.sql"):
        shutil.copy(SCRIPTS / name, tmp_path / name)
    (tmp_path / "versions").mkdir()
    before = None
    for revision, body in REVISIONS.items():
        text = (
            f'"""Revision"""\nfrom alembic import op\n\nrevision = "{revision}"\n'
            f"down_revision = {before!r}\n\n\ndef upgrade() -> None:\n    {body}\n"
        )
        (tmp_path / "versions" / f"{revision}.py").write_text(text)
        before = revision
    return tmp_path


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - the state is in PostgreSQL
            await asyncio.sleep(0.02)


async def said(caplog: pytest.LogCaptureFixture, message: str, times: int) -> None:
    async def enough() -> bool:
        return [r.getMessage() for r in caplog.records].count(message) >= times

    await until(enough)


async def test_a_migration_that_waits_for_a_long_read_blocks_no_other_reader(
    fresh: str, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(upgrade, fresh, "0004", timeouts=QUICK)
    async with connected(fresh) as holder, connected(fresh) as reader:
        reading = holder.transaction()
        await reading.start()
        await holder.fetch("select * from call_log")
        migration = asyncio.create_task(asyncio.to_thread(upgrade, fresh, timeouts=QUICK))
        for times in (1, 2, 3):
            await said(caplog, GAVE_UP, times)
            # The long read continues, so it would wait forever behind the migration's lock.
            async with asyncio.timeout(60):
                await reader.fetch("select * from call_log")
        assert not migration.done()
        await reading.rollback()
        await migration
        assert await reader.fetchval("select count(*) from tenant_month") == 0


async def test_calls_continue_while_a_migration_changes_drafts(fresh: str) -> None:
    await asyncio.to_thread(upgrade, fresh, "0005", timeouts=QUICK)
    locks = "select relation::regclass::text, granted from pg_locks where mode ~ 'Exclusive'"
    async with connected(fresh) as writer, connected(fresh) as db:
        async with writer.transaction():
            await writer.execute("update workflow set name = name")
            timeout_seconds = replace(QUICK, lock_timeout_seconds=60)
            migration = asyncio.create_task(
                asyncio.to_thread(upgrade, fresh, timeouts=timeout_seconds)
            )
            await until(lambda: waits_for_drafts(db))
            assert ("call_log", True) not in [tuple(row) for row in await db.fetch(locks)]
        await migration


async def waits_for_drafts(db: Any) -> Any:
    return await db.fetchval(
        "select count(*) from pg_locks where not granted and relation = 'workflow'::regclass"
    )


async def test_a_migration_that_gets_no_lock_gives_up_and_keeps_finished_revisions(
    fresh: str,
) -> None:
    await asyncio.to_thread(upgrade, fresh, "0003", timeouts=QUICK)
    async with connected(fresh) as holder, holder.transaction():
        await holder.fetch("select * from call_log")
        timeout_seconds = MigrationTimeouts(
            lock_timeout_seconds=0.1, total_timeout_seconds=3, retry_delay_seconds=0.1
        )
        with pytest.raises(Unavailable, match="did not finish within 3 s"):
            await asyncio.to_thread(upgrade, fresh, timeouts=timeout_seconds)
    async with connected(fresh) as db:
        # The fourth changes no table that is read; the fifth does.
        assert await db.fetchval("select version_num from alembic_version") == "0004"


async def is_building(db: Any) -> bool:
    return bool(await db.fetchval("select count(*) from pg_stat_progress_create_index"))


async def is_valid(db: Any) -> bool | None:
    valid: bool | None = await db.fetchval(
        "select indisvalid from pg_index where indexrelid = to_regclass('ix_thing')"
    )
    return valid


async def is_incomplete(db: Any) -> bool:
    return await is_building(db) and await is_valid(db) is False


async def test_two_migrations_succeed_during_a_concurrent_index_build(
    fresh: str, scripts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await asyncio.to_thread(upgrade, fresh, "0001", scripts=scripts, timeouts=QUICK)
    async with connected(fresh) as writer, connected(fresh) as db:
        writing = writer.transaction()
        await writing.start()
        await writer.execute("insert into thing values (3)")

        def migration() -> asyncio.Task[None]:
            return asyncio.create_task(
                asyncio.to_thread(upgrade, fresh, scripts=scripts, timeouts=QUICK)
            )

        first = migration()
        await until(lambda: is_building(db))
        second = migration()
        await said(caplog, WAITS, 2)
        # An index build waits for writers but blocks no one, so it is not aborted.
        await db.execute("insert into thing values (4)")
        assert not first.done()
        await writing.commit()
        await asyncio.gather(first, second)
        assert await is_valid(db)
        assert GAVE_UP not in [record.getMessage() for record in caplog.records]


async def test_an_incomplete_index_is_rebuilt(fresh: str, scripts: Path) -> None:
    await asyncio.to_thread(upgrade, fresh, "0001", scripts=scripts, timeouts=QUICK)
    async with connected(fresh) as writer, connected(fresh) as db:
        async with writer.transaction():
            await writer.execute("insert into thing values (3)")
            migration = asyncio.create_task(
                asyncio.to_thread(upgrade, fresh, scripts=scripts, timeouts=QUICK)
            )
            await until(lambda: is_incomplete(db))
            await db.execute("select pg_terminate_backend(pid) from pg_stat_progress_create_index")
            with pytest.raises(SQLAlchemyError):
                await migration
        assert await is_valid(db) is False
        await asyncio.to_thread(upgrade, fresh, scripts=scripts, timeouts=QUICK)
        assert await is_valid(db) is True


# ---- grants ---------------------------------------------------------------------------------

LOSSES = """
    drop policy tenant_only on call;
    drop policy service_all on call_event;
    drop policy backup_all on tenant;
    alter table agent no force row level security;
    alter table tool disable row level security;
    revoke all on workflow from studio_api, studio_service, studio_backup;
    revoke select on call_command_place_seq from studio_backup;
    grant all on alembic_version, tenant to studio_api;
    grant select on call to public;
    alter function find_user(text) owner to current_user;
    alter function find_api_key(bytea) reset all;
    grant execute on function log_heads(uuid[]) to public;
"""


async def test_every_run_restores_grants_and_policies(settings: Settings) -> None:
    url = settings.database_url
    before = await schema_of(url)
    async with connected(url) as db:
        await db.execute(LOSSES)
    assert await schema_of(url) != before
    await asyncio.to_thread(upgrade, url, timeouts=QUICK)
    assert await schema_of(url) == before


async def test_a_migration_without_changes_blocks_no_readers(settings: Settings) -> None:
    async with connected(settings.database_url) as reader, reader.transaction():
        for (table,) in await reader.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind = 'r'"
        ):
            await reader.fetch(f"select * from {table}")
        async with asyncio.timeout(60):
            await asyncio.to_thread(upgrade, settings.database_url, timeouts=QUICK)


async def test_every_table_has_a_line_in_the_grants(settings: Settings) -> None:
    async with connected(settings.database_url) as db:
        bare = await db.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p') and not has_table_privilege('studio_backup', oid, 'select')"
        )
    assert [row[0] for row in bare] == [], "they need a line in migrations/grants.sql"
