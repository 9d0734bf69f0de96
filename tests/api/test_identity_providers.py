"""Identity providers through the API: who may set them up, and what happens when they forge, fail or end
sessions."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from domain.common.access import PersonId, Viewer
from domain.common.errors import Unauthenticated
from domain.common.settings import Settings
from domain.sign_in.identity_providers import IdentityProviderId
from domain.sign_in.ports import FederatedSession
from resolvers.global_ids import decode_global_id, global_id
from tests.api.test_accounts import execute
from tests.api.test_single_sign_on import another_owner
from tests.support.forging_provider import CLIENT_ID, ForgingProvider, running_forger
from tests.support.oidc_provider import Browser, fragment, query
from tests.support.people import DELETE_ROLE, SignedIn, new_member, new_role, until_ended
from tests.support.single_sign_on import (
    CREATE,
    DASHBOARD,
    DELETE,
    UPDATE,
    Attempt,
    Installation,
    running_installation,
)

pytestmark = pytest.mark.anyio

LIST = """{ identityProviders { id name hasClientSecret revision } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
SECRET = "a-client-secret"
TRUSTED: dict[str, Any] = {"trustedDomains": ["acme.example"]}
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
async def forger() -> AsyncIterator[ForgingProvider]:
    async with running_forger() as running:
        yield running


@pytest.fixture
async def studio(
    settings: Settings, viewer: Viewer, forger: ForgingProvider
) -> AsyncIterator[Installation]:
    async with running_installation(settings, viewer, forger.issuer) as running:
        yield running


async def rows(studio: Installation) -> list[Any]:
    return await execute(studio.settings, "select * from identity_provider order by id")


async def answered(
    studio: Installation, forger: ForgingProvider, provider: dict[str, Any], **parameters: str
) -> tuple[Attempt, httpx.Response]:
    """Begin to sign in, and deliver the answer of the provider."""
    attempt = studio.attempt(provider)
    async with Browser(DASHBOARD) as browser:
        asked = query(await browser.open(attempt.url, until=[f"{forger.issuer}/auth"]))
        forger.nonce = asked["nonce"]
        answer = {"code": "a-code", "state": asked["state"], **parameters}
        url = f"{provider['redirectUri']}?{urlencode(answer)}"
        return attempt, await browser.http.get(url)


async def outcome(
    studio: Installation, forger: ForgingProvider, provider: dict[str, Any], **parameters: str
) -> dict[str, str]:
    _, response = await answered(studio, forger, provider, **parameters)
    return fragment(response.headers["location"])


async def signed_in(
    studio: Installation, forger: ForgingProvider, provider: dict[str, Any]
) -> SignedIn:
    attempt, response = await answered(studio, forger, provider)
    return studio.session_of(await studio.finish(response.headers["location"], attempt.verifier))


async def test_an_owner_sets_an_identity_provider_up(
    studio: Installation, forger: ForgingProvider
) -> None:
    owner = studio.owner
    created = await studio.create(
        forger.issuer,
        clientSecret=SECRET,
        groupsClaim="groups",
        roleRules=[{"group": "staff", "role": "EDITOR"}],
        requiredClaims=[{"name": "hd", "value": "acme.example"}],
        sessionDuration="PT8H",
        **TRUSTED,
    )
    start = f"{studio.settings.public_url}/auth/"
    assert created["redirectUri"].startswith(start)
    assert created["redirectUri"].endswith("/callback")
    shown = {name: created[name] for name in created if name not in ("id", "startUrl")}
    del shown["redirectUri"], shown["logoutUri"]
    assert shown == {
        "name": "acme",
        "label": "Sign in with Acme",
        "issuer": forger.issuer,
        "clientId": CLIENT_ID,
        "hasClientSecret": True,
        "oauthScopes": ["openid", "email", "profile"],
        "groupsClaim": "groups",
        "roleRules": [{"group": "staff", "role": "EDITOR"}],
        "defaultRole": None,
        "trustedDomains": ["acme.example"],
        "createsUsers": False,
        "requiredClaims": [{"name": "hd", "value": "acme.example"}],
        "sessionDuration": "PT28800S",
        "isEnabled": True,
        "revision": 1,
    }
    [row] = await rows(studio)
    assert SECRET.encode() not in row["sealed"]
    changed = await studio.update(
        created, label="Acme", clientSecret=None, groupsClaim=None, roleRules=[], defaultRole=None
    )
    assert (changed["label"], changed["hasClientSecret"], changed["revision"]) == ("Acme", False, 2)
    answer = await owner.execute(LIST)
    assert [each["id"] for each in answer["data"]["identityProviders"]] == [created["id"]]
    found = await owner.execute(NODE, id=created["id"])
    assert found["data"]["node"] == {"__typename": "IdentityProvider", "id": created["id"]}
    outdated = {"id": created["id"], "expectedRevision": 1, "label": "x"}
    assert await owner.code(UPDATE, **outdated) == "REVISION_CONFLICT"
    assert await owner.code(DELETE, id=created["id"]) == "None"
    assert await rows(studio) == []


async def test_what_cannot_work_is_refused_with_the_path(
    studio: Installation, forger: ForgingProvider
) -> None:
    owner = studio.owner
    correct = {"name": "acme", "label": "Acme", "issuer": forger.issuer, "clientId": CLIENT_ID}
    result = await owner.run(CREATE, **{**correct, "name": "A", "sessionDuration": "PT90M"})
    assert [problem["path"] for problem in result["problems"]] == [
        ["input", "name"],
        ["input", "sessionDuration"],
    ]
    forger.metadata = {"issuer": "https://login.example/{tenantid}/v2.0"}
    result = await owner.run(CREATE, **correct)
    assert (result["code"], result["path"]) == ("INVALID_INPUT", ["input", "issuer"])
    assert "{tenantid}" in result["message"]
    result = await owner.run(CREATE, **{**correct, "issuer": "http://169.254.169.254"})
    assert (result["path"], "OUTBOUND_ALLOW" in result["message"]) == (["input", "issuer"], True)
    forger.metadata = {}
    assert await rows(studio) == []
    created = await studio.create(forger.issuer)
    assert await owner.code(CREATE, **correct) == "NAME_TAKEN"
    identity = {"id": created["id"], "expectedRevision": 1}
    assert await owner.code(UPDATE, **identity, createsUsers=True) == "INVALID_INPUT"
    assert await owner.code(UPDATE, **identity, label=None) == "INVALID_INPUT"
    [row] = await rows(studio)
    assert row["revision"] == 1


async def test_only_owners_set_providers_up_and_only_in_their_tenant(
    studio: Installation, forger: ForgingProvider
) -> None:
    created = await studio.create(forger.issuer)
    before = await rows(studio)
    admin = await new_member(studio.owner, "ADMIN")
    changes = {"id": created["id"], "expectedRevision": 1, "label": "x"}
    correct = {"name": "b", "label": "b", "issuer": forger.issuer, "clientId": "b"}
    for document, input in ((CREATE, correct), (UPDATE, changes), (DELETE, {"id": created["id"]})):
        assert await admin.code(document, **input) == "FORBIDDEN"
    assert len((await admin.execute(LIST))["data"]["identityProviders"]) == 1
    # A provider of one's own could vouch for an owner, so the scope alone is not enough.
    await new_role(studio.owner, "gatekeeper", "IDENTITY_PROVIDERS_WRITE")
    gatekeeper = await new_member(studio.owner, "gatekeeper")
    for document, input in ((CREATE, correct), (UPDATE, changes)):
        assert await gatekeeper.code(document, **input) == "FORBIDDEN"
    editor = await new_member(studio.owner, "EDITOR")
    assert (await editor.execute(LIST))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    stranger = await another_owner(studio)
    assert (await stranger.execute(LIST))["data"]["identityProviders"] == []
    assert (await stranger.execute(NODE, id=created["id"]))["data"]["node"] is None
    assert await stranger.code(UPDATE, **changes) == "NOT_FOUND"
    assert await stranger.code(DELETE, id=created["id"]) == "NOT_FOUND"
    assert await stranger.code(DELETE, id=global_id("Agent", before[0]["id"])) == "NOT_FOUND"
    assert await rows(studio) == before


async def test_groups_can_have_roles_of_the_tenants_own(
    studio: Installation, forger: ForgingProvider
) -> None:
    rules: dict[str, Any] = {
        "groupsClaim": "groups",
        "roleRules": [{"group": "desk", "role": "support"}],
    }
    described = {"name": "acme", "label": "Acme", "issuer": forger.issuer, "clientId": CLIENT_ID}
    refused = await studio.owner.run(CREATE, **described, **rules)
    path = ["input", "roleRules", "0", "role"]
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", path)
    support = await new_role(studio.owner, "support", "CALLS_READ")
    provider = await studio.create(forger.issuer, createsUsers=True, **rules, **TRUSTED)
    used = await studio.owner.run(DELETE_ROLE, id=support)
    assert (used["code"], used["usedBy"]) == ("IN_USE", ["acme"])
    forger.claims = {"groups": ["desk"]}
    # A role that is deleted on the way admits no one.
    attempt, pending = await answered(studio, forger, provider)
    provider = await studio.update(provider, roleRules=[{"group": "desk", "role": "VIEWER"}])
    assert (await studio.owner.run(DELETE_ROLE, id=support))["__typename"] == "DeleteRoleSuccess"
    late = await studio.finish(pending.headers["location"], attempt.verifier)
    assert (late["code"], late["reason"]) == ("SIGN_IN_REFUSED", "NO_ROLE")
    await new_role(studio.owner, "support", "CALLS_READ")
    provider = await studio.update(provider, roleRules=rules["roleRules"])
    ada = await signed_in(studio, forger, provider)
    assert (await ada.viewer())["scopes"] == ["CALLS_READ"]


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"hd": "evil.example"}, "CLAIM_MISMATCH"),
        ({"hd": None}, "CLAIM_MISMATCH"),
        ({"_claim_names": {"groups": "src1"}, "groups": None}, "TOO_MANY_GROUPS"),
        ({"groups": ["others"]}, "NO_ROLE"),
        ({"nonce": "of another attempt"}, "SIGN_IN_FAILED"),
    ],
    ids=str,
)
async def test_a_page_learns_why_a_user_is_not_admitted(
    studio: Installation, forger: ForgingProvider, claims: dict[str, Any], error: str
) -> None:
    provider = await studio.create(
        forger.issuer,
        groupsClaim="groups",
        roleRules=[{"group": "staff", "role": "EDITOR"}],
        requiredClaims=[{"name": "hd", "value": "acme.example"}],
    )
    forger.userinfo = {"sub": "ada"}
    forger.claims = {"hd": "acme.example", "groups": ["staff"], **claims}
    assert await outcome(studio, forger, provider) == {"sign_in_error": error}
    assert await execute(studio.settings, "select * from sign_in_handoff") == []


