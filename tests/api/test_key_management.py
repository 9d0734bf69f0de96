"""Roles and API keys over GraphQL: creating, restricting, rotating and revoking them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.calls.model import CallKind
from domain.common.access import ROLE_SCOPES, Role, Scope, Viewer
from domain.common.errors import Forbidden, InvalidInput
from domain.common.networks import parse_networks
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.api_keys import ENDED_TTL, ApiKeySpec
from domain.tenants.roles import RoleSpec
from domain.use_cases.api_keys import create_api_key, rotate_api_key, update_api_key
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.roles import create_role, update_role
from graph.app import build_schema_with_loaders
from persistence.room_access import JwtRoomAccessIssuer
from tests.api.test_accounts import execute
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.graphql_calls import CREATE_AGENT, ERROR_FIELDS, START, mutate
from tests.support.people import CREATE_ROLE, DELETE_ROLE, UPDATE_ROLE
from tests.support.viewers import member_of
from tests.support.voice_clients import with_speech

pytestmark = pytest.mark.anyio

KEY = """apiKey { id name prefix kind state role scopes allowedAddresses createdBy lastUsedAt expiresAt
  replacedById }"""
CREATE = f"""mutation ($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ __typename
  ... on CreateApiKeySuccess {{ value {KEY} }} {ERROR_FIELDS} }} }}"""
UPDATE = f"""mutation ($input: UpdateApiKeyInput!) {{ updateApiKey(input: $input) {{ __typename
  ... on UpdateApiKeySuccess {{ {KEY} }} {ERROR_FIELDS} }} }}"""
ROTATE = f"""mutation ($input: RotateApiKeyInput!) {{ rotateApiKey(input: $input) {{ __typename
  ... on RotateApiKeySuccess {{ value {KEY} replaced {{ id state expiresAt replacedById }} }}
  {ERROR_FIELDS} }} }}"""
REVOKE = f"""mutation ($input: RevokeApiKeyInput!) {{ revokeApiKey(input: $input) {{ __typename
  ... on RevokeApiKeySuccess {{ {KEY} }} {ERROR_FIELDS} }} }}"""
LIST = "query ($after: Cursor) { apiKeys(first: 2, after: $after) { edges { node { name state } } pageInfo { endCursor hasNextPage } } }"
WHO = "{ viewer { subject scopes } }"
JOIN = """mutation ($input: StartCallInput!) { startCall(input: $input) {
  ... on StartCallSuccess { callId join { token } } ... on Error { message } } }"""


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(
        with_voice(services), settings, viewer, build_schema_with_loaders
    ) as running:
        yield running


def with_voice(services: Services) -> Services:
    issuer = JwtRoomAccessIssuer("wss://livekit.example", "key", "s" * 32, 600)
    return replace(
        services, room_access_issuer=issuer, provider_keys=frozenset({"deepgram", "cartesia"})
    )


async def ask(api: Api, key: str, document: str = WHO, **variables: Any) -> httpx.Response:
    return await api.post(document, auth=False, headers={"x-api-key": key}, variables=variables)


async def scopes_of(api: Api, key: str) -> Any:
    return (await ask(api, key)).json()["data"]["viewer"]["scopes"]


async def until_refused(api: Api, key: str) -> Any:
    async with asyncio.timeout(60):
        while (answer := await ask(api, key)).status_code == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert answer.status_code == 401
    return answer.json()["errors"][0]["message"]


async def test_a_key_is_created_used_rotated_and_revoked(api: Api, settings: Settings) -> None:
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    made = await mutate(api, CREATE, name="ci", role="EDITOR", expiresAt=expires)
    key, value = made["apiKey"], made["value"]
    assert value.startswith("as_live_")
    assert (key["prefix"], key["kind"], key["state"]) == (value[:12], "STANDARD", "LIVE")
    assert (key["role"], key["allowedAddresses"], key["lastUsedAt"]) == ("EDITOR", [], None)
    assert key["createdBy"].startswith("user:")
    assert set(key["scopes"]) == {scope.name for scope in ROLE_SCOPES[Role.EDITOR]}
    used = (await ask(api, value)).json()["data"]["viewer"]
    assert used["scopes"] == key["scopes"]
    [stored] = await execute(settings, "select * from api_key where name = 'ci'")
    assert value not in repr(dict(stored))

    rotated = await mutate(api, ROTATE, id=key["id"], overlap="PT1H")
    assert rotated["value"] != value
    assert rotated["replaced"]["replacedById"] == rotated["apiKey"]["id"]
    assert rotated["replaced"]["state"] == "LIVE"
    assert rotated["replaced"]["expiresAt"] < expires < rotated["apiKey"]["expiresAt"]
    for each in (value, rotated["value"]):
        assert (await ask(api, each)).status_code == 200
    again = await mutate(api, ROTATE, id=key["id"])
    assert (again["code"], again["path"]) == ("INVALID_INPUT", ["input", "id"])

    for _ in range(2):
        revoked = await mutate(api, REVOKE, id=rotated["apiKey"]["id"])
        assert revoked["apiKey"]["state"] == "REVOKED"
    assert await until_refused(api, rotated["value"]) == "This API key has been revoked."
    assert (await ask(api, value)).status_code == 200, "the key itself is still in its overlap"
    await execute(settings, "update api_key set expires_at = now() where name = 'ci'")
    assert await until_refused(api, value)


async def test_keys_are_listed_newest_first_and_for_a_while_after_their_end(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    for name in ("one", "two", "three"):
        await create_api_key(services, viewer, ApiKeySpec(name=name, role="VIEWER"))
    await execute(settings, "update api_key set revoked_at = now() where name = 'two'")
    first = (await api.execute(LIST))["data"]["apiKeys"]
    assert [edge["node"] for edge in first["edges"]] == [
        {"name": "three", "state": "LIVE"},
        {"name": "two", "state": "REVOKED"},
    ]
    after = first["pageInfo"]["endCursor"]
    second = (await api.execute(LIST, variables={"after": after}))["data"]["apiKeys"]
    assert [edge["node"]["name"] for edge in second["edges"]] == ["one", "test"]
    assert second["pageInfo"]["hasNextPage"] is False
    ended = "update api_key set revoked_at = now() - $1::interval where name = 'two'"
    await execute(settings, ended, ENDED_TTL + timedelta(minutes=1))
    await create_api_key(services, viewer, ApiKeySpec(name="four", role="VIEWER"))
    names = await execute(settings, "select name from api_key order by created_at")
    assert [row[0] for row in names] == ["test", "one", "three", "four"]


async def test_a_key_works_from_its_addresses_only(api: Api, settings: Settings) -> None:
    made = await mutate(
        api, CREATE, name="ci", role="VIEWER", allowedAddresses=["203.0.113.0/24", "2001:db8::1"]
    )
    assert made["apiKey"]["allowedAddresses"] == ["203.0.113.0/24", "2001:db8::1/128"]
    refused = await ask(api, made["value"])
    assert refused.status_code == 401
    assert "may not be used from this address" in refused.json()["errors"][0]["message"]
    async with api.socket({}) as socket:
        await socket.send(type="connection_init", payload={"apiKey": made["value"]})
        assert await socket.wait_closed() == (4401, "Unauthorized")
    noted = "select body::jsonb -> 'details' ->> 'code' from audit_entry where kind = 'REFUSED'"
    async with asyncio.timeout(60):
        while not (rows := await execute(settings, noted)):  # noqa: ASYNC110 - it is not announced
            await asyncio.sleep(0.1)
    assert [row[0] for row in rows] == ["UNAUTHENTICATED"]
    id = made["apiKey"]["id"]
    await mutate(api, UPDATE, id=id, allowedAddresses=["127.0.0.0/8", "::1"])
    async with asyncio.timeout(60):
        while (await ask(api, made["value"])).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    async with api.socket({}) as socket:
        await socket.send(type="connection_init", payload={"apiKey": made["value"]})
        assert await socket.receive() == {"type": "connection_ack"}
        await mutate(api, UPDATE, id=id, allowedAddresses=["203.0.113.9"])
        assert await socket.wait_closed() == (4403, "Permissions changed")


@pytest.mark.parametrize(
    ("forwarded", "is_allowed"),
    [
        ("203.0.113.9", True),
        # What the client sent itself comes first; the proxy adds the address that it saw.
        ("203.0.113.9, 198.51.100.7", False),
        ("198.51.100.7, 203.0.113.9", True),
        ("unknown", False),
        ("", False),
    ],
)
async def test_behind_a_proxy_a_key_works_from_the_address_that_the_proxy_saw(
    services: Services, settings: Settings, viewer: Viewer, forwarded: str, is_allowed: bool
) -> None:
    trusting = replace(settings, trusted_proxies="127.0.0.1")
    networks = parse_networks(["203.0.113.0/24"], ())
    spec = ApiKeySpec(name="ci", role="VIEWER", networks=networks)
    key = (await create_api_key(services, viewer, spec)).value
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    async with running_api(services, trusting, viewer, build_schema_with_loaders) as api:
        answer = await api.post(WHO, auth=False, headers={"x-api-key": key, **headers})
        assert answer.status_code == (200 if is_allowed else 401), answer.text
        async with api.socket({}, additional_headers=headers) as socket:
            await socket.send(type="connection_init", payload={"apiKey": key})
            if is_allowed:
                assert await socket.receive() == {"type": "connection_ack"}
            else:
                assert await socket.wait_closed() == (4401, "Unauthorized")


PAST = "2026-01-01T00:00:00Z"
NEVER = "2136-11-30T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"name": " ", "role": "VIEWER"}, ["name"], "must not be empty"),
        ({"name": "x"}, ["scopes"], "either a role or scopes"),
        ({"name": "x", "role": "VIEWER", "scopes": ["CALLS_READ"]}, ["scopes"], "either a role"),
        ({"name": "x", "scopes": []}, ["scopes"], "at least one scope"),
        (
            {"name": "x", "scopes": ["INSTALLATION_MANAGE"]},
            ["scopes"],
            "No role and no key can have",
        ),
        ({"name": "x", "role": "viewer"}, ["role"], "OWNER, ADMIN, EDITOR, OPERATOR, VIEWER"),
        ({"name": "x", "role": "VIEWER", "expiresAt": PAST}, ["expiresAt"], "in the future"),
        ({"name": "x", "role": "VIEWER", "expiresAt": NEVER}, ["expiresAt"], "3650 days"),
        (
            {"name": "x", "role": "VIEWER", "allowedAddresses": ["a.b"]},
            ["allowedAddresses", "0"],
            "CIDR",
        ),
    ],
)
async def test_an_invalid_key_is_refused_and_not_created(
    api: Api, settings: Settings, given: dict[str, Any], path: list[str], words: str
) -> None:
    refused = await mutate(api, CREATE, **given)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
    assert words in refused["message"]
    assert [row[0] for row in await execute(settings, "select name from api_key")] == ["test"]


async def test_a_role_of_its_own_grants_its_scopes_as_they_are_now(
    api: Api, settings: Settings
) -> None:
    made = await mutate(api, CREATE_ROLE, name="builder", scopes=["AGENTS_WRITE", "TOOLS_READ"])
    role = made["role"]
    assert role == {
        "id": role["id"],
        "name": "builder",
        "scopes": ["AGENTS_READ", "AGENTS_WRITE", "TOOLS_READ"],
        "revision": 1,
        "isBuiltIn": False,
    }
    taken = await mutate(api, CREATE_ROLE, name="builder", scopes=["CALLS_READ"])
    assert (taken["code"], taken["path"]) == ("NAME_TAKEN", ["input", "name"])
    reserved = await mutate(api, CREATE_ROLE, name="OWNER", scopes=["CALLS_READ"])
    assert (reserved["code"], reserved["path"]) == ("INVALID_INPUT", ["input", "name"])

    key = await mutate(api, CREATE, name="ci", role="builder")
    variables = {"input": {"name": "desk", "prompt": {"system": "Help."}}}
    created = (await ask(api, key["value"], CREATE_AGENT, **variables)).json()
    assert created["data"]["createAgent"]["__typename"] == "CreateAgentSuccess"
    used = await mutate(api, DELETE_ROLE, id=role["id"])
    assert (used["code"], used["usedBy"]) == ("IN_USE", ["ci"])

    edit = {"id": role["id"], "scopes": ["AGENTS_READ"]}
    edited = await mutate(api, UPDATE_ROLE, expectedRevision=1, **edit)
    assert edited["role"] == {**edit, "revision": 2}
    stale = await mutate(api, UPDATE_ROLE, expectedRevision=1, **edit)
    assert stale["code"] == "REVISION_CONFLICT"
    async with asyncio.timeout(60):
        while await scopes_of(api, key["value"]) != ["AGENTS_READ"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    refused = (await ask(api, key["value"], CREATE_AGENT, **variables)).json()["errors"][0]
    assert refused["extensions"]["missing"] == ["AGENTS_WRITE", "TOOLS_READ"]

    await mutate(api, REVOKE, id=key["apiKey"]["id"])
    assert (await mutate(api, DELETE_ROLE, id=role["id"]))["__typename"] == "DeleteRoleSuccess"
    [gone] = await execute(settings, "select count(*) from custom_role")
    assert gone[0] == 0


async def test_what_a_viewer_lacks_they_cannot_grant(
    services: Services, settings: Settings, viewer: Viewer, tenant: Any
) -> None:
    granting = {Scope.KEYS_WRITE, Scope.ROLES_WRITE, Scope.CALLS_READ}
    clerk = replace(member_of(tenant, Role.VIEWER), scopes=frozenset(granting))
    strong = (await create_api_key(services, viewer, ApiKeySpec(name="s", role="OWNER"))).key
    role = await create_role(services, viewer, RoleSpec(name="strong", scopes=("tools:write",)))
    assert role.custom is not None
    before = await execute(settings, "select * from api_key order by id")

    for spec in (
        ApiKeySpec(name="x", role="VIEWER"),
        ApiKeySpec(name="x", role="strong"),
        ApiKeySpec(name="x", scopes=frozenset({Scope.CALLS_READ, Scope.TOOLS_READ})),
    ):
        with pytest.raises(Forbidden):
            await create_api_key(services, clerk, spec)
    with pytest.raises(Forbidden):
        await rotate_api_key(services, clerk, strong.id, None, None)
    with pytest.raises(Forbidden):
        await update_api_key(services, clerk, strong.id, {"networks": ()})
    with pytest.raises(Forbidden):
        await create_role(services, clerk, RoleSpec(name="x", scopes=("tools:write",)))
    with pytest.raises(Forbidden):
        await update_role(services, clerk, role.custom.id, 1, {"scopes": ("calls:read",)})
    for other in (Role.EDITOR, Role.OPERATOR, Role.VIEWER):
        with pytest.raises(Forbidden, match="keys:write"):
            await create_api_key(
                services, member_of(tenant, other), ApiKeySpec(name="x", role="VIEWER")
            )
    assert await execute(settings, "select * from api_key order by id") == before
    allowed = ApiKeySpec(name="x", scopes=frozenset({Scope.CALLS_READ}))
    assert (await create_api_key(services, clerk, allowed)).key.scopes == {Scope.CALLS_READ}


async def test_a_key_cannot_make_one_that_outlives_it_or_works_elsewhere(
    services: Services, viewer: Viewer
) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    limited = replace(
        viewer,
        subject="key:00000000-0000-0000-0000-000000000009",
        expires_at=until,
        networks=parse_networks(["10.0.0.0/8"], ()),
    )
    inside = parse_networks(["10.1.0.0/16"], ())
    good = ApiKeySpec(name="x", role="VIEWER", networks=inside, expires_at=until)
    assert (await create_api_key(services, limited, good)).key.spec.networks == inside
    for spec, path in (
        (replace(good, expires_at=None), "expiresAt"),
        (replace(good, expires_at=until + timedelta(seconds=1)), "expiresAt"),
        (replace(good, networks=()), "allowedAddresses"),
        (replace(good, networks=parse_networks(["0.0.0.0/0"], ())), "allowedAddresses"),
        (replace(good, networks=parse_networks(["::/0"], ())), "allowedAddresses"),
    ):
        with pytest.raises(Forbidden) as refused:
            await create_api_key(services, limited, spec)
        assert refused.value.path == (path,)


# ---- keys that only let callers join --------------------------------------------------------------


async def test_a_join_key_lets_callers_join_and_does_nothing_else(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(with_voice(services), viewer, with_speech(RECEPTION, BOOKING))
    made = await mutate(api, CREATE, name="website", scopes=["CALLS_JOIN"])
    value = made["value"]
    assert (made["apiKey"]["kind"], value[:8]) == ("JOIN", "as_join_")
    voice = {"workflow": {"slug": "clinic"}, "kind": "VOIP", "idempotencyKey": "visitor-1"}
    tickets = [
        (await ask(api, value, JOIN, input=voice)).json()["data"]["startCall"] for _ in range(2)
    ]
    assert tickets[0]["callId"] == tickets[1]["callId"]
    assert all(ticket["join"]["token"] for ticket in tickets)
    for document, given in (
        (JOIN, {**voice, "kind": "TEXT"}),
        (JOIN, {**voice, "draft": True, "idempotencyKey": None}),
        (START, voice),
    ):
        refused = (await ask(api, value, document, input=given)).json()
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN", document
    for document in (
        "{ calls { edges { node { id } } } }",
        "{ workflows { edges { node { id } } } }",
        'mutation { joinCall(input: {callId: "x"}) { __typename } }',
        'mutation { endCall(input: {callId: "x"}) { __typename } }',
        'mutation { createApiKey(input: {name: "x"}) { __typename } }',
    ):
        refused = (await ask(api, value, document)).json()
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN", document
    changed = await mutate(api, UPDATE, id=made["apiKey"]["id"], scopes=["CALLS_WRITE"])
    assert (changed["code"], changed["path"]) == ("INVALID_INPUT", ["input", "scopes"])


async def test_a_join_key_does_not_share_idempotency_keys(
    services: Services, viewer: Viewer
) -> None:
    await publish_clinic(with_voice(services), viewer, with_speech(RECEPTION, BOOKING))
    voice = with_voice(services)
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP, idempotency_key="k")
    page = replace(
        viewer,
        subject="key:00000000-0000-0000-0000-000000000009",
        scopes=frozenset({Scope.CALLS_JOIN}),
    )
    mine, theirs = await start_call(voice, viewer, request), await start_call(voice, page, request)
    assert mine.id != theirs.id
    assert (await start_call(voice, page, request)).id == theirs.id
    with pytest.raises(Forbidden, match="calls:write"):
        await start_call(voice, page, replace(request, kind=CallKind.TEXT))


async def test_a_key_that_has_ended_cannot_be_changed(services: Services, viewer: Viewer) -> None:
    key = (await create_api_key(services, viewer, ApiKeySpec(name="x", role="VIEWER"))).key
    _, old = await rotate_api_key(services, viewer, key.id, timedelta(0), None)
    assert old.spec.expires_at is not None
    with pytest.raises(InvalidInput, match="expired"):
        await update_api_key(services, viewer, key.id, {"expires_at": None})
