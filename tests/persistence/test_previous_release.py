"""Processes of the previous release run on the new schema until they are restarted: they sign users in,
refresh and end their sessions, and both releases respect what the other one does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from argon2 import PasswordHasher

from domain.common.access import ROLE_SCOPES, Role, Scope
from domain.common.settings import Settings
from domain.ports import Services
from persistence.access_tokens import ISSUER
from persistence.admin import bootstrap
from persistence.key_ring import KeyRing, new_api_key
from persistence.migrate import upgrade
from persistence.wiring import api_services
from tests.support.database_schema import connected
from tests.support.sessions import signed_in, until_refused
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio

EMAIL = "owner@acme.example"
FIND_ROLE = "select role from app_user where tenant_id = $1 and id = $2 for share"
FIND_USER = """
    select id, email, role, password_hash, created_at, tenant_id from app_user
     where tenant_id = $1 and id = $2
"""
INSERT_TOKEN = """
    insert into refresh_token (hash, tenant_id, user_id, family, expires_at)
    values ($1, $2, $3, $4, now() + interval '30 days')
"""
REMEMBER_ADDRESS = """
    insert into known_address (tenant_id, user_id, network) values ($1, $2, $3)
    on conflict (user_id, network) do update set seen_at = now()
"""


def token_of_previous_release(
    ring: KeyRing, tenant: UUID, person: UUID, session: UUID, role: str
) -> str:
    kid, key = ring.signing_key
    claims: dict[str, Any] = {
        "sub": str(person),
        "tenant": str(tenant),
        "sid": str(session),
        "role": role,
        "iss": ISSUER,
        "aud": ISSUER,
        "exp": datetime.now(UTC) + timedelta(minutes=10),
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kid})


async def test_sessions_of_both_releases_are_good_and_end_in_both(
    settings: Settings, services: Services
) -> None:
    await bootstrap(settings, "acme", EMAIL, PASSWORD, None)
    ring, session = KeyRing.from_secret_key(settings.secret_key), uuid4()
    async with connected(settings.database_url, role="studio_api") as db:
        # Signing in.
        user = await db.fetchrow("select * from find_user($1)", EMAIL)
        assert (user["role"], user["password_hash"][:10]) == ("OWNER", "$argon2id$")
        tenant, person = user["tenant_id"], user["id"]
        async with db.transaction():
            await db.execute("select set_config('app.tenant', $1, true)", str(tenant))
            assert await db.fetchval(FIND_ROLE, tenant, person) == "OWNER"
            await db.execute(INSERT_TOKEN, ring.digests("refresh")[0], tenant, person, session)
            for _ in range(2):
                await db.execute(REMEMBER_ADDRESS, tenant, person, b"network")
            # The hash of the password is in none of the rows that the API can read.
            shown = await db.fetchrow(FIND_USER, tenant, person)
            assert (shown["email"], shown["password_hash"]) == (EMAIL, "")
        assert (
            await db.fetchval("select find_session($1, $2, $3)", tenant, person, session) == "OWNER"
        )

        # The new release accepts the session, lists it, and refreshes it.
        token = token_of_previous_release(ring, tenant, person, session, "OWNER")
        assert (await services.accounts.authenticate_credential(token)).session_id == session
        assert [each.id for each in await services.accounts.sessions(person)] == [session]
        pair = await services.accounts.refresh("refresh")

        # The previous release ends it.
        async with db.transaction():
            await db.execute("select set_config('app.tenant', $1, true)", str(tenant))
            await db.execute("delete from refresh_token where family = $1", session)
        await until_refused(services, pair.access)
        assert await services.accounts.sessions(person) == []

        # The previous release accepts a session of the new one, until the new one ends it.
        _, pair = await signed_in(services, EMAIL)
        claims = jwt.decode(pair.access, options={"verify_signature": False})
        assert claims["role"] == "OWNER"
        find = "select find_session($1, $2, $3)"
        assert await db.fetchval(find, tenant, person, UUID(claims["sid"])) == "OWNER"
        await services.accounts.sign_out(pair.refresh)
        assert await db.fetchval(find, tenant, person, UUID(claims["sid"])) is None


OLD_SCOPES = {
    Role.OWNER: "read write credentials:read credentials:write telephony:read telephony:write",
    Role.ADMIN: "read write credentials:read credentials:write telephony:read telephony:write",
    Role.EDITOR: "read write telephony:read",
    Role.OPERATOR: "read telephony:read calls:write",
    Role.VIEWER: "read telephony:read",
}
"""The scopes of roles in the previous release; `read` and `write` stand for those of five kinds."""
KINDS = ("agents", "tools", "workflows", "calls", "settings")
INSERT_TENANT = "insert into tenant (id, slug, name) values ($1, 'acme', 'Acme')"
INSERT_USER = """
    insert into app_user (id, tenant_id, email, role, password_hash) values ($1, $2, $3, $4, $5)
