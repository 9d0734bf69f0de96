"""Verification of what identity providers sign: ID tokens and logout tokens.

The key comes from the provider's own set, by the id in the header, and never from the token; and a key is
used only with an algorithm of its own kind, so that a public key never becomes the secret of an HMAC."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from domain.common.errors import SignInFailed
from domain.sign_in.identity_providers import ProviderClient
from domain.sign_in.oidc import (
    LOGOUT_TOKEN_LIFETIME,
    MAX_SUBJECT_LENGTH,
    LogoutRequest,
)

LEEWAY_SECONDS = 60
"""How far the clocks of the provider and of this machine may differ."""
MAX_TOKEN_LENGTH = 65_536
MAX_KEYS = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 8_192
MAX_EXPONENT_LENGTH = 8
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

# Per algorithm: the type of its keys, the members that make a public key, and the curve.
ALGORITHMS: Mapping[str, tuple[str, tuple[str, ...], str | None]] = {
    "RS256": ("RSA", ("n", "e"), None),
    "PS256": ("RSA", ("n", "e"), None),
    "ES256": ("EC", ("crv", "x", "y"), "P-256"),
    "EdDSA": ("OKP", ("crv", "x"), "Ed25519"),
}

Jwk = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TokenHeader:
    algorithm: str
    key_id: str | None


class UnknownKey(SignInFailed):
    """The set has no key for the token; the provider may have a new one."""


def read_header(token: str) -> TokenHeader:
    if len(token) > MAX_TOKEN_LENGTH:
        raise SignInFailed("The token of the identity provider is too long.", ())
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise SignInFailed("The token of the identity provider is not a signed JWT.", ()) from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise SignInFailed(
            f"The identity provider must sign its tokens with one of {', '.join(ALGORITHMS)}.", ()
        )
    return TokenHeader(algorithm, key_id if isinstance(key_id, str) else None)


def find_key(keys: Sequence[Jwk], header: TokenHeader) -> Any:
    """The public key for a token. Without an id in the header, the set must have exactly one."""
    usable = [key for key in keys if _fits(key, header.algorithm)]
    if header.key_id is not None:
        usable = [key for key in usable if key.get("kid") == header.key_id]
    if len(usable) != 1:
        raise UnknownKey("The identity provider has no key for its token.", ())
    return _public_key(usable[0], header.algorithm)


def verify_id_token(provider: ProviderClient, token: str, key: Any, nonce: str) -> dict[str, Any]:
    claims = _verify(provider, token, key, ("sub", "exp", "iat"))
    _check_party(claims, provider.spec.client_id)
    _check_subject(claims["sub"])
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise SignInFailed("The ID token belongs to another attempt to sign in.", ())
    return claims


def verify_logout_token(provider: ProviderClient, token: str, key: Any) -> LogoutRequest:
    """OpenID Connect Back-Channel Logout 1.0, section 2.6."""
    claims = _verify(provider, token, key, ("iat", "jti"))
    now = datetime.now(UTC)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(LOGOUT_EVENT), Mapping):
        raise SignInFailed("The token is not a logout token.", ())
    if "nonce" in claims:
        raise SignInFailed("A logout token must not contain a nonce.", ())
    if now.timestamp() - float(claims["iat"]) > LOGOUT_TOKEN_LIFETIME.total_seconds():
        raise SignInFailed("The logout token is too old.", ())
    subject, session, token_id = claims.get("sub"), claims.get("sid"), claims["jti"]
    if not all(value is None or isinstance(value, str) for value in (subject, session)):
        raise SignInFailed("The logout token names no user and no session.", ())
    if not (subject or session) or not isinstance(token_id, str):
        raise SignInFailed("The logout token names no user and no session.", ())
    return LogoutRequest(
        token_id=token_id,
        subject=subject,
        session=session,
        # Until then it might be accepted again, if it were forgotten.
        expires_at=now + 2 * LOGOUT_TOKEN_LIFETIME,
    )


def _verify(
    provider: ProviderClient, token: str, key: Any, required: tuple[str, ...]
) -> dict[str, Any]:
    header = read_header(token)
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[header.algorithm],
            audience=provider.spec.client_id,
            issuer=provider.spec.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "aud", *required], "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise SignInFailed(
            f"The token of the identity provider is not valid ({type(error).__name__}).", ()
        ) from None


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """A token for several clients must name us as the one that asked for it."""
    audience, party = claims["aud"], claims.get("azp")
    has_several = isinstance(audience, list) and len(audience) > 1
    if party != client_id and (has_several or party is not None):
        raise SignInFailed("The ID token was issued to another client.", ())


def _check_subject(subject: Any) -> None:
    is_valid = isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT_LENGTH
    if not is_valid or not subject.isprintable():
        raise SignInFailed("The ID token has no valid subject.", ())


def _fits(key: Jwk, algorithm: str) -> bool:
    kind, members, curve = ALGORITHMS[algorithm]
    return (
        key.get("kty") == kind
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, algorithm)
        and (curve is None or key.get("crv") == curve)
        and all(isinstance(key.get(member), str) for member in members)
        and (kind != "RSA" or _is_rsa_size_allowed(key))
    )


def _is_rsa_size_allowed(key: Jwk) -> bool:
    """A huge key would make each verification slow, and the provider chooses it."""
    bits = len(key["n"]) * 6
    return MIN_RSA_BITS <= bits <= MAX_RSA_BITS + 64 and len(key["e"]) <= MAX_EXPONENT_LENGTH


def _public_key(key: Jwk, algorithm: str) -> Any:
    kind, members, _ = ALGORITHMS[algorithm]
    public = {"kty": kind, **{member: key[member] for member in members}}
    try:
        return jwt.PyJWK(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SignInFailed("A key of the identity provider is damaged.", ()) from None
