"""Who people and keys are: passwords, API keys, access and refresh tokens.

Secrets are never stored: passwords as Argon2id, keys and refresh tokens as HMAC-SHA256 under a
key derived from SECRET_KEY. Access tokens are JWT signed with Ed25519 (RFC 8037)."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.access import SCOPES, Role, Scope, Tenant, TenantId, User, UserId, Viewer
from domain.errors import CredentialExpired, Unauthenticated
from domain.ports import TokenPair
from persistence.keys import KeyRing, is_api_key
from persistence.outages import told_as_unavailable
from persistence.store import as_tenant
from persistence.tables import RefreshRow, TenantRow, UserRow

ISSUER = "agent-studio"
REUSE_GRACE = timedelta(seconds=5)
"""Two tabs of a browser may refresh at once; that is no theft."""

KNOWN_SECONDS, MOST_KNOWN = 1.0, 1_000
"""A key is looked up once a second at most; so a revoked one works for a second longer."""

_refresh: Table = RefreshRow.__table__  # type: ignore[assignment]
_user: Table = UserRow.__table__  # type: ignore[assignment]
_tenant: Table = TenantRow.__table__  # type: ignore[assignment]

# OWASP's floor for Argon2id; each check costs 19 MiB, so few run at once.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobody = _hasher.hash(secrets.token_hex(16))


class SqlAccounts:
    def __init__(
        self, engine: AsyncEngine, ring: KeyRing, *, access_seconds: int, refresh_seconds: int
    ) -> None:
        self._engine = engine
        self._ring = ring
        self._access = timedelta(seconds=access_seconds)
        self._refresh = timedelta(seconds=refresh_seconds)
        self._hashing = asyncio.Semaphore(2)
        self._known: dict[str, tuple[float, Viewer]] = {}

    # ---- people ----------------------------------------------------------------------------

    @told_as_unavailable
    async def user_by_password(self, email: str, password: str) -> User | None:
        async with self._engine.connect() as db:
            row = (
                await db.execute(text("select * from find_user(:email)"), {"email": email})
            ).one_or_none()
        async with self._hashing:
            right = await asyncio.to_thread(
                _matches, row.password_hash if row else _nobody, password
            )
        return _user_from(row) if row and right else None

    @told_as_unavailable
    async def user(self, tenant: TenantId, id: UserId) -> User | None:
        async with self._engine.begin() as db:
            await as_tenant(db, tenant)
            row = (
                await db.execute(select(_user).where(_user.c.tenant_id == tenant, _user.c.id == id))
            ).one_or_none()
        return _user_from(row) if row else None

    @told_as_unavailable
    async def tenant(self, id: TenantId) -> Tenant:
        async with self._engine.begin() as db:
            await as_tenant(db, id)
            row = (await db.execute(select(_tenant).where(_tenant.c.id == id))).one()
        return Tenant(id=TenantId(row.id), slug=row.slug, name=row.name)

    # ---- credentials -----------------------------------------------------------------------

    async def viewer_of(self, credential: str) -> Viewer:
        if not credential.startswith("as_"):
            return self._viewer_of_token(credential)
        known = self._known.get(credential)
        if known is None or known[0] < time.monotonic():
            known = (time.monotonic() + KNOWN_SECONDS, await self._viewer_of_key(credential))
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[credential] = known
        return known[1]

    @told_as_unavailable
    async def _viewer_of_key(self, key: str) -> Viewer:
        if not is_api_key(key):
            raise Unauthenticated("That is not an API key of this product; was it cut off?")
        async with self._engine.connect() as db:
            for digest in self._ring.digests(key):
                found = await db.execute(
                    text("select * from find_api_key(:hash)"), {"hash": digest}
                )
                row = found.one_or_none()
                if row is not None:
                    break
        now = datetime.now(UTC)
        if row is None or row.revoked_at is not None:
            raise Unauthenticated("This API key is unknown or has been revoked.")
        if row.expires_at is not None and row.expires_at <= now:
            raise CredentialExpired("This API key has expired.")
        return Viewer(
            tenant_id=TenantId(row.tenant_id),
            subject=f"key:{row.id}",
            scopes=frozenset(map(Scope, row.scopes)),
            expires_at=row.expires_at,
        )

    def _viewer_of_token(self, token: str) -> Viewer:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                self._ring.verifying[kid],
                algorithms=["EdDSA"],
                audience=ISSUER,
                issuer=ISSUER,
                leeway=0,
                options={"require": ["exp", "sub", "tenant", "role"]},
            )
        except jwt.ExpiredSignatureError:
            raise CredentialExpired("The access token has expired; refresh it.") from None
        except (jwt.PyJWTError, KeyError, ValueError):
            raise Unauthenticated("The credential is not valid.") from None
        return Viewer(
            tenant_id=TenantId(UUID(claims["tenant"])),
            subject=f"user:{claims['sub']}",
            scopes=SCOPES[Role(claims["role"])],
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )

    # ---- sessions --------------------------------------------------------------------------

    @told_as_unavailable
    async def sign_in(self, user: User) -> TokenPair:
        return await self._pair(user, uuid4())

    @told_as_unavailable
    async def refresh(self, token: str) -> TokenPair:
        async with self._engine.connect() as db:
            for digest in self._ring.digests(token):
                found = await db.execute(
                    text("select * from find_refresh_token(:hash)"), {"hash": digest}
                )
                row = found.one_or_none()
                if row is not None:
                    break
        if row is None or row.expires_at <= datetime.now(UTC):
            raise Unauthenticated("The session is over; sign in again.", ("input", "refreshToken"))
        if not await self._use(row.tenant_id, row.hash):
            await self._end_family(row.tenant_id, row.family)
            raise Unauthenticated(
                "This refresh token was used before, so its session was ended; sign in again.",
                ("input", "refreshToken"),
            )
        user = await self.user(TenantId(row.tenant_id), UserId(row.user_id))
        if user is None:
            raise Unauthenticated("The session is over; sign in again.", ("input", "refreshToken"))
        return await self._pair(user, row.family, goes_on=True)

    @told_as_unavailable
    async def sign_out(self, token: str) -> None:
        async with self._engine.connect() as db:
            for digest in self._ring.digests(token):
                found = await db.execute(
                    text("select * from find_refresh_token(:hash)"), {"hash": digest}
                )
                for row in found:
                    await self._end_family(row.tenant_id, row.family)

    async def _use(self, tenant: TenantId, digest: bytes) -> bool:
        async with self._engine.begin() as db:
            await as_tenant(db, tenant)
            used = await db.execute(
                update(_refresh)
                .where(
                    _refresh.c.hash == digest,
                    (_refresh.c.used_at.is_(None))
                    | (_refresh.c.used_at > datetime.now(UTC) - REUSE_GRACE),
                )
                .values(used_at=func.coalesce(_refresh.c.used_at, datetime.now(UTC)))
            )
            return used.rowcount == 1

    async def _end_family(self, tenant: TenantId, family: UUID) -> None:
        async with self._engine.begin() as db:
            await as_tenant(db, tenant)
            await db.execute(_refresh.delete().where(_refresh.c.family == family))

    async def _pair(self, user: User, family: UUID, *, goes_on: bool = False) -> TokenPair:
        """`goes_on`: a session that a sign-out may have ended at this very moment."""
        now = datetime.now(UTC)
        expires = now + self._access
        kid, key = self._ring.signing
        claims: dict[str, Any] = {
            "sub": str(user.id),
            "tenant": str(user.tenant_id),
            "role": user.role.value,
            "iss": ISSUER,
            "aud": ISSUER,
            "iat": now,
            "exp": expires,
        }
        refresh = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        async with self._engine.begin() as db:
            await as_tenant(db, user.tenant_id)
            if goes_on and not await _is_open(db, family):
                raise Unauthenticated(
                    "The session is over; sign in again.", ("input", "refreshToken")
                )
            await db.execute(
                insert(_refresh).values(
                    hash=self._ring.digests(refresh)[0],
                    tenant_id=user.tenant_id,
                    user_id=user.id,
                    family=family,
                    expires_at=now + self._refresh,
                )
            )
        access = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kid})
        return TokenPair(access, refresh, expires)


async def _is_open(db: AsyncConnection, family: UUID) -> bool:
    """A row of it is locked, so that whoever ends the session waits, or has ended it."""
    row = await db.scalar(
        select(_refresh.c.hash)
        .where(_refresh.c.family == family)
        .limit(1)
        .with_for_update(read=True, key_share=True)
    )
    return row is not None


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except VerificationError:
        return False


def _user_from(row: Any) -> User:
    return User(
        id=UserId(row.id),
        tenant_id=TenantId(row.tenant_id),
        email=row.email,
        role=Role(row.role),
        password_hash=row.password_hash,
    )
