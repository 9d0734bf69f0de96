"""What an identity provider may answer: a certified one, one whose keys change, and one that forges."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.common.access import TenantId
from domain.common.errors import DomainError, InvalidInput, SignInFailed, Unavailable
from domain.sign_in.identity_providers import (
    IdentityProviderId,
    IdentityProviderSpec,
    ProviderClient,
)
from domain.sign_in.oidc import (
    AuthorizationResponse,
    ProvenClaims,
    SignInAttempt,
    challenge_of,
    new_attempt,
    verified_identity,
)
from persistence.guarded_http import GuardedHttpClient
from persistence.oidc_client import HttpOidcClient
from tests.support.forging_provider import (
    CLIENT_ID,
    ForgingProvider,
    SigningKey,
    new_key,
    running_forger,
    unsigned,
)

pytestmark = pytest.mark.anyio

REDIRECT_URI = "https://studio.example/auth/x/callback"
NOW = int(time.time())
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
OTHER_KEY = new_key()


@pytest.fixture
async def forger() -> AsyncIterator[ForgingProvider]:
    async with running_forger() as provider:
        yield provider


@pytest.fixture
async def client(forger: ForgingProvider) -> AsyncIterator[HttpOidcClient]:
    http = GuardedHttpClient(urlsplit(forger.issuer).netloc)
    yield HttpOidcClient(http)
    await http.aclose()


def provider_at(issuer: str, secret: str | None = "s3cret", **spec: Any) -> ProviderClient:
    return ProviderClient(
        id=IdentityProviderId(UUID(int=1)),
        tenant_id=TenantId(UUID(int=2)),
        spec=IdentityProviderSpec(
            name="acme", label="Acme", issuer=issuer, client_id=CLIENT_ID, **spec
        ),
        client_secret=secret,
    )


def begun(forger: ForgingProvider) -> SignInAttempt:
    provider = IdentityProviderId(UUID(int=1))
    attempt = new_attempt(provider, "c" * 43, "https://dash.example/", datetime.now(UTC))
    forger.nonce = attempt.nonce
    return attempt


async def redeem(
    client: HttpOidcClient,
    forger: ForgingProvider,
    *,
    issuer: str | None = None,
    provider: ProviderClient | None = None,
) -> ProvenClaims:
    response = AuthorizationResponse(state="s", code="a code", issuer=issuer)
    provider = provider or provider_at(forger.issuer)
    return await client.redeem(provider, begun(forger), response, REDIRECT_URI)


async def refused(client: HttpOidcClient, forger: ForgingProvider, **options: Any) -> DomainError:
    with pytest.raises((SignInFailed, Unavailable)) as refusal:
        await redeem(client, forger, **options)
    return refusal.value


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_user_signs_in_with_each_algorithm(
    client: HttpOidcClient, forger: ForgingProvider, algorithm: str
) -> None:
    forger.key = new_key(algorithm=algorithm)
    attempt = begun(forger)
    provider = provider_at(forger.issuer)
    url = await client.authorization_url(provider, attempt, REDIRECT_URI)
    assert url.partition("?")[0] == f"{forger.issuer}/auth"
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "response_mode": ["query"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [REDIRECT_URI],
        "scope": ["openid email profile"],
        "state": [attempt.state],
        "nonce": [attempt.nonce],
        "code_challenge": [challenge_of(attempt.code_verifier)],
        "code_challenge_method": ["S256"],
    }
    response = AuthorizationResponse(state=attempt.state, code="a code", issuer=forger.issuer)
    proven = await client.redeem(provider, attempt, response, REDIRECT_URI)
    identity = verified_identity(provider.spec, proven)
    assert (identity.issuer, identity.subject) == (forger.issuer, "ada")
    assert (identity.email, identity.is_email_verified) == ("ada@acme.example", True)
    assert forger.forms == [
        {
            "grant_type": "authorization_code",
            "code": "a+code",
            "redirect_uri": "https%3A%2F%2Fstudio.example%2Fauth%2Fx%2Fcallback",
            "code_verifier": attempt.code_verifier,
        }
    ]


def hs256_with_public_key(forger: ForgingProvider) -> str:
    """A token whose HMAC has the published key as its secret."""
    secret = json.dumps(forger.key.public_jwk()).encode()
    token = unsigned(forger.id_token_claims(), {"alg": "HS256", "kid": forger.key.id})
    digest = hmac.digest(secret, token.rstrip(".").encode(), "sha256")
    return token + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def sign_with_header_key(forger: ForgingProvider) -> str:
    header = {"jwk": OTHER_KEY.public_jwk(), "jku": "https://evil.example/jwks"}
    return OTHER_KEY.sign(forger.id_token_claims(), header)


FORGERIES: dict[str, Callable[[ForgingProvider], str]] = {
    "signed with another key": lambda forger: OTHER_KEY.sign(forger.id_token_claims()),
    "not signed": lambda forger: unsigned(
        forger.id_token_claims(), {"alg": "none", "kid": forger.key.id}
    ),
    "HMAC with the public key": hs256_with_public_key,
    "a key in the header": sign_with_header_key,
    "an unknown key": lambda forger: SigningKey("key-2", "RS256", OTHER_KEY.private).sign(
        forger.id_token_claims()
    ),
    "another algorithm of the same key": lambda forger: SigningKey(
        "key-1", "PS256", forger.key.private
    ).sign(forger.id_token_claims()),
    "an unknown critical header": lambda forger: forger.key.sign(
        forger.id_token_claims(), {"crit": ["exp"], "exp": 1}
    ),
    "no JWT": lambda forger: "a.b.c",
    "too long": lambda forger: "a" * 70_000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_id_token_is_refused(
    client: HttpOidcClient, forger: ForgingProvider, forgery: str
) -> None:
    # The published key is for one algorithm.
    forger.keys = [forger.key.public_jwk(alg="RS256")]
    response = AuthorizationResponse(state="s", code="c")
    attempt = begun(forger)
    forger.id_token = FORGERIES[forgery](forger)
    with pytest.raises(SignInFailed):
        await client.redeem(provider_at(forger.issuer), attempt, response, REDIRECT_URI)
    forger.id_token = None
    assert (await redeem(client, forger)).claims["sub"] == "ada"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": NOW - 90},
        {"exp": None},
        {"iat": NOW + 36_000},
        {"iat": None},
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 256},
        {"sub": "a\nb"},
    ],
    ids=",".join,
)
async def test_an_id_token_with_other_claims_is_refused(
    client: HttpOidcClient, forger: ForgingProvider, claims: dict[str, Any]
) -> None:
    forger.claims = claims
    assert isinstance(await refused(client, forger), SignInFailed)


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 20}, {"iat": NOW + 30}, {"aud": [CLIENT_ID, "b"], "azp": CLIENT_ID}]
)
async def test_clocks_may_differ_and_a_token_may_name_its_party(
    client: HttpOidcClient, forger: ForgingProvider, claims: dict[str, Any]
) -> None:
    now = int(time.time())
    forger.claims = {n: v + now - NOW if n in ("exp", "iat") else v for n, v in claims.items()}
    assert (await redeem(client, forger)).claims["sub"] == "ada"


async def test_new_keys_are_found_and_forged_key_ids_fetch_nothing(forger: ForgingProvider) -> None:
    http = GuardedHttpClient(urlsplit(forger.issuer).netloc)
    client = HttpOidcClient(http, pause=3_600.0)
    await redeem(client, forger)
    assert forger.count("/jwks") == 1
    genuine = forger.key
    for number in range(50):
        forger.key = SigningKey(f"forged-{number}", "RS256", OTHER_KEY.private)
        forger.keys = [genuine.public_jwk()]
        assert isinstance(await refused(client, forger), SignInFailed)
    assert forger.count("/jwks") == 1
    eager = HttpOidcClient(http, pause=0.0)
    forger.key, forger.keys = genuine, None
    await redeem(eager, forger)
    forger.key = new_key("key-2")
    assert (await redeem(eager, forger)).claims["sub"] == "ada"
    await http.aclose()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{}],
        [{"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}],
        [{"kty": "RSA", "kid": "key-1", "n": "AQAB", "e": "AQAB"}],
        [{"kty": "RSA", "kid": "key-1", "n": "é" * 400, "e": "AQAB"}],
        [{"kty": "RSA", "kid": "key-1", "n": "A" * 100_000, "e": "AQAB"}],
    ],
    ids=["empty", "no key", "symmetric", "short", "damaged", "huge"],
)
async def test_a_set_without_a_usable_key_admits_no_user(
    client: HttpOidcClient, forger: ForgingProvider, keys: list[dict[str, Any]]
) -> None:
    forger.keys = keys
    assert isinstance(await refused(client, forger), SignInFailed)


async def test_an_rsa_key_of_1024_bits_is_refused(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    forger.key = SigningKey("key-1", "RS256", rsa.generate_private_key(65_537, 1_024))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        assert isinstance(await refused(client, forger), SignInFailed)


@pytest.mark.parametrize(
    ("promised", "named", "is_admitted"),
    [
        (True, "same", True),
        (True, "other", False),
        (True, None, False),
        (None, "same", True),
        (None, "other", False),
        (None, None, True),
    ],
)
async def test_the_issuer_of_a_response_is_compared(
    client: HttpOidcClient,
    forger: ForgingProvider,
    promised: bool | None,
    named: str | None,
    is_admitted: bool,
) -> None:
    """RFC 9207, against providers that are mixed up."""
    forger.metadata = {"authorization_response_iss_parameter_supported": promised}
    issuer = {"same": forger.issuer, "other": "https://evil.example", None: None}[named]
    if is_admitted:
        assert (await redeem(client, forger, issuer=issuer)).claims["sub"] == "ada"
    else:
        assert isinstance(await refused(client, forger, issuer=issuer), SignInFailed)
        assert forger.count("/token") == 0


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"issuer": None}, "names another issuer"),
        ({"token_endpoint": None}, "has no token_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "has no valid jwks_uri"),
        ({"token_endpoint": "https://us@evil.example/"}, "has no valid token_endpoint"),
        ({"authorization_endpoint": 7}, "has no valid authorization_endpoint"),
    ],
)
async def test_metadata_that_cannot_be_used_is_explained(
    client: HttpOidcClient, forger: ForgingProvider, metadata: dict[str, Any], reason: str
) -> None:
    forger.metadata = metadata
    with pytest.raises(InvalidInput, match=reason) as refusal:
        await client.check_metadata(provider_at(forger.issuer))
    assert refusal.value.path == ("issuer",)


@pytest.mark.parametrize(
    "field", ["jwks_uri", "token_endpoint", "userinfo_endpoint", "issuer itself"]
)
async def test_no_endpoint_leads_to_a_private_address(
    client: HttpOidcClient, forger: ForgingProvider, field: str
) -> None:
    internal = "http://169.254.169.254/latest"
    provider = provider_at(internal if field == "issuer itself" else forger.issuer)
    forger.metadata = {field: internal}
    forger.claims = {"email": None}
    refusal = await refused(client, forger, provider=provider)
    assert "must not be reached" in refusal.message


async def test_a_provider_on_loopback_needs_to_be_allowed(forger: ForgingProvider) -> None:
    http = GuardedHttpClient("")
    with pytest.raises(InvalidInput, match="OUTBOUND_ALLOW"):
        await HttpOidcClient(http).check_metadata(provider_at(forger.issuer))
    assert forger.requests == []
    await http.aclose()


async def test_a_huge_answer_is_refused(client: HttpOidcClient, forger: ForgingProvider) -> None:
    forger.padding = 300_000
    assert "too large" in (await refused(client, forger)).message
    forger.padding = 2_000_000
    other = provider_at(forger.issuer + "/")  # not yet known to have failed
    assert isinstance(await refused(client, forger, provider=other), Unavailable)


async def test_a_silent_provider_is_asked_once(forger: ForgingProvider) -> None:
    """Those who wait for it share the failure, so no request waits for several timeouts."""
    http = GuardedHttpClient(urlsplit(forger.issuer).netloc)
    client = HttpOidcClient(http, timeout=0.2, pause=3_600.0)
    forger.silent = True
    for _ in range(20):
        assert isinstance(await refused(client, forger), Unavailable)
    assert len(forger.requests) == 1
    await http.aclose()


async def test_userinfo_completes_the_claims_of_the_same_user(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    forger.claims = {"email": None, "email_verified": None, "sub": "ada"}
    forger.userinfo = {"sub": "ada", "email": "Ada@Acme.example ", "email_verified": True}
    provider = provider_at(forger.issuer)
    identity = verified_identity(provider.spec, await redeem(client, forger))
    assert (identity.email, identity.is_email_verified) == ("ada@acme.example", True)
    forger.userinfo["sub"] = "eve"
    assert "another user" in (await refused(client, forger)).message


async def test_an_address_and_its_verification_come_from_one_source(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    """Otherwise the verification of one address would count for another."""
    forger.claims = {"email": "owner@acme.example", "email_verified": None}
    forger.userinfo = {"sub": "ada", "email": "eve@acme.example", "email_verified": True}
    provider = provider_at(forger.issuer, trusted_domains=("acme.example",))
    identity = verified_identity(provider.spec, await redeem(client, forger, provider=provider))
    assert (identity.email, identity.is_email_verified) == ("eve@acme.example", True)
    forger.userinfo = {"sub": "ada", "email_verified": True}
    identity = verified_identity(provider.spec, await redeem(client, forger, provider=provider))
    assert (identity.email, identity.is_email_verified) == ("owner@acme.example", False)


async def test_a_client_authenticates_as_the_provider_wants(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    await redeem(client, forger, provider=provider_at(forger.issuer, "a:b%"))
    assert base64.b64decode(forger.authorizations[-1].partition(" ")[2]) == b"studio:a%3Ab%25"
    await redeem(client, forger, provider=provider_at(forger.issuer, None))
    assert forger.authorizations[-1] == ""
    assert forger.forms[-1]["client_id"] == CLIENT_ID
    assert "client_secret" not in forger.forms[-1]
    forger.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    http = GuardedHttpClient(urlsplit(forger.issuer).netloc)
    await redeem(HttpOidcClient(http), forger)
    assert forger.authorizations[-1] == ""
    assert forger.forms[-1]["client_secret"] == "s3cret"
    await http.aclose()


def logout_claims(forger: ForgingProvider, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    correct = {
        "iss": forger.issuer,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": "token-1",
        "events": {LOGOUT: {}},
        "sid": "session-1",
        "sub": "ada",
    }
    return {n: v for n, v in {**correct, **changes}.items() if v is not None}


async def test_a_logout_token_names_what_has_ended(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    token = forger.key.sign(logout_claims(forger))
    request = await client.read_logout_token(provider_at(forger.issuer), token)
    assert (request.token_id, request.subject, request.session) == ("token-1", "ada", "session-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"events": None},
        {"events": {}},
        {"events": {LOGOUT: True}},
        {"nonce": "n"},
        {"iat": NOW - 100_000},
        {"iat": None},
        {"iat": -1e300},
        {"exp": NOW - 100_000},
        {"jti": None},
        {"jti": 7},
        {"sid": None, "sub": None},
        {"sub": ["ada"]},
    ],
    ids=",".join,
)
async def test_another_token_ends_no_session(
    client: HttpOidcClient, forger: ForgingProvider, changes: dict[str, Any]
) -> None:
    """An ID token is one of these: it has no event, and a nonce."""
    token = forger.key.sign(logout_claims(forger, **changes))
    with pytest.raises(SignInFailed):
        await client.read_logout_token(provider_at(forger.issuer), token)


async def test_a_forged_logout_token_is_refused(
    client: HttpOidcClient, forger: ForgingProvider
) -> None:
    for token in (
        OTHER_KEY.sign(logout_claims(forger)),
        unsigned(logout_claims(forger), {"alg": "none"}),
        hashlib.sha256(b"").hexdigest(),
    ):
        with pytest.raises(SignInFailed):
            await client.read_logout_token(provider_at(forger.issuer), token)