"""
INSERT_KEY = """
    insert into api_key (id, tenant_id, name, prefix, hash, key_id, scopes, created_by)
    values (gen_random_uuid(), $1, $2, $3, $4, $5, $6, 'bootstrap')
"""
REVISION_OF_PREVIOUS_RELEASE = "0017"


def old_scopes(role: Role) -> list[str]:
    return [
        scope
        for word in OLD_SCOPES[role].split()
        for scope in ([word] if ":" in word else [f"{kind}:{word}" for kind in KINDS])
    ]


async def test_credentials_and_roles_of_the_previous_release_stay_what_they_were(
    fresh: str, settings: Settings
) -> None:
    """Keys, passwords, sessions and their tokens, which were there before the upgrade."""
    ring, tenant = KeyRing.from_secret_key(settings.secret_key), uuid4()
    hashed = PasswordHasher().hash(PASSWORD)
    people = {role: (uuid4(), uuid4(), f"{role.lower()}@acme.example") for role in Role}
    keys = {role: new_api_key() for role in Role}
    await asyncio.to_thread(upgrade, fresh, REVISION_OF_PREVIOUS_RELEASE)
    async with connected(fresh) as db:
        await db.execute(INSERT_TENANT, tenant)
        for role, (person, session, email) in people.items():
            await db.execute(INSERT_USER, person, tenant, email, role, hashed)
            digest = ring.digests(f"refresh of {role}")[0]
            await db.execute(INSERT_TOKEN, digest, tenant, person, session)
            key, entry = keys[role], ring.key_ids[0]
            digest = ring.digests(key)[0]
            values = (tenant, role, key[:12], digest, entry, old_scopes(role))
            await db.execute(INSERT_KEY, *values)
    await asyncio.to_thread(upgrade, fresh)
    async with api_services(replace(settings, database_url=fresh)) as services:
        authenticate = services.accounts.authenticate_credential
        for role, (person, session, email) in people.items():
            token = token_of_previous_release(ring, tenant, person, session, role)
            viewer = await authenticate(token)
            assert (viewer.subject, viewer.session_id) == (f"user:{person}", session)
            assert viewer.scopes == ROLE_SCOPES[role]
            pair = await services.accounts.refresh(f"refresh of {role}")
            assert (await authenticate(pair.access)).session_id == session
            signed, pair = await signed_in(services, email)
            assert (signed.id, (await authenticate(pair.access)).scopes) == (
                person,
                ROLE_SCOPES[role],
            )
            # The keys of the two highest roles could do the same, so both are those of owners.
            granted = Role.OWNER if role is Role.ADMIN else role
            assert (await authenticate(keys[role])).scopes == ROLE_SCOPES[granted]
            # No role has lost what it had.
            assert {*map(Scope, old_scopes(role))} <= ROLE_SCOPES[role]


async def test_the_api_cannot_read_hashes_of_passwords_by_itself(
    settings: Settings, services: Services
) -> None:
    await bootstrap(settings, "acme", EMAIL, PASSWORD, None)
    person, pair = await signed_in(services, EMAIL)
    viewer = await services.accounts.authenticate_credential(pair.access)
    async with connected(settings.database_url, role="studio_api") as db:
        for name, value in (("app.tenant", viewer.tenant_id), ("app.person", person.id)):
            await db.execute("select set_config($1, $2, false)", name, str(value))
        assert await db.fetchval("select email from person") == EMAIL
        for statement in (
            "select password_hash from person",
            "select * from person",
            "update person set password_hash = '' returning password_hash",
            "delete from person",
            "update person set email = 'eve@acme.example'",
            "select * from mail",
            "select * from access_change",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)


async def test_a_person_sees_only_what_is_theirs_in_other_tenants(
    settings: Settings, services: Services
) -> None:
    await bootstrap(settings, "acme", EMAIL, PASSWORD, None)
    await bootstrap(settings, "globex", "owner@globex.example", PASSWORD, None)
    person, _ = await signed_in(services, EMAIL)
    other, _ = await signed_in(services, "owner@globex.example")
    async with connected(settings.database_url, role="studio_api") as db:
        for table in ("person", "membership", "session", "tenant"):
            assert await db.fetchval(f"select count(*) from {table}") == 0
        await db.execute("select set_config('app.person', $1, false)", str(person.id))
        for table in ("person", "membership", "session", "tenant"):
            assert await db.fetchval(f"select count(*) from {table}") == 1, table
        # Not even their own role can they change.
        changed = await db.execute("update membership set role = 'OWNER'")
        assert changed == "UPDATE 0"
        ended = await db.execute("delete from session where person_id = $1", other.id)
        assert ended == "DELETE 0"
