"""The built-in PostgreSQL and Valkey: durability, access and recovery."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from anyio import run_process
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from local import os_processes, postgres, valkey
from local.installation import INCOMPLETE
from local.postgres import UserChoice
from local.postgres_user import (
    USER_NAMESPACE_PREFIX,
    delete_data,
    enter_user_namespace,
    linked_home,
    switch_to_nobody,
)
from local.process_spec import StartupError, can_run, parent_death_prefix
from local.server import Server, find_package
from local.state_dir import REPOSITORY

pytestmark = pytest.mark.anyio

KILLED_PARENT = """
import asyncio, os, signal, sys
from pathlib import Path
from local import postgres, valkey
async def main(state):
    async with postgres.started(state, durable=False) as sql, valkey.started(state) as redis:
        print(sql.pid, redis.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "with a space"


async def sql(url: str, statement: str) -> list[object]:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        await engine.dispose()


@asynccontextmanager
async def redis(url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(url) as client:
        yield client


def leave_running(server: Server) -> subprocess.Popen[bytes]:
    """Start it as a process that is gone would have: no one holds its directory or stops it."""
    log = server.log.open("ab")
    with log:
        return subprocess.Popen(server.spec.argv, stdout=log, stderr=log)


async def test_committed_rows_survive_a_kill_and_an_immediate_stop(state: Path) -> None:
    async with postgres.started(state, durable=False) as server:
        await sql(server.url, "CREATE TABLE kept (i int)")
        await sql(server.url, "INSERT INTO kept VALUES (1)")
        await server.kill()
        await server.start()
        await sql(server.url, "INSERT INTO kept VALUES (2)")
        await server.stop(signal.SIGQUIT)
        await server.start()
        assert await sql(server.url, "SELECT i FROM kept ORDER BY i") == [1, 2]
        first = server.url
    async with postgres.running(state, durable=False) as url:
        assert url == first
        assert await sql(url, "SELECT i FROM kept ORDER BY i") == [1, 2]


async def test_postgres_listens_on_loopback_only_and_asks_for_the_password(state: Path) -> None:
    async with postgres.started(state, durable=False) as server:
        assert await sql(server.url, "SHOW unix_socket_directories") == [""]
        assert os_processes.listening_addresses(server.pid) == [
            f"127.0.0.1:{server.url.split(':')[3][:5]}"
        ]
        with pytest.raises(Exception, match="password authentication failed"):
            await sql(server.url.replace("studio:", "studio:x"), "SELECT 1")
    assert (state / "postgres" / "password").stat().st_mode & 0o777 == 0o600


async def test_a_second_user_of_the_directory_is_refused(state: Path) -> None:
    async with postgres.running(state, durable=False) as url:
        with pytest.raises(StartupError, match="in use by another process"):
            async with postgres.running(state, durable=False):
                pass
        assert await sql(url, "SELECT 1") == [1]


async def test_a_killed_initdb_leaves_nothing_behind(state: Path) -> None:
    half = state / "postgres" / "draft-1"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with postgres.running(state, durable=False) as url:
        assert await sql(url, "SELECT 1") == [1]
    assert not half.exists()


async def test_a_leftover_server_is_replaced(state: Path) -> None:
    for prepare, started in (
        (partial(postgres.prepare, durable=False), partial(postgres.started, durable=False)),
        (valkey.prepare, valkey.started),
    ):
        first = await prepare(state)
        left = leave_running(first)
        while not await first.spec.ready(left.pid):
            assert left.poll() is None
        async with started(state) as second:
            assert left.poll() == 0
            assert second.url == first.url


async def test_a_lock_file_that_names_another_process_is_ignored(state: Path) -> None:
    async with postgres.started(state, durable=False) as server:
        data = next((state / "postgres").glob("data*"))
        lines = (data / "postmaster.pid").read_text().splitlines()
        await server.kill()
    (data / "postmaster.pid").write_text("\n".join((str(os.getpid()), *lines[1:])))
    async with postgres.running(state, durable=False) as url:
        assert await sql(url, "SELECT 1") == [1]


@pytest.mark.skipif(
    not parent_death_prefix(signal.SIGKILL), reason="only the Linux kernel does this"
)
async def test_nothing_outlives_a_killed_parent(state: Path) -> None:
    command = (sys.executable, "-c", KILLED_PARENT, str(state))
    parent = await run_process(command, check=False, cwd=REPOSITORY)
    assert parent.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in parent.stdout.split()]
    assert len(pids) == 2
    assert os_processes.wait_until_gone(pids, 60)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_root_without_namespaces_runs_postgres_as_nobody(state: Path) -> None:
    try:
        async with postgres.started(state, durable=False, choose=switch_to_nobody) as server:
            assert os_processes.owner(server.pid) == "nobody"
            assert await sql(server.url, "SELECT 1") == [1]
            await server.kill()
            await server.start()
    finally:
        delete_data(state / "postgres")
    assert os.listdir(state) == []


@asynccontextmanager
async def as_nobody(state: Path, choose: UserChoice = switch_to_nobody) -> AsyncIterator[str]:
    async with postgres.started(state, durable=False, choose=choose) as server:
        yield server.url


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_a_moved_folder_keeps_its_database(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    try:
        async with as_nobody(before) as url:
            await sql(url, "CREATE TABLE kept AS SELECT 1 AS i")
        elsewhere = linked_home(before / "postgres")
        before.rename(after)
        async with as_nobody(after) as url:
            assert await sql(url, "SELECT i FROM kept") == [1]
        assert linked_home(after / "postgres") == elsewhere
        # A new folder of the old name is another installation.
        async with as_nobody(before) as url:
            with pytest.raises(ProgrammingError, match="does not exist"):
                await sql(url, "SELECT i FROM kept")
        delete_data(before / "postgres")
        async with as_nobody(after) as url:
            assert await sql(url, "SELECT i FROM kept") == [1]
    finally:
        delete_data(before / "postgres")
        delete_data(after / "postgres")
    assert elsewhere is not None
    assert not elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_a_copy_of_a_folder_neither_shares_nor_deletes_the_database(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    try:
        async with as_nobody(original) as url:
            await sql(url, "CREATE TABLE kept AS SELECT 1 AS i")
            shutil.copytree(original, copy, symlinks=True)
            with pytest.raises(StartupError, match=f"belongs to {original / 'postgres'}"):
                await postgres.prepare(copy, choose=switch_to_nobody)
            delete_data(copy / "postgres")
            assert await sql(url, "SELECT i FROM kept") == [1]
    finally:
        delete_data(original / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_without_the_data_that_was_stored_elsewhere_nothing_starts(state: Path) -> None:
    try:
        async with as_nobody(state) as url:
            assert await sql(url, "SELECT 1") == [1]
        elsewhere = linked_home(state / "postgres")
        assert elsewhere is not None
        shutil.rmtree(elsewhere)
        with pytest.raises(StartupError, match=f"was in {elsewhere}, which does not exist any"):
            await postgres.prepare(state, choose=switch_to_nobody)
    finally:
        delete_data(state / "postgres")


@pytest.mark.skipif(
    os.geteuid() != 0 or not can_run(USER_NAMESPACE_PREFIX), reason="needs root and namespaces"
)
async def test_a_start_as_another_user_keeps_the_database_or_refuses(state: Path) -> None:
    try:
        async with as_nobody(state) as url:
            await sql(url, "CREATE TABLE kept AS SELECT 1 AS i")
        for choose in (enter_user_namespace, switch_to_nobody):
            async with as_nobody(state, choose) as url:
                assert await sql(url, "SELECT i FROM kept") == [1]
        delete_data(state / "postgres")
        async with as_nobody(state, enter_user_namespace) as url:
            assert await sql(url, "SELECT 1") == [1]
        with pytest.raises(StartupError, match="has to run as user id 65534 here"):
            await postgres.prepare(state, choose=switch_to_nobody)
    finally:
        delete_data(state / "postgres")


def test_a_checkout_without_a_server_is_not_completed_from_the_package_index() -> None:
    with pytest.raises(StartupError) as refused:
        find_package("no-such-package", "PostgreSQL", "DATABASE_URL")
    assert str(refused.value) == f"the built-in PostgreSQL is not installed. {INCOMPLETE}"


async def test_valkey_asks_for_the_password_and_keeps_its_port(state: Path) -> None:
    async with valkey.started(state) as server:
        async with redis(server.url) as client:
            await client.set("kept", "1")
        with pytest.raises(AuthenticationError):
            async with redis(server.url.replace("redis://:", "redis://:x")) as client:
                await client.get("kept")
        await server.stop()
        await server.start()
        async with redis(server.url) as client:
            assert await client.get("kept") == b"1"
        await server.kill()
        await server.start()
        async with redis(server.url) as client:
            assert await client.ping() is True
    assert (state / "valkey" / "valkey.conf").stat().st_mode & 0o777 == 0o600
