"""Sessions: refreshing tokens, and the end of sessions and of their connections."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from domain.common.access import ROLE_SCOPES, Role, Viewer
from domain.common.errors import Unauthenticated
from domain.common.settings import Settings
from domain.ports import Services
from persistence.access_tokens import ISSUER
from persistence.key_ring import KeyRing
from persistence.wiring import api_services
from tests.api.test_accounts import execute, owner
from tests.support.api_server import Api
from tests.support.sessions import signed_in, until_refused

__all__ = ["owner"]

pytestmark = pytest.mark.anyio


async def test_a_refresh_whose_response_was_lost_can_be_repeated(
    services: Services, owner: str
) -> None:
    """One session continues, however many requests repeat the refresh."""
    _, first = await signed_in(services, owner)
    pairs = [await services.accounts.refresh(first.refresh) for _ in range(3)]
    pairs += await asyncio.gather(*(services.accounts.refresh(first.refresh) for _ in range(18)))
    assert {pair.refresh for pair in pairs} == {pairs[0].refresh}
    for pair in pairs:
        await services.accounts.authenticate_credential(pair.access)
    third = await services.accounts.refresh(pairs[0].refresh)
    assert third.refresh != pairs[0].refresh


async def test_reusing_a_token_whose_successor_was_used_ends_the_session(
    services: Services, settings: Settings, owner: str
) -> None:
    _, first = await signed_in(services, owner)
    second = await services.accounts.refresh(first.refresh)
    third = await services.accounts.refresh(second.refresh)
    with pytest.raises(Unauthenticated, match="used before"):
        await services.accounts.refresh(first.refresh)
    for pair in (first, second, third):
        with pytest.raises(Unauthenticated, match="session is over"):
            await services.accounts.refresh(pair.refresh)
    assert "session is over" in (await until_refused(services, third.access)).message
    assert await execute(settings, "select * from refresh_token") == []


async def test_a_lost_refresh_can_be_repeated_during_secret_rotation(
    settings: Settings, owner: str
) -> None:
    async with api_services(settings) as services:
        _, first = await signed_in(services, owner)
        second = await services.accounts.refresh(first.refresh)
    rotated = replace(settings, secret_key=f"{'n' * 40},{settings.secret_key}")
    async with api_services(rotated) as services:
        assert (await services.accounts.refresh(first.refresh)).refresh == second.refresh
        assert await services.accounts.refresh(second.refresh)


async def test_signing_out_during_a_refresh_ends_the_session(
    services: Services, settings: Settings, owner: str
) -> None:
    for _ in range(10):
        _, first = await signed_in(services, owner)
        await asyncio.gather(
            services.accounts.refresh(first.refresh),
            services.accounts.sign_out(first.refresh),
            return_exceptions=True,
        )
        assert await execute(settings, "select * from refresh_token") == []


async def test_an_access_token_ends_with_its_session(services: Services, owner: str) -> None:
    _, ours = await signed_in(services, owner)
    _, other = await signed_in(services, owner)
    await services.accounts.authenticate_credential(ours.access)
    await services.accounts.sign_out(ours.refresh)
    assert "session is over" in (await until_refused(services, ours.access)).message
    await services.accounts.authenticate_credential(other.access)


async def test_a_change_of_role_takes_effect_immediately(
    services: Services, settings: Settings, owner: str
) -> None:
    user, pair = await signed_in(services, owner)
    assert (await services.accounts.authenticate_credential(pair.access)).scopes == ROLE_SCOPES[
        Role.OWNER
    ]
    await execute(settings, ADD_OWNER)
    await execute(settings, "update membership set role = 'VIEWER' where person_id = $1", user.id)
    async with asyncio.timeout(60):
        while (  # noqa: ASYNC110 - it changes in the database
            await services.accounts.authenticate_credential(pair.access)
        ).scopes != ROLE_SCOPES[Role.VIEWER]:
            await asyncio.sleep(0.05)
    # Processes of the previous release read the role in the token.
    again = await services.accounts.sign_in(user.id)
    for each in (again, await services.accounts.refresh(pair.refresh)):
        claims = jwt.decode(each.access, options={"verify_signature": False})
        assert claims["role"] == "VIEWER"


ADD_OWNER = """
    with other as (insert into person (id, email) values (gen_random_uuid(), 'other@acme.example')
                   returning id)
    insert into membership (tenant_id, person_id, role)
    select tenant.id, other.id, 'OWNER' from tenant, other
