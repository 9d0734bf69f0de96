"""The rules of identity providers: their configuration, roles from groups, and where a sign-in may return."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.common.errors import InvalidInput, SignInFailed, SignInRefused
from domain.sign_in.identity_providers import (
    IdentityProviderId,
    IdentityProviderSpec,
    RequiredClaim,
    RoleRule,
    check_claims,
    check_client_secret,
    check_identity_provider,
    groups_of,
    role_for,
)
from domain.sign_in.oidc import (
    ATTEMPT_LIFETIME,
    challenge_of,
    check_return_to,
    check_state,
    email_of,
    new_attempt,
    proves,
)

SPEC = IdentityProviderSpec(
    name="acme",
    label="Sign in with Acme",
    issuer="https://id.acme.example/realms/studio",
    client_id="studio",
    groups_claim="groups",
    role_rules=(
        RoleRule(group="/staff", role="VIEWER"),
        RoleRule(group="/builders", role="EDITOR"),
        RoleRule(group="/admins", role="ADMIN"),
    ),
    default_role=None,
    trusted_domains=("acme.example",),
)


def test_all_problems_of_a_configuration_are_reported_at_once() -> None:
    check_identity_provider(SPEC, ())
    check_identity_provider(replace(SPEC, default_role="support"), {"support"})
    wrong = IdentityProviderSpec(
        name="Acme",
        label=" ",
        issuer="https://us@evil.example",
        client_id="a b",
        oauth_scopes=("email", 'a"b'),
        role_rules=(RoleRule(group="a", role="KING"), RoleRule(group="a", role="VIEWER")),
        default_role="QUEEN",
        trusted_domains=("@acme.example", "com"),
        creates_users=True,
        required_claims=(RequiredClaim(name="", value="x"),),
        session_hours=0,
    )
    with pytest.raises(InvalidInput) as refusal:
        check_identity_provider(wrong, {"support"})
    assert [problem.path for problem in refusal.value.problems] == [
        ("name",),
        ("label",),
        ("issuer",),
        ("clientId",),
        ("oauthScopes",),
        ("oauthScopes", "1"),
        ("groupsClaim",),
        ("roleRules", "1", "group"),
        ("trustedDomains", "0"),
        ("trustedDomains", "1"),
        ("requiredClaims", "0", "name"),
        ("sessionDuration",),
        ("roleRules", "0", "role"),
        ("defaultRole",),
    ]
    with pytest.raises(InvalidInput) as refusal:
        check_client_secret("a secret with spaces", ("clientSecret",))
    assert "a secret" not in refusal.value.message


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "id.acme.example",
        "ftp://id.acme.example",
        "https://",
        "https://id.acme.example?x",
        "https://id.acme.example#x",
        "https://id.acme.example#",
        "https://id.acme.example\\@evil.example",
        "https://[::1",
        "https://id acme.example",
        "https://" + "a" * 600,
    ],
)
def test_an_issuer_is_a_plain_url(issuer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_identity_provider(replace(SPEC, issuer=issuer), ())
    assert refusal.value.path == ("issuer",)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["/staff"], "VIEWER"),
        (["/staff", "/admins", "/builders"], "ADMIN"),
        (["/builders", "/staff"], "EDITOR"),
        ("/builders", "EDITOR"),
        (["/staff", 7, None, {}], "VIEWER"),
    ],
)
def test_the_most_powerful_role_of_the_groups_wins(groups: Any, role: str) -> None:
    assert role_for(SPEC, groups_of(SPEC, {"groups": groups})) == role


@pytest.mark.parametrize("groups", [None, [], ["staff"], ["/STAFF"], 7, {"/staff": True}])
def test_without_a_group_the_default_role_decides(groups: Any) -> None:
    """Names are compared exactly: Keycloak writes a slash when full paths are on."""
    found = groups_of(SPEC, {"groups": groups})
    with pytest.raises(SignInRefused) as refusal:
        role_for(SPEC, found)
    assert refusal.value.reason == "NO_ROLE"
    assert role_for(replace(SPEC, default_role="VIEWER"), found) == "VIEWER"
    assert role_for(replace(SPEC, role_rules=()), found) is None


def test_a_groups_claim_may_be_nested_or_be_a_url() -> None:
    claims = {"realm_access": {"roles": ["a"]}, "https://acme.example/roles": ["b"]}
    assert groups_of(replace(SPEC, groups_claim="realm_access.roles"), claims) == {"a"}
    assert groups_of(replace(SPEC, groups_claim="https://acme.example/roles"), claims) == {"b"}
    assert groups_of(replace(SPEC, groups_claim="realm_access.roles.x"), claims) == frozenset()


@pytest.mark.parametrize(
    "claims", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}, {"hasgroups": "true"}]
)
def test_a_user_of_too_many_groups_is_refused_with_advice(claims: dict[str, Any]) -> None:
    """Entra refers to its directory instead of listing more than 200 groups."""
    with pytest.raises(SignInRefused, match="application roles") as refusal:
        groups_of(replace(SPEC, default_role="VIEWER"), claims)
    assert refusal.value.reason == "TOO_MANY_GROUPS"


def test_required_claims_are_compared_exactly() -> None:
    spec = replace(SPEC, required_claims=(RequiredClaim(name="hd", value="acme.example"),))
    check_claims(spec, {"hd": "acme.example"})
    for claims in ({}, {"hd": "evil.example"}, {"hd": ["acme.example"]}, {"hd": "ACME.example"}):
        with pytest.raises(SignInRefused) as refusal:
            check_claims(spec, claims)
        assert refusal.value.reason == "CLAIM_MISMATCH"


PROVIDER = "8e1b4ad2-6c0f-4c55-9d0a-0f4c4c9f2f10"
ORIGINS = ("https://studio.example", "http://localhost:5173")


@pytest.mark.parametrize(
    "url",
    [
        "https://studio.example",
        "https://studio.example/graphiql?a=b",
        "https://studio.example:443/",
        "HTTPS://STUDIO.example/",
        "http://localhost:5173/calls",
        "http://localhost:5173/auth/callback",
    ],
)
def test_a_sign_in_returns_to_pages_of_ours(url: str) -> None:
    check_return_to(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/calls",
        "//evil.example",
        "https://evil.example/",
        "https://studio.example@evil.example/",
        "https://studio.example:x@evil.example/",
        "https://studio.example.evil.example/",
        "https://studio.example\\@evil.example/",
        "https://evil.example\\.studio.example/",
        "https://evil.example#https://studio.example/",
        "https://studio.example/#fragment",
        "https://studio.example/#",
        "https://studio.example:8443/",
        "https://studio.example:99999/",
        "http://studio.example/",
        "http://localhost/",
        "javascript:alert(1)//studio.example",
        "https:studio.example",
        "https://studio.example/\r\nSet-Cookie: a=b",
        "https://studio.example/ ",
        "https://[::1/",
        "https://studio.example/" + "a" * 1_000,
        f"https://studio.example/auth/{PROVIDER}/start?challenge=a",
        f"https://studio.example/prefix/AUTH/{PROVIDER}/start",
        f"https://studio.example/%61uth/{PROVIDER}/start",
        f"https://studio.example/%2561uth/{PROVIDER}/start",
        f"https://studio.example/auth/x/%2e%2e/{PROVIDER}/start",
        f"http://localhost:5173/auth/{PROVIDER}/callback",
    ],
)
def test_a_sign_in_returns_nowhere_else(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_return_to(url, ORIGINS)
    assert refusal.value.path == ("return_to",)


def test_a_verifier_proves_its_challenge() -> None:
    """The example of RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == challenge
    assert proves(verifier, challenge)
    for other in ("", challenge, verifier + "x", verifier[:-1], verifier + "\n"):
        assert not proves(other, challenge)


def test_a_response_belongs_to_one_attempt_that_is_not_too_old() -> None:
    now = datetime.now(UTC)
    id = IdentityProviderId(UUID(int=1))
    attempt = new_attempt(id, "c" * 43, "https://studio.example/", now)
    check_state(attempt, attempt.state, now)
    for state, at in (
        (None, now),
        ("", now),
        (new_attempt(id, "c" * 43, "https://studio.example/", now).state, now),
        (attempt.state, now + ATTEMPT_LIFETIME + timedelta(seconds=1)),
    ):
        with pytest.raises(SignInFailed):
            check_state(attempt, state, at)


@pytest.mark.parametrize(
    ("value", "email"),
    [
        (" Ada@Acme.Example", "ada@acme.example"),
        ("ada@acme.example, eve@evil.example", None),
        ("ada", None),
        (None, None),
        (["ada@acme.example"], None),
        ("a" * 250 + "@acme.example", None),
    ],
)
def test_an_address_in_a_claim_is_one_address(value: Any, email: str | None) -> None:
    assert email_of(value) == email