async def test_a_provider_that_fails_or_denies_sends_the_user_back(
    studio: Installation, forger: ForgingProvider
) -> None:
    provider = await studio.create(forger.issuer)
    denied = await outcome(studio, forger, provider, error="access_denied")
    assert denied == {"sign_in_error": "DENIED_BY_PROVIDER"}
    forger.padding = 300_000
    assert await outcome(studio, forger, provider) == {"sign_in_error": "PROVIDER_UNAVAILABLE"}


def logout_token(forger: ForgingProvider, **claims: Any) -> str:
    now = int(time.time())
    correct = {"iss": forger.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120}
    return forger.key.sign({**correct, "events": {EVENT: {}}, **claims})


async def test_a_logout_token_ends_sessions_once(
    studio: Installation, forger: ForgingProvider
) -> None:
    by_password = await new_member(studio.owner, "EDITOR", "ada@acme.example")
    provider = await studio.create(forger.issuer, **TRUSTED)

    token = partial(logout_token, forger)

    async def report(body: bytes) -> tuple[int, str]:
        form = {"content-type": "application/x-www-form-urlencoded"}
        response = await studio.api.http.post(provider["logoutUri"], content=body, headers=form)
        return response.status_code, response.headers["cache-control"]

    async def log_out(token: str) -> tuple[int, str]:
        return await report(urlencode({"logout_token": token}).encode())

    forger.claims = {"sid": "one"}
    first = await signed_in(studio, forger, provider)
    forger.claims = {"sid": "two"}
    second = await signed_in(studio, forger, provider)
    attempt, pending = await answered(studio, forger, provider)
    for refused in (
        token(jti="1", sid="one", nonce="x"),
        token(jti="1", sid="one", iss="https://evil.example"),
        "x",
    ):
        assert await log_out(refused) == (400, "no-store")
    for body in (b"", b"logout_token=a&logout_token=b", b"\xff", b"x" * 100_000):
        assert await report(body) == (400, "no-store")
    # Of another user with the same session id, and of no session that is known.
    assert await log_out(token(jti="2", sid="one", sub="eve")) == (200, "no-store")
    assert [await first.status(), await second.status()] == [200, 200]
    ends_first = token(jti="3", sid="one", sub="ada")
    assert await log_out(ends_first) == (200, "no-store")
    await until_ended(first)
    assert await second.status() == 200
    forger.claims = {"sid": "one"}
    third = await signed_in(studio, forger, provider)
    assert await log_out(ends_first) == (400, "no-store")
    assert await third.status() == 200
    # Without a session: all of the user, and the sign-in that is under way.
    assert await log_out(token(jti="4", sub="ada")) == (200, "no-store")
    await until_ended(second)
    await until_ended(third)
    # Nor does a session start from a handoff that was taken just before.
    viewer = await by_password.viewer()
    proven = FederatedSession(
        IdentityProviderId(uuid_of(provider)), "ada", "one", datetime(2000, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(Unauthenticated, match="identity provider has ended"):
        await studio.services.accounts.sign_in(
            PersonId(UUID(viewer["subject"].partition(":")[2])), federated=proven
        )
    ended = await studio.finish(pending.headers["location"], attempt.verifier)
    assert ended["code"] == "UNAUTHENTICATED"
    assert await by_password.status() == 200


def uuid_of(provider: dict[str, Any]) -> UUID:
    decoded = decode_global_id(provider["id"])
    assert decoded is not None
    return decoded[1]


async def test_a_session_ends_however_often_it_is_refreshed(
    studio: Installation, forger: ForgingProvider
) -> None:
    await new_member(studio.owner, "EDITOR", "ada@acme.example")
    provider = await studio.create(forger.issuer, **TRUSTED, sessionDuration="PT1H")
    ada = await signed_in(studio, forger, provider)
    expiry = "select s.ends_at, max(r.expires_at) as last from session s join refresh_token r "
    expiry += "on r.family = s.id where s.ends_at is not null group by s.id"
    await studio.services.accounts.refresh(ada.refresh_token)
    [row] = await execute(studio.settings, expiry)
    assert row["last"] == row["ends_at"]
    await execute(studio.settings, "update session set ends_at = now() where ends_at is not null")
    refresh = """mutation ($input: SessionInput!) { refreshSession(input: $input) {
      __typename ... on Error { code } } }"""
    assert await ada.code(refresh, refreshToken=ada.refresh_token) == "UNAUTHENTICATED"