"""
"""A tenant always has an owner."""


@pytest.mark.parametrize("table", ["membership", "person", "tenant"])
async def test_tokens_end_with_their_person_and_their_tenant(
    services: Services, settings: Settings, owner: str, table: str
) -> None:
    user, pair = await signed_in(services, owner)
    tenant = (await services.accounts.authenticate_credential(pair.access)).tenant_id
    await execute(settings, ADD_OWNER)
    ids = {
        "membership": ("person_id", user.id),
        "person": ("id", user.id),
        "tenant": ("id", tenant),
    }
    column, id = ids[table]
    await execute(settings, f"delete from {table} where {column} = $1", id)
    await until_refused(services, pair.access)
    with pytest.raises(Unauthenticated, match="session is over"):
        await services.accounts.refresh(pair.refresh)
    with pytest.raises(Unauthenticated, match="You do not belong to this tenant"):
        await services.accounts.sign_in(user.id)
    # Nothing of a person remains without a tenant.
    assert await execute(settings, "select * from person where id = $1", user.id) == []
    if table == "tenant":
        with pytest.raises(Unauthenticated, match="no longer exists"):
            await services.accounts.tenant(tenant)


def token_with(settings: Settings, **claims: Any) -> str:
    """A token with our signature and these claims."""
    kid, key = KeyRing.from_secret_key(settings.secret_key).signing_key
    usual = {"iss": ISSUER, "aud": ISSUER, "exp": datetime.now(UTC) + timedelta(minutes=5)}
    return jwt.encode(usual | claims, key, algorithm="EdDSA", headers={"kid": kid})


async def test_malformed_tokens_are_refused_on_both_transports(
    api: Api, settings: Settings
) -> None:
    good = jwt.decode(api.token, options={"verify_signature": False})
    bad: list[dict[str, Any]] = [
        good | {"sub": str(uuid4())},
        good | {"sub": "no id"},
        good | {"tenant": str(uuid4())},
        good | {"tenant": 7},
        good | {"sid": str(uuid4())},
        good | {"sid": None},
        {name: value for name, value in good.items() if name != "sid"},
    ]

    async def status(token: str) -> tuple[int, str | None]:
        headers = {"authorization": f"Bearer {token}"}
        answer = await api.post("{ viewer { subject } }", auth=False, headers=headers)
        errors = answer.json().get("errors", [{}])
        return answer.status_code, errors[0].get("extensions", {}).get("code")

    assert await status(token_with(settings, **good)) == (200, None)
    for claims in bad:
        token = token_with(settings, **claims)
        assert await status(token) == (401, "UNAUTHENTICATED"), claims
        async with api.socket(init={}) as socket:
            payload = {"authorization": f"Bearer {token}"}
            await socket.send(type="connection_init", payload=payload)
            assert await socket.wait_closed() == (4401, "Unauthorized")


@pytest.mark.parametrize(
    "ending",
    [
        "delete from session",
        "delete from refresh_token",  # as a process of the previous release ends a session
        "update membership set suspended_at = now() where person_id = $1",
        "delete from membership where person_id = $1",
        "delete from person where id = $1",
        "delete from tenant",
    ],
)
async def test_a_websocket_is_closed_when_its_session_ends(
    api: Api, settings: Settings, viewer: Viewer, ending: str
) -> None:
    await execute(settings, ADD_OWNER)
    async with api.socket() as socket:
        await execute(settings, ending, *([viewer.person_id] if "$1" in ending else []))
        assert await socket.wait_closed() == (4401, "Unauthorized")
    assert (await api.post("{ viewer { subject } }")).status_code == 401
