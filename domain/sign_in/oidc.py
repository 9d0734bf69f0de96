"""Signing in with OpenID Connect: the values that travel between the page, the API and the provider, and
what an adapter promises about them.

The page keeps a verifier and hands over its challenge; the API keeps nothing. What belongs to an attempt
travels in an encrypted cookie, and only a handoff, which works once, is stored for a minute."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from domain.common import base64url
from domain.common.errors import InvalidInput, SignInFailed
from domain.common.networks import DEFAULT_PORTS
from domain.common.text_validation import EMAIL, MAX_EMAIL_LENGTH, normalized_email
from domain.sign_in.identity_providers import (
    IdentityProviderId,
    IdentityProviderSpec,
    ProviderClient,
    check_claims,
    groups_of,
    role_for,
)

ATTEMPT_LIFETIME = timedelta(minutes=10)
HANDOFF_LIFETIME = timedelta(seconds=60)
LOGOUT_TOKEN_LIFETIME = timedelta(minutes=2)
SECRET_BYTES = 32
MAX_RETURN_TO_LENGTH = 1_000
"""It travels in a cookie, of which a browser keeps several, and a proxy limits the size of headers."""
MAX_SUBJECT_LENGTH = 255
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""The alphabet and the length of a code verifier in RFC 7636."""
URL_TEXT = re.compile(r"[!-\[\]-~]+")
"""Visible ASCII without the backslash, which browsers read as a slash."""
SIGN_IN_PATH = re.compile(r"/auth/[0-9a-f-]{32,36}/", re.IGNORECASE)
"""A redirect of a sign-in, which would send the browser on to another identity provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """What one browser has begun: it is needed to accept the answer of the provider."""

    provider_id: IdentityProviderId
    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    """Proves to the provider that the code is redeemed by the one who asked for it."""
    challenge: str
    """The SHA-256 of the verifier that the page keeps."""
    return_to: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """What the provider appends to the redirect URI; RFC 9207 adds `issuer`."""

    state: str | None = None
    code: str | None = field(default=None, repr=False)
    issuer: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenClaims:
    """The claims of a verified ID token, completed by those of the userinfo endpoint."""

    claims: Mapping[str, Any] = field(repr=False)
    end_session_url: str | None
    """Where the user can end the session at the provider; None if it offers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdentity:
    """What a provider vouches for. Only issuer and subject identify a user: an e-mail address may be
    changed, passed on, or not be verified at all."""

    issuer: str
    subject: str
    email: str | None = field(repr=False)
    is_email_verified: bool
    role: str | None
    """The role that the groups of the user give; None if roles are assigned by people."""
    session: str | None
    """The id of the session at the provider, by which it ends our sessions, too."""
    end_session_url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A proven identity that waits for the page which began the attempt."""

    provider_id: IdentityProviderId
    challenge: str
    identity: VerifiedIdentity


@dataclass(frozen=True, slots=True)
class TakenHandoff:
    """A handoff that is not stored any more."""

    handoff: Handoff
    stored_at: datetime
    """By the clock of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A verified logout token: the provider has ended these sessions."""

    token_id: str
    subject: str | None
    session: str | None
    expires_at: datetime


class OidcClient(Protocol):
    """Talks to identity providers. Every method raises `Unavailable` when the provider does not answer
    as the specification says."""

    async def check_metadata(self, provider: ProviderClient) -> None:
        """Raises `InvalidInput` unless the issuer has metadata with which users can sign in."""
        ...

    async def authorization_url(
        self, provider: ProviderClient, attempt: SignInAttempt, redirect_uri: str
    ) -> str: ...

    async def redeem(
        self,
        provider: ProviderClient,
        attempt: SignInAttempt,
        response: AuthorizationResponse,
        redirect_uri: str,
    ) -> ProvenClaims:
        """Raises `SignInFailed` unless the response belongs to the attempt and the ID token is valid."""
        ...

    async def read_logout_token(self, provider: ProviderClient, token: str) -> LogoutRequest:
        """Raises `SignInFailed` unless the provider has signed the token for us, and recently."""
        ...


class AttemptCipher(Protocol):
    def encrypt(self, attempt: SignInAttempt) -> str: ...

    def decrypt(self, text: str) -> SignInAttempt:
        """Raises `SignInFailed` unless this installation has encrypted the text."""
        ...


def new_attempt(
    provider: IdentityProviderId, challenge: str, return_to: str, now: datetime
) -> SignInAttempt:
    return SignInAttempt(
        provider_id=provider,
        state=new_secret(),
        nonce=new_secret(),
        code_verifier=new_secret(),
        challenge=challenge,
        return_to=return_to,
        expires_at=now + ATTEMPT_LIFETIME,
    )


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def challenge_of(verifier: str) -> str:
    """The challenge of a verifier by the method S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode(errors="surrogatepass")).digest()
    return base64url.encode(digest)


