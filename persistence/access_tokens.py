"""Access tokens: JWTs signed with Ed25519 (RFC 8037). A token names a session and grants nothing by
itself: what its person may do is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt

from domain.common.access import PersonId, SessionId, TenantId
from domain.common.errors import CredentialExpired, Unauthenticated
from persistence.key_ring import KeyRing

ISSUER = "agent-studio"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenClaims:
    tenant: TenantId
    person: PersonId
    session: SessionId
    expires_at: datetime


def encode_access_token(ring: KeyRing, claims: AccessTokenClaims, role: str) -> str:
    """`role` is for processes of the previous release, which require it; the next release drops it."""
    kid, key = ring.signing_key
    content: dict[str, Any] = {
        "sub": str(claims.person),
        "tenant": str(claims.tenant),
        "sid": str(claims.session),
        "role": role,
        "iss": ISSUER,
        "aud": ISSUER,
        "iat": datetime.now(UTC),
        "exp": claims.expires_at,
    }
    return jwt.encode(content, key, algorithm="EdDSA", headers={"kid": kid})


def decode_access_token(ring: KeyRing, token: str) -> AccessTokenClaims:
    try:
        kid = str(jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            ring.verification_keys[kid],
            algorithms=["EdDSA"],
            audience=ISSUER,
            issuer=ISSUER,
            leeway=0,
            options={"require": ["exp", "sub", "tenant", "sid"]},
        )
        return AccessTokenClaims(
            tenant=TenantId(UUID(claims["tenant"])),
            person=PersonId(UUID(claims["sub"])),
            session=SessionId(UUID(claims["sid"])),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except jwt.ExpiredSignatureError:
        raise CredentialExpired("The access token has expired; refresh it.") from None
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        raise Unauthenticated("The credential is not valid.") from None
