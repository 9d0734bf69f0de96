"""A dump restored on another server is complete, and the check finds what is missing."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.calls.model import EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tenants.credentials import CredentialKind
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.telephony import create_outbound_trunk
from local import postgres
from persistence.backup import BackupFailed, candidate_programs, check, dump, restore
from persistence.database import without_driver
from persistence.migrate import upgrade
from persistence.wiring import api_services
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT

pytestmark = pytest.mark.anyio

KEY = "key-of-a-tenant-1234"
OWNER = "app_owner"
PAGE = ROOT / "docs" / "backup.md"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(without_driver(url))
    try:
        yield connection
    finally:
        await connection.close()


def documented(section: str) -> list[list[str]]:
    """The Python commands of the page."""
    text = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    [body] = [part for part in text if part.startswith(section + "\n")]
    return [
        line.split()
        for line in re.findall(r"^python -m (persistence\.backup .*)$", body, re.MULTILINE)
    ]


async def run(settings: Settings, place: Path, *command: str) -> tuple[int | None, str]:
    given = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "ERROR",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        env={**os.environ, **given},
        cwd=place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(100):
        reported, _ = await process.communicate()
    return process.returncode, reported.decode()


async def owned(server: str, name: str) -> str:
    """The URL of a new database whose owner is not a superuser."""
    async with connected(server) as db:
        if not await db.fetchval("select true from pg_roles where rolname = $1", OWNER):
            await db.execute(f"create role {OWNER} login createrole createdb password 'word'")
        await db.execute(f"create database {name} owner {OWNER}")
    host = server.rpartition("@")[2].rpartition("/")[0]
    return f"postgresql://{OWNER}:word@{host}/{name}"


@asynccontextmanager
async def another_server(place: Path) -> AsyncIterator[str]:
    async with postgres.running(place, durable=False) as url:
        yield url


async def three_calls(services: Services, viewer: Viewer) -> list[Any]:
    """Two ended calls and a pending one, of a tenant with a credential."""
    version = await publish_clinic(services, viewer)
    calls = [
        await start_call(services, viewer, CallRequest(workflow_id=version.workflow_id))
        for _ in range(3)
    ]
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.credentials.set(CredentialKind.PROVIDER, "openai", KEY, "user:1")
        for call in calls[:2]:
            await work.calls.end_unclaimed(call.id, EndReason.NO_WORKER)
    return calls


async def events_of(services: Services, viewer: Viewer, calls: list[Any]) -> list[Any]:
    async with services.store.transaction(viewer.tenant_id) as work:
        return [await work.calls.events(call.id, 0, 100) for call in calls]


@pytest.mark.timeout(240)
async def test_the_documented_drill_works_on_a_server_without_our_roles(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    calls = await three_calls(services, viewer)
    before = await events_of(services, viewer, calls)
    for command in documented("Dump") + documented("Drill"):
        code, reported = await run(settings, tmp_path, *command)
        assert code == 0, reported
    assert "1 tenant, 0 person, 1 workflow, 3 call, 5 call_event, 1 credential" in reported
    assert (tmp_path / "studio.dump").stat().st_mode & 0o777 == 0o600

    async with another_server(tmp_path / "other") as server:
        new = replace(settings, database_url=await owned(server, "restored"))
        for command in documented("Restore"):
            code, reported = await run(new, tmp_path, *command)
            assert code == 0, reported
        async with api_services(new) as restored:
            assert await events_of(restored, viewer, calls) == before
            async with restored.store.transaction(viewer.tenant_id) as work:
                assert (await work.credentials.decrypt_all()).providers == {"openai": KEY}
        with pytest.raises(BackupFailed, match="not empty; restore into a new one"):
            await restore(new, tmp_path / "studio.dump", print)
        await check_finds_missing_data(server, new, calls[0].id)


async def check_finds_missing_data(server: str, settings: Settings, call: object) -> None:
    async with connected(server.rpartition("/")[0] + "/restored") as superuser:
        await superuser.execute("delete from call_event where call_id = $1 and seq = 1", call)
        await superuser.execute("alter table agent no force row level security")
    other = replace(settings, secret_key="another-secret-key" + "1" * 32)
    with pytest.raises(BackupFailed) as failed:
        await check(other, print)
    gap, open_table, sealed = failed.value.message.splitlines()
    assert gap == f"Call {call} should have events 1 to 2, but has 1."
    assert open_table.startswith("Row-level security of agent is incomplete")
    assert "encrypted under another SECRET_KEY" in sealed


async def test_the_check_finds_a_password_of_a_trunk_that_was_moved(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    spec = OutboundTrunkSpec(name="one", address="sip.example.com", username="u", region="US")
    for trunk in (spec, replace(spec, name="two")):
        await create_outbound_trunk(services, viewer, trunk, "a-password")
    await check(settings, print)
    async with connected(settings.database_url) as superuser:
        await superuser.execute("""
            update outbound_trunk
               set sealed = (select sealed from outbound_trunk order by id limit 1)""")
    with pytest.raises(BackupFailed, match="moved to another row"):
        await check(settings, print)


@pytest.mark.timeout(240)
async def test_migrating_repairs_a_dump_that_was_restored_without_roles(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    calls = await three_calls(services, viewer)
    before = await events_of(services, viewer, calls)
    await dump(settings.database_url, tmp_path / "studio.dump", print)
    async with another_server(tmp_path / "other") as server:
        url = await owned(server, "byhand")
        restoring = await asyncio.create_subprocess_exec(
            *(
                str(candidate_programs("pg_restore")[-1]),
                "--no-owner",
                "--dbname",
                url,
                "studio.dump",
            ),
            cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await restoring.communicate()
        assert b'role "studio_service" does not exist' in errors
        await asyncio.to_thread(upgrade, url)
        new = replace(settings, database_url=url)
        await check(new, print)
        async with api_services(new) as restored:
            assert await events_of(restored, viewer, calls) == before