def check_challenge(challenge: str) -> None:
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidInput(
            "challenge must be the SHA-256 of your verifier in base64url without padding: 43 "
            "characters.",
            ("challenge",),
        )


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier belongs to the challenge."""
    return VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(
        challenge_of(verifier), challenge
    )


def check_return_to(url: str, allowed_origins: Collection[str]) -> None:
    """Raise `InvalidInput` unless the URL is one of a page of ours. The parsed origin is compared: in
    `https://us@evil.example` only the user name looks like ours."""
    parts = _split(url)
    origin = origin_of(parts) if parts and not (parts.fragment or "@" in parts.netloc) else None
    is_ours = origin in {_origin_or_none(each) for each in allowed_origins}
    if origin is None or parts is None or not is_ours or _leads_on(parts.path):
        raise InvalidInput(
            "return_to must be the URL of a page, without a fragment, whose origin is that of "
            "PUBLIC_URL or is listed in ALLOWED_ORIGINS; a redirect of another sign-in is no page.",
            ("return_to",),
        )


def _leads_on(path: str) -> bool:
    """Whether a browser or a server could read the path as that of a redirect to an identity provider."""
    plain = unquote(unquote(path))
    return SIGN_IN_PATH.search(f"{plain}/") is not None or not {".", ".."}.isdisjoint(
        plain.split("/")
    )


def origin_of(parts: SplitResult) -> str | None:
    """The origin of a web page as browsers write it; None if this is no web page."""
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def _origin_or_none(url: str) -> str | None:
    parts = _split(url)
    return origin_of(parts) if parts else None


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_RETURN_TO_LENGTH or not URL_TEXT.fullmatch(url) or url.endswith("#"):
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None


def check_state(attempt: SignInAttempt, state: str | None, now: datetime) -> None:
    if state is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise SignInFailed("The response belongs to another attempt to sign in.", ())
    if attempt.expires_at <= now:
        raise SignInFailed("The attempt to sign in took too long; begin again.", ())


def verified_identity(spec: IdentityProviderSpec, proven: ProvenClaims) -> VerifiedIdentity:
    """Read the claims. Raises `SignInRefused` when the tenant does not admit such a user."""
    claims = proven.claims
    check_claims(spec, claims)
    email, session = claims.get("email"), claims.get("sid")
    return VerifiedIdentity(
        issuer=spec.issuer,
        subject=str(claims["sub"]),
        email=email_of(email),
        # A string is what a provider sends that does not follow the specification.
        is_email_verified=claims.get("email_verified") is True,
        role=role_for(spec, groups_of(spec, claims)),
        session=session if isinstance(session, str) and session else None,
        end_session_url=proven.end_session_url,
    )


def email_of(value: Any) -> str | None:
    """The e-mail address in the form in which addresses are stored; None if it is none."""
    email = normalized_email(value) if isinstance(value, str) else ""
    return email if len(email) <= MAX_EMAIL_LENGTH and EMAIL.fullmatch(email) else None
