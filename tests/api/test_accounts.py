"""Passwords, API keys, tokens and sessions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.common.access import TENANT_SCOPES, Tenant
from domain.common.errors import InvalidSetting, Unauthenticated
from domain.common.settings import Settings
from domain.ports import Services
from persistence.admin import bootstrap
from persistence.key_ring import KeyRing, checksum, is_api_key, new_api_key
from persistence.wiring import api_services
from tests.support.sessions import until_refused
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(settings: Settings) -> str:
    await bootstrap(settings, "acme", "Owner@Acme.example", PASSWORD, None)
    return "owner@acme.example"


async def execute(settings: Settings, statement: str, *given: object) -> list[asyncpg.Record]:
    db = await asyncpg.connect(settings.database_url)
    try:
        return list(await db.fetch(statement, *given))
    finally:
        await db.close()


async def until_waiting(settings: Settings, count: int, last: asyncio.Task[Any]) -> None:
    """Wait until so many transactions wait for a lock, or until the last of them is done without."""
    waiting = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while not last.done() and (await execute(settings, waiting))[0][0] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_user_signs_in_and_refreshes_the_session(services: Services, owner: str) -> None:
    user = await services.accounts.authenticate_password(owner, PASSWORD)
    assert user is not None
    pair = await services.accounts.sign_in(user.id)
    viewer = await services.accounts.authenticate_credential(pair.access)
    assert viewer.subject == f"user:{user.id}"
    assert (await services.accounts.tenant(viewer.tenant_id)).slug == "acme"
    assert viewer.scopes == TENANT_SCOPES
    assert viewer.expires_at is not None
    again = await services.accounts.refresh(pair.refresh)
    assert (await services.accounts.authenticate_credential(again.access)).subject == viewer.subject
    await services.accounts.sign_out(again.refresh)
    with pytest.raises(Unauthenticated):
        await services.accounts.refresh(again.refresh)


async def test_invalid_credentials_are_refused(services: Services, owner: str) -> None:
    assert await services.accounts.authenticate_password(owner, "wrong") is None
    assert await services.accounts.authenticate_password("unknown@acme.example", PASSWORD) is None


async def test_reusing_a_refresh_token_ends_the_session(
    services: Services, settings: Settings, owner: str
) -> None:
    user = await services.accounts.authenticate_password(owner, PASSWORD)
    assert user is not None
    pair = await services.accounts.sign_in(user.id)
    second = await services.accounts.refresh(pair.refresh)
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update refresh_token set used_at = used_at - interval '1 minute'")
    await db.close()
    with pytest.raises(Unauthenticated):
        await services.accounts.refresh(pair.refresh)
    with pytest.raises(Unauthenticated):
        await services.accounts.refresh(second.refresh)


async def test_an_expired_token_is_reported_as_expired(settings: Settings, owner: str) -> None:
    async with api_services(replace(settings, access_token_seconds=1)) as services:
        user = await services.accounts.authenticate_password(owner, PASSWORD)
        assert user is not None
        pair = await services.accounts.sign_in(user.id)
        await asyncio.sleep(1.1)
        with pytest.raises(Unauthenticated, match="expired"):
            await services.accounts.authenticate_credential(pair.access)


async def test_a_token_signed_with_a_removed_secret_is_invalid(
    settings: Settings, owner: str
) -> None:
    async with api_services(settings) as services:
        user = await services.accounts.authenticate_password(owner, PASSWORD)
        assert user is not None
        pair = await services.accounts.sign_in(user.id)
    rotated = "n" * 40 + "," + settings.secret_key
    async with api_services(replace(settings, secret_key=rotated)) as services:
        assert await services.accounts.authenticate_credential(pair.access)
    async with api_services(replace(settings, secret_key="n" * 40)) as services:
        with pytest.raises(Unauthenticated):
            await services.accounts.authenticate_credential(pair.access)


async def test_api_keys_work_until_revoked(
    settings: Settings, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    await bootstrap(settings, "acme", "o@acme.example", PASSWORD, file)
    key = file.read_text()
    viewer = await services.accounts.authenticate_credential(key)
    assert viewer.subject.startswith("key:")
    await bootstrap(settings, "acme", "o@acme.example", PASSWORD, file)
    assert file.read_text() == key
    db = await asyncpg.connect(settings.database_url)
    assert key.encode() not in (await db.fetchval("select hash from api_key"))
    await db.execute("update api_key set revoked_at = now()")
    await db.close()
    assert "revoked" in (await until_refused(services, key)).message


async def test_a_password_that_the_owner_has_changed_is_not_reset_by_a_restart(
    settings: Settings, services: Services
) -> None:
    began, later, email = datetime.now(UTC), "seven unrelated blue lamps", "o@acme.example"
    await bootstrap(settings, "acme", email, PASSWORD, None, chosen_at=began)
    person = await services.accounts.authenticate_password(email, PASSWORD)
    assert person is not None
    await services.accounts.set_password(
        person.id, await services.accounts.hash_password(later), None
    )
    await bootstrap(settings, "acme", email, PASSWORD, None, chosen_at=began)
    assert await services.accounts.authenticate_password(email, later) is not None
    # A file that was written later holds another password.
    await bootstrap(settings, "acme", email, PASSWORD, None, chosen_at=datetime.now(UTC))
    assert await services.accounts.authenticate_password(email, later) is None


def test_a_mistyped_key_is_detected_without_a_database_query() -> None:
    key = new_api_key()
    assert is_api_key(key)
    assert not any(is_api_key(key[:n] + "~" + key[n + 1 :]) for n in range(len(key)))
    assert not is_api_key(key[:-1])
    for body in ("as_live_.1", f"as_live_{'é' * 30}", f"as_live_{'a' * 31}"):
        assert not is_api_key(body + checksum(body))


@pytest.mark.parametrize("secret", ["", "short", "a" * 40 + ",short"])
def test_a_weak_secret_key_stops_the_process(secret: str) -> None:
    with pytest.raises(InvalidSetting, match="SECRET_KEY"):
        KeyRing.from_secret_key(secret)


async def test_row_level_security_isolates_tenants(settings: Settings, tenant: Tenant) -> None:
    """Even a statement without a tenant filter returns no rows of other tenants."""
    db = await asyncpg.connect(settings.database_url, server_settings={"role": "studio_api"})
    tables = [
        row["relname"]
        for row in await db.fetch(
            "select relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where relkind = 'r' and attname = 'tenant_id' and relnamespace = 'public'::regnamespace"
        )
    ]
    assert len(tables) >= 13
    walls = await db.fetch(
        "select relname from pg_class where relname = any($1) "
        "and relrowsecurity and relforcerowsecurity",
        tables,
    )
    assert {row["relname"] for row in walls} == set(tables)
    assert await db.fetchval("select count(*) from tenant") == 0
    async with db.transaction():
        await db.execute("select set_config('app.tenant', $1, true)", str(tenant.id))
        assert await db.fetchval("select count(*) from tenant") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute("select * from worker_process")
    await db.close()
