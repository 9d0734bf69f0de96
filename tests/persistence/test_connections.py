"""The roles of processes in PostgreSQL, and their behaviour when the server is full."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from domain.common.access import Viewer
from domain.common.errors import InvalidSetting, Unavailable, WrongDatabaseRole
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from persistence.admin import bootstrap
from persistence.database import DbRole, create_pool
from persistence.database_logins import create_logins
from persistence.db_errors import is_outage
from persistence.sqlalchemy_engine import create_engine
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.support import viewers
from tests.support.api_server import running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT
from tests.support.pooler import running_pooler
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

PASSWORD = "only-for-the-tests-of-logins"


def as_user(url: str, name: str) -> str:
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{PASSWORD}@{hosts}"))


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def use(connection: Any) -> None:
    while True:
        async with connection.transaction():
            await connection.fetchval("select 1")
            await asyncio.sleep(0)


async def test_whatever_the_driver_raises_when_the_server_ends_a_connection_is_an_outage(
    settings: Settings,
) -> None:
    async with connected(settings.database_url) as db:
        # What it raises depends on the moment.
        for n in range(150):
            victim = await asyncpg.connect(settings.database_url)
            using = asyncio.create_task(use(victim))
            await asyncio.sleep(n % 5 * 0.002)
            await db.execute("select pg_terminate_backend($1)", victim.get_server_pid())
            [error] = await asyncio.gather(using, return_exceptions=True)
            assert isinstance(error, Exception)
            assert is_outage(error), repr(error)
            victim.terminate()


@asynccontextmanager
async def few_slots(settings: Settings, role: DbRole, slots: int) -> AsyncIterator[Settings]:
    """Settings of a login with a connection limit."""
    name = f"few_{secrets.token_hex(4)}"
    async with connected(settings.database_url) as db:
        await db.execute(
            f"create role {name} login noinherit connection limit {slots} password '{PASSWORD}'"
        )
        await db.execute(f"grant {role} to {name}")
        try:
            yield replace(settings, database_url=as_user(settings.database_url, name))
        finally:
            await db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", name
            )
            await db.execute(f"drop role {name}")


# ---- roles ----------------------------------------------------------------------------------


async def test_a_connection_that_lost_its_role_is_refused(settings: Settings) -> None:
    async with running_pooler(settings.database_url, "role") as lossy:
        for role in DbRole:
            with pytest.raises(
                WrongDatabaseRole, match=f"should be {role} in PostgreSQL, but is studio"
            ):
                await create_pool(lossy.url, role)
        engine = create_engine(lossy.url, DbRole.API)
        with pytest.raises(WrongDatabaseRole, match="which bypasses row-level security"):
            await engine.connect()
        await engine.dispose()


@pytest.mark.parametrize("module", ["graph.app", "worker.keeper"])
async def test_a_process_with_the_wrong_role_exits_with_one_sentence(
    settings: Settings, module: str
) -> None:
    async with running_pooler(settings.database_url, "role") as lossy:
        code, reported = await ended(module, replace(settings, database_url=lossy.url))
    assert code == 1
    *logged, sentence = reported.splitlines()
    assert sentence.startswith("This process should be studio_")
    assert all('"refused a connection with the wrong role"' in line for line in logged)


async def test_a_pooler_that_starts_to_drop_the_role_is_detected(
    settings: Settings, viewer: Viewer
) -> None:
    async with (
        connected(settings.database_url) as db,
        running_pooler(settings.database_url) as honest,
        api_services(replace(settings, database_url=honest.url)) as services,
    ):
        await read(services, viewer)
        honest.drops = frozenset({"role"})
        await db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'studio_api' and datname = current_database()"
        )
        for _ in range(3):
            with pytest.raises(Unavailable):
                await read(services, viewer)
        honest.drops = frozenset()
        await read(services, viewer)


async def read(services: Services, viewer: Viewer) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.settings.get()


async def test_a_login_has_its_role_and_cannot_gain_more_rights(settings: Settings) -> None:
    logins = await create_logins(
        settings.database_url, dict.fromkeys(("studio_api", "studio_service"), PASSWORD)
    )
    assert logins == ["studio_api_login", "studio_service_login"]
    url = as_user(settings.database_url, "studio_api_login")
    async with connected(url) as db:
        for statement in ("reset role", "discard all", "reset all"):
            await db.execute(statement)
            assert await db.fetchval(f"select current_user -- {statement}") == "studio_api"
        assert await db.fetchval("show statement_timeout") == "10s"
        for denied in (
            "set role studio_service",
            "insert into alembic_version values ('0')",
            "update alembic_version set version_num = '0'",
            "set role none; select * from call",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(denied)
    async with running_pooler(url, "role") as lossy:
        pool = await create_pool(lossy.url, DbRole.API)
        assert await pool.fetchval("select current_user") == "studio_api"
        pool.terminate()


async def test_logins_are_created_by_a_command(settings: Settings, tmp_path: Any) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    command = ("persistence.admin", "roles", "--api-password-file", str(tmp_path / "password"))
    assert await run(settings, *command) == (0, "The login studio_api_login is ready.\n")
    with pytest.raises(InvalidSetting, match="16 or more"):
        await create_logins(settings.database_url, {"studio_api": "short"})
    both = replace(
        settings,
        database_url=as_user(settings.database_url, "studio_api_login"),
        migrate_database_url=settings.database_url,
    )
    # Owner operations use the owner's URL, all others that of the process.
    await bootstrap(both, "acme", "owner@acme.example", viewers.PASSWORD, tmp_path / "key")
    async with api_services(both) as services:
        assert await services.accounts.authenticate_credential((tmp_path / "key").read_text())


async def test_security_definer_functions_pin_their_search_path_and_grants(
    settings: Settings,
) -> None:
    async with connected(settings.database_url) as db:
        loose = await db.fetch(
            "select proname from pg_proc p where prosecdef and pronamespace = 'public'::regnamespace"
            " and (proconfig is distinct from '{\"search_path=public, pg_temp\"}'"
            "      or proacl is null"
            "      or proowner <> case when proname = any($1) then"
            "           (select relowner from pg_class where oid = 'audit_entry'::regclass)"
            "         else 'studio_service'::regrole end"
            "      or proname = any($1) and has_function_privilege('studio_api', p.oid, 'execute')"
            "      or exists (select from aclexplode(proacl) where grantee = 0))",
            # They delete from the audit log or erase in it, which studio_service may not do.
            ["shorten_audit_log", "erase_audit_entries", "delete_audit_log"],
        )
        assert loose == []
    async with connected(settings.database_url, role="studio_api") as db:
        # A temporary table of the caller does not replace the real one.
        await db.execute(
            "create temp table person as select gen_random_uuid() as id, 'a@b.example' as email,"
            " null::text as name, 'known' as password_hash"
        )
        assert await db.fetch("select * from find_person('a@b.example')") == []


# ---- a server that is full ------------------------------------------------------------------


async def test_an_api_with_three_connection_slots_answers_every_request_in_turn(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with (
        few_slots(settings, DbRole.API, 3) as few,
        api_services(few) as fresh,
        running_api(fresh, settings, viewer, build_schema_with_loaders) as api,
    ):
        query = "{ workflows(first: 5) { edges { node { slug } } } }"
        answers = await asyncio.gather(*(api.execute(query) for _ in range(40)))
    whole = {"workflows": {"edges": [{"node": {"slug": "clinic"}}]}}
    assert [answer["data"] for answer in answers] == [whole] * 40


async def test_an_api_opens_at_most_its_configured_connections(
    settings: Settings, viewer: Viewer
) -> None:
    others = [owner_of(await new_tenant(settings, f"t{n}")) for n in range(4)]
    async with (
        api_services(replace(settings, database_connections=4)) as services,
        connected(settings.database_url) as db,
    ):
        await asyncio.gather(*(read(services, who) for who in [viewer, *others] * 5))
        opened = await db.fetchval(
            "select count(*) from pg_stat_activity "
            "where application_name = 'studio_api' and datname = current_database()"
        )
    assert opened == 4  # three for requests, and one for the event log


async def test_no_tenant_uses_all_connections(settings: Settings, viewer: Viewer) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    async with api_services(replace(settings, database_connections=12)) as services:
        async with AsyncExitStack() as held:
            for _ in range(2):  # a quarter of the eight for requests
                await held.enter_async_context(services.store.transaction(viewer.tenant_id))
            late = asyncio.create_task(read(services, viewer))
            await asyncio.gather(*(read(services, other) for _ in range(20)))
            assert not late.done()
        await late


async def test_a_full_pool_waits_for_one_of_its_own_connections(settings: Settings) -> None:
    async with few_slots(settings, DbRole.SERVICE, 1) as few:
        pool = await create_pool(few.database_url, DbRole.SERVICE, 10)
        held = await pool.acquire()
        waiting = [asyncio.create_task(pool.fetchval("select 1")) for _ in range(20)]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        await pool.release(held)
        assert await asyncio.gather(*waiting) == [1] * 20
        pool.terminate()


async def test_a_starting_process_waits_for_a_connection_slot_and_reports_a_timeout(
    settings: Settings,
) -> None:
    async with few_slots(settings, DbRole.SERVICE, 1) as few:
        holder = await asyncpg.connect(few.database_url)
        with pytest.raises(Unavailable, match=r"within 1 s: too many connections for role"):
            await create_pool(few.database_url, DbRole.SERVICE, timeout_seconds=1)
        starting = asyncio.create_task(
            create_pool(few.database_url, DbRole.SERVICE, timeout_seconds=60)
        )
        await asyncio.sleep(0.3)
        await holder.close()
        pool = await starting
        assert await pool.fetchval("select 1") == 1
        pool.terminate()


async def test_a_database_without_migrations_is_reported_in_one_sentence(
    servers: tuple[str, str], settings: Settings
) -> None:
    absent = servers[0].rsplit("/", 1)[0] + "/nowhere"
    code, reported = await ended("worker.keeper", replace(settings, database_url=absent))
    assert (code, reported) == (
        1,
        'PostgreSQL refuses this process: database "nowhere" does not exist.\n',
    )


# ---- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", ["pa/ss", "pa#ss", "pa@ss", "pa?ss", "12/ss", "[pa"])
def test_a_password_that_breaks_its_url_is_reported(torn: str) -> None:
    for name, scheme in (("DATABASE_URL", "postgresql"), ("REDIS_URL", "redis")):
        with pytest.raises(
            InvalidSetting, match=f"^{name} is not a valid URL.* / is %2F"
        ) as refused:
            Settings.from_env({name: f"{scheme}://studio:{torn}@host:5432/studio"})
        assert torn not in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///studio?host=/var/run/postgresql",
        "postgresql://studio:p%2F%40:x@[::1]:5432/studio",
        "postgresql://studio@one:5432,two:5432/studio?target_session_attrs=primary",
    ],
)
def test_urls_of_every_kind_are_accepted(url: str) -> None:
    assert Settings.from_env({"DATABASE_URL": url}).database_url == url


def test_a_process_needs_two_connections() -> None:
    with pytest.raises(InvalidSetting, match="DATABASE_CONNECTIONS must be 2 or more"):
        Settings.from_env({"DATABASE_CONNECTIONS": "1"})


# ---- processes ------------------------------------------------------------------------------


async def ended(module: str, settings: Settings) -> tuple[int | None, str]:
    return await run(settings, module)


async def run(settings: Settings, *command: str) -> tuple[int | None, str]:
    """The exit code of a process, and its output."""
    given = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "API_PORT": "0",
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        env={**os.environ, **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(90):
        reported, _ = await process.communicate()
    return process.returncode, reported.decode()
