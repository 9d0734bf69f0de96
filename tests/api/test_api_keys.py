"""API keys: the record of their uses, and the entry of SECRET_KEY that each depends on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.common.access import Scope, Viewer
from domain.common.errors import Unauthenticated
from domain.common.settings import Settings
from domain.ports import Services
from persistence.admin import bootstrap
from persistence.api_key_list import list_keys, list_old_keys
from persistence.key_ring import KeyRing
from persistence.wiring import api_services
from tests.api.test_accounts import execute
from tests.support.api_server import create_api_key
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio
AGE_OF = "select last_used_at from api_key where prefix = $1"


async def until_recorded(settings: Settings, condition: str) -> None:
    async with asyncio.timeout(60):
        query = f"select from api_key where {condition}"
        while not await execute(settings, query):  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.05)


async def test_the_use_of_a_key_is_recorded_once_a_minute(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    stale, recent = [await create_api_key(settings, viewer) for _ in range(2)]
    for key in (stale, recent):
        assert (await services.accounts.authenticate_credential(key)).scopes
        await until_recorded(
            settings, f"prefix = '{key[:12]}' and last_used_at > now() - interval '50 seconds'"
        )
    aged = "update api_key set last_used_at = now() - $2::interval where prefix = $1"
    await execute(settings, aged, stale[:12], timedelta(seconds=61))
    await execute(settings, aged, recent[:12], timedelta(seconds=30))
    [before] = await execute(settings, AGE_OF, recent[:12])
    async with api_services(settings) as another:
        # Uses are recorded in order.
        await another.accounts.authenticate_credential(recent)
        await another.accounts.authenticate_credential(stale)
        await until_recorded(
            settings, f"prefix = '{stale[:12]}' and last_used_at > now() - interval '50 seconds'"
        )
    assert await execute(settings, AGE_OF, recent[:12]) == [before]


async def test_an_unknown_scope_of_a_newer_version_is_ignored(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    key = await create_api_key(settings, viewer)
    await execute(
        settings, "update api_key set role = null, scopes = '{tomorrow:scope,calls:read}'"
    )
    assert (await services.accounts.authenticate_credential(key)).scopes == {Scope.CALLS_READ}


async def test_a_key_in_use_survives_the_rotation_of_its_secret(
    settings: Settings, viewer: Viewer
) -> None:
    used, unused = [await create_api_key(settings, viewer) for _ in range(2)]
    await execute(settings, "update api_key set name = left(prefix, 12)")
    old, new = settings.secret_key, "n" * 40
    before, during = (
        KeyRing.from_secret_key(old).key_ids[0],
        replace(settings, secret_key=f"{new},{old}"),
    )
    assert f"without the last entry ({before}): {used[:12]} ({used[:12]}…), " in await list_keys(
        settings
    )
    async with api_services(during) as services:
        await services.accounts.authenticate_credential(used)
        await until_recorded(settings, f"key_id = '{KeyRing.from_secret_key(new).key_ids[0]}'")
        assert await services.accounts.authenticate_credential(used)
    old = await list_old_keys(during)
    assert (used[:12] in old, unused[:12] in old) == (False, True)
    assert "Data keys that keepers will wrap again: none." in old
    reported = await list_keys(during)
    assert reported.endswith(f"without the last entry ({before}): {unused[:12]} ({unused[:12]}…).")
    await execute(settings, "update api_key set revoked_at = now() where name = $1", unused[:12])
    first = KeyRing.from_secret_key(new).key_ids[0]
    assert (await list_old_keys(during)).startswith(
        f"All live API keys are under the first entry ({first})."
    )
    await execute(settings, "update api_key set revoked_at = null")
    after = replace(settings, secret_key=new)
    async with api_services(after) as services:
        await services.accounts.authenticate_credential(used)
        with pytest.raises(Unauthenticated, match="an entry of SECRET_KEY that has been removed"):
            await services.accounts.authenticate_credential(unused)
    dead = f"Keys that do not work, because their entry was removed: {unused[:12]}"
    assert dead in await list_keys(after)


async def test_all_keys_are_listed_without_their_values(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    await bootstrap(settings, "other", "o@other.example", PASSWORD, file)
    keys = [file.read_text(), *[await create_api_key(settings, viewer) for _ in range(2)]]
    await execute(
        settings,
        "update api_key set name = 'gone', revoked_at = now() where prefix = $1",
        keys[1][:12],
    )
    await execute(
        settings, "update api_key set key_id = null, name = 'old' where prefix = $1", keys[2][:12]
    )
    done = await asyncio.to_thread(
        subprocess.run,
        (sys.executable, "-m", "persistence.admin", "keys"),
        check=False,
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
        },
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert (done.returncode, done.stderr) == (0, "")
    entry = KeyRing.from_secret_key(settings.secret_key).key_ids[0]
    head, *rows = (line.split("  ") for line in done.stdout.split("\n\n")[0].splitlines())
    cells = [[cell.strip() for cell in row if cell.strip()] for row in (head, *rows)]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    known = f"entry 1 of 1 ({entry})"
    assert cells == [
        ["TENANT", "NAME", "KEY", "CREATED", "BY", "LAST USED", "SECRET_KEY", "STATE"],
        ["acme", "gone", f"{keys[1][:12]}…", today, "bootstrap", "never", known, "revoked"],
        ["acme", "old", f"{keys[2][:12]}…", today, "bootstrap", "never", "unknown", "live"],
        [
            "other",
            "other bootstrap",
            f"{keys[0][:12]}…",
            today,
            "bootstrap",
            "never",
            known,
            "live",
        ],
    ]
    would, may = done.stdout.split("\n\n")[1].splitlines()
    assert would.endswith(f"without the last entry ({entry}): other bootstrap ({keys[0][:12]}…).")
    assert may.startswith("Keys that may stop working")
    assert may.endswith(f": old ({keys[2][:12]}…).")
    assert not any(key in done.stdout for key in keys)
