"""Authentication of users and API keys: passwords, API keys, access tokens and refresh tokens.

No secret is stored in clear. Passwords are hashed with Argon2id; API keys and refresh tokens with
HMAC-SHA256 under a key derived from SECRET_KEY. Access tokens are JWTs signed with Ed25519
(RFC 8037)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
from sqlalchemy import Row, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import (
    API_KEY_PREFIX,
    INSTALLATION_SCOPES,
    ROLE_SCOPES,
    Role,
    Scope,
    Tenant,
    TenantId,
    User,
    UserId,
    Viewer,
)
from domain.common.errors import (
    CredentialExpired,
    TenantSuspended,
    Unauthenticated,
    Unavailable,
)
from domain.common.quotas import NO_QUOTAS, TenantQuotas
from domain.ports import TokenPair
from persistence import tables
from persistence.db_errors import translate_outages
from persistence.key_ring import KeyRing, is_api_key
from persistence.passwords import PasswordVerifier
from persistence.sqlalchemy_engine import driver_connection
from persistence.store import set_tenant

log = logging.getLogger(__name__)

ISSUER = "agent-studio"
REUSE_GRACE = timedelta(seconds=30)
"""A refresh token that was used less than this ago yields the same successor again, as long as the
successor is unused: the first response was lost, or two browser tabs refreshed at the same time."""

CACHE_SECONDS, MAX_CACHED = 1.0, 5_000
"""A credential is looked up at most once per second, so a revoked one works for up to a second."""
KEY_USE_INTERVAL = timedelta(minutes=1)
KNOWN_ADDRESS_TTL = timedelta(days=30)

_refresh = tables.refresh_token
_user = tables.app_user
_tenant = tables.tenant
_key = tables.api_key
_address = tables.known_address

ACCESS_OF_SUBJECT = "select * from access_of_subject($1, $2)"
FIND_SESSION = "select find_session($1, $2, $3)"
KNOWS_ADDRESS = text("select knows_address(:email, :networks, :since)")
# Held until the end of the transaction, so that a session cannot end while it is being refreshed.
LOCK_SESSION = text("select pg_advisory_xact_lock(hashtextextended(cast(:session as text), 0))")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A use of an API key, with the digest of the key under the newest entry of SECRET_KEY."""

    tenant: TenantId
    id: UUID
    digest: bytes


class SqlAccounts:
    def __init__(
        self,
        engine: AsyncEngine,
        ring: KeyRing,
        passwords: PasswordVerifier,
        *,
        access_seconds: int,
        refresh_seconds: int,
        quotas: TenantQuotas = NO_QUOTAS,
    ) -> None:
        """`quotas` are those of tenants that have none of their own."""
        self._quotas = quotas
        self._engine = engine
        # Autocommit makes each lookup one statement and one round trip.
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring
        self._passwords = passwords
        self._access_lifetime = timedelta(seconds=access_seconds)
        self._refresh_lifetime = timedelta(seconds=refresh_seconds)
        self._cache: dict[str, tuple[float, Viewer]] = {}
        self._pending_uses: dict[UUID, KeyUse] = {}
        self._has_pending_uses = asyncio.Event()

    # ---- users -----------------------------------------------------------------------------

    @translate_outages
    async def authenticate_password(self, email: str, password: str) -> User | None:
        async with self._lookups.connect() as db:
            row = (
                await db.execute(text("select * from find_user(:email)"), {"email": email})
            ).one_or_none()
        is_correct = await self._passwords.verify(row.password_hash if row else None, password)
        return _user_from_row(row) if row and is_correct else None

    @translate_outages
    async def is_known_network(self, email: str, network: str) -> bool:
        values = {
            "email": email,
            "networks": self._ring.digests(network),
            "since": datetime.now(UTC) - KNOWN_ADDRESS_TTL,
        }
        async with self._lookups.connect() as db:
            return bool(await db.scalar(KNOWS_ADDRESS, values))

    @translate_outages
    async def user(self, tenant: TenantId, id: UserId) -> User | None:
        async with self._engine.begin() as db:
            await set_tenant(db, tenant)
            row = (
                await db.execute(select(_user).where(_user.c.tenant_id == tenant, _user.c.id == id))
            ).one_or_none()
        return _user_from_row(row) if row else None

    @translate_outages
    async def tenant(self, id: TenantId) -> Tenant:
        async with self._engine.begin() as db:
            await set_tenant(db, id)
            row = (await db.execute(select(_tenant).where(_tenant.c.id == id))).one_or_none()
        if row is None:
            raise Unauthenticated("The tenant of this credential no longer exists.")
        return Tenant(id=TenantId(row.id), slug=row.slug, name=row.name)

    # ---- credentials -----------------------------------------------------------------------

    async def authenticate_credential(self, credential: str) -> Viewer:
        until, viewer = self._cache.get(credential, (0.0, None))
        if viewer is None or until < time.monotonic():
            is_key = credential.startswith(API_KEY_PREFIX)
            look_up = self._viewer_of_key if is_key else self._viewer_of_token
            # The clock is read before the lookup, so a change during the lookup is seen in time.
            until = time.monotonic() + CACHE_SECONDS
            viewer = await self._with_access(await look_up(credential))
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            self._cache[credential] = until, viewer
        if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
            raise CredentialExpired("The credential has expired.")
        return viewer

    @translate_outages
    async def _with_access(self, viewer: Viewer) -> Viewer:
        """Add what the installation decides about the tenant and the subject. Only the table of
        operators makes an operator, whatever scopes are stored with a key or a role."""
        async with self._lookups.connect() as db:
            raw = await driver_connection(db)
            row = await raw.fetchrow(ACCESS_OF_SUBJECT, viewer.tenant_id, viewer.subject)
        if row is None:
            raise Unauthenticated("The tenant of this credential no longer exists.")
        _check_not_suspended(row)
        operator = INSTALLATION_SCOPES if row["is_operator"] else frozenset()
        return replace(
            viewer,
            scopes=(viewer.scopes - INSTALLATION_SCOPES) | operator,
            quotas=self._quotas.override(orjson.loads(row["quotas"])),
        )

    @translate_outages
    async def _viewer_of_key(self, key: str) -> Viewer:
        if not is_api_key(key):
            raise Unauthenticated("This is not an API key of this product; it may be truncated.")
        row = await self._find_by_digest("find_api_key", key)
        if row is None:
            raise Unauthenticated(
                "This API key is unknown: it belongs to another installation, it was deleted, or "
                "it was created under an entry of SECRET_KEY that has been removed since."
            )
        if row.revoked_at is not None:
            raise Unauthenticated("This API key has been revoked.")
        self._queue_key_use(row, self._ring.digests(key)[0])
        return Viewer(
            tenant_id=TenantId(row.tenant_id),
            subject=f"key:{row.id}",
            # A scope that only a newer release knows grants nothing here.
            scopes=frozenset(scope for scope in Scope if scope.value in row.scopes),
            expires_at=row.expires_at,
        )

    @translate_outages
    async def _viewer_of_token(self, token: str) -> Viewer:
        claims = _decode_access_token(self._ring, token)
        async with self._lookups.connect() as db:
            raw = await driver_connection(db)
            role = await raw.fetchval(FIND_SESSION, claims.tenant, claims.user, claims.session)
        if role is None:
            raise Unauthenticated("The session is over; sign in again.")
        return Viewer(
            tenant_id=claims.tenant,
            subject=f"user:{claims.user}",
            scopes=ROLE_SCOPES[_parse_role(role)],
            expires_at=claims.expires_at,
        )

    # ---- uses of keys ----------------------------------------------------------------------

    def _queue_key_use(self, row: Row[Any], digest: bytes) -> None:
        recorded_since = datetime.now(UTC) - KEY_USE_INTERVAL
        unrecorded = row.last_used_at is None or row.last_used_at < recorded_since
        if unrecorded or row.key_id != self._ring.key_ids[0]:
            self._pending_uses[row.id] = KeyUse(TenantId(row.tenant_id), row.id, digest)
            self._has_pending_uses.set()

    async def run_key_use_recorder(self) -> None:
        """Record queued uses in the background. A use that cannot be recorded is dropped; the next
        use of the key is queued instead."""
        while True:
            await self._has_pending_uses.wait()
            self._has_pending_uses.clear()
            uses, self._pending_uses = self._pending_uses, {}
            for use in uses.values():
                try:
                    await self._record_key_use(use)
                except Unavailable:
                    pass
                except Exception as error:  # noqa: BLE001 - other uses must still be recorded
                    log.error(
                        "failed to record the use of an API key",
                        extra={"error": type(error).__qualname__},
                    )

    @translate_outages
    async def _record_key_use(self, use: KeyUse) -> None:
        """Also store the digest under the newest entry of SECRET_KEY, so that keys in use keep
        working when an old entry is removed."""
        newest = self._ring.key_ids[0]
        is_outdated = or_(
            _key.c.last_used_at.is_(None),
            _key.c.last_used_at < func.now() - KEY_USE_INTERVAL,
            _key.c.key_id.is_distinct_from(newest),
        )
        async with self._engine.begin() as db:
            await set_tenant(db, use.tenant)
            await db.execute(
                update(_key)
                .where(_key.c.id == use.id, is_outdated)
                .values(last_used_at=func.now(), hash=use.digest, key_id=newest)
            )

    # ---- sessions --------------------------------------------------------------------------

    @translate_outages
    async def sign_in(self, user: User, network: str | None = None) -> TokenPair:
        session, refresh = uuid4(), secrets.token_urlsafe(32)
        async with self._engine.begin() as db:
            await set_tenant(db, user.tenant_id)
            role = await _current_role(db, user.tenant_id, user.id)
            await self._insert_refresh_token(db, user.tenant_id, user.id, session, refresh)
            if network:
                await self._remember_network(db, user, network)
        return self._token_pair(user.tenant_id, user.id, role, session, refresh)

    @translate_outages
    async def refresh(self, token: str) -> TokenPair:
        row = await self._find_by_digest("find_refresh_token", token)
        if row is None or row.expires_at <= datetime.now(UTC):
            raise _session_ended()
        tenant, user = TenantId(row.tenant_id), UserId(row.user_id)
        async with self._engine.begin() as db:
            await set_tenant(db, tenant)
            await db.execute(LOCK_SESSION, {"session": str(row.family)})
            role = await _current_role(db, tenant, user)
            successor = await self._rotate_refresh_token(db, token, row)
            ended = None if successor else await _delete_session(db, row.family)
        if successor:
            return self._token_pair(tenant, user, role, row.family, successor)
        if not ended:
            raise _session_ended()
        raise Unauthenticated(
            "This refresh token was used before, so its session was ended; sign in again.",
            ("refreshToken",),
        )

    @translate_outages
    async def sign_out(self, token: str) -> None:
        row = await self._find_by_digest("find_refresh_token", token)
        if row is not None:
            async with self._engine.begin() as db:
                await set_tenant(db, row.tenant_id)
                await db.execute(LOCK_SESSION, {"session": str(row.family)})
                await _delete_session(db, row.family)

    async def _find_by_digest(self, function: str, secret: str) -> Row[Any] | None:
        """Look up a secret by its digest, under each entry of SECRET_KEY in turn."""
        query = text(f"select * from {function}(:hash)")
        async with self._lookups.connect() as db:
            for digest in self._ring.digests(secret):
                row = (await db.execute(query, {"hash": digest})).one_or_none()
                if row is not None:
                    return row
        return None

    async def _rotate_refresh_token(
        self, db: AsyncConnection, token: str, stored: Row[Any]
    ) -> str | None:
        """Return the successor of a refresh token; None if the token was deleted or reused."""
        recently = (_refresh.c.used_at > func.now() - REUSE_GRACE).label("recently")
        query = select(_refresh.c.used_at, recently).where(_refresh.c.hash == stored.hash)
        row = (await db.execute(query)).one_or_none()
        successors = self._ring.next_refresh_tokens(token)
        if row is not None and row.used_at is None:
            use = update(_refresh).where(_refresh.c.hash == stored.hash)
            await db.execute(use.values(used_at=func.now()))
            await self._insert_refresh_token(
                db, stored.tenant_id, stored.user_id, stored.family, successors[0]
            )
            return successors[0]
        if row is not None and row.recently:
            for successor in successors:
                if await self._is_unused(db, successor):
                    return successor
        return None

    async def _is_unused(self, db: AsyncConnection, token: str) -> bool:
        unused = and_(_refresh.c.hash.in_(self._ring.digests(token)), _refresh.c.used_at.is_(None))
        return await db.scalar(select(_refresh.c.hash).where(unused)) is not None

    async def _insert_refresh_token(
        self, db: AsyncConnection, tenant: TenantId, user: UserId, session: UUID, refresh: str
    ) -> None:
        await db.execute(
            insert(_refresh).values(
                hash=self._ring.digests(refresh)[0],
                tenant_id=tenant,
                user_id=user,
                family=session,
                expires_at=datetime.now(UTC) + self._refresh_lifetime,
            )
        )

    async def _remember_network(self, db: AsyncConnection, user: User, network: str) -> None:
        """Store a network that the user signs in from, and delete the expired ones."""
        values = {
            "tenant_id": user.tenant_id,
            "user_id": user.id,
            "network": self._ring.digests(network)[0],
        }
        await db.execute(
            insert(_address)
            .values(**values)
            .on_conflict_do_update(
                index_elements=["user_id", "network"], set_={"seen_at": func.now()}
            )
        )
        await db.execute(
            _address.delete().where(
                _address.c.user_id == user.id, _address.c.seen_at < func.now() - KNOWN_ADDRESS_TTL
            )
        )

    def _token_pair(
        self, tenant: TenantId, user: UserId, role: Role, session: UUID, refresh: str
    ) -> TokenPair:
        now = datetime.now(UTC)
        expires = now + self._access_lifetime
        kid, key = self._ring.signing_key
        claims: dict[str, Any] = {
            "sub": str(user),
            "tenant": str(tenant),
            "sid": str(session),
            "role": role.value,
            "iss": ISSUER,
            "aud": ISSUER,
            "iat": now,
            "exp": expires,
        }
        access = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kid})
        return TokenPair(access, refresh, expires)


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    tenant: TenantId
    user: UserId
    session: UUID | None
    """None in tokens that were issued before tokens carried a session."""
    expires_at: datetime


def _decode_access_token(ring: KeyRing, token: str) -> AccessTokenClaims:
    try:
        kid = str(jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            ring.verification_keys[kid],
            algorithms=["EdDSA"],
            audience=ISSUER,
            issuer=ISSUER,
            leeway=0,
            options={"require": ["exp", "sub", "tenant", "role"]},
        )
        _parse_role(claims["role"])
        return AccessTokenClaims(
            tenant=TenantId(UUID(claims["tenant"])),
            user=UserId(UUID(claims["sub"])),
            session=UUID(claims["sid"]) if "sid" in claims else None,
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except jwt.ExpiredSignatureError:
        raise CredentialExpired("The access token has expired; refresh it.") from None
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        raise Unauthenticated("The credential is not valid.") from None


def _check_not_suspended(row: Any) -> None:
    if row["is_suspended"] or row["is_deleting"]:
        raise TenantSuspended(
            "The operator of this installation has suspended the tenant; ask them about it."
        )


async def _check_tenant(db: AsyncConnection, tenant: TenantId, user: UserId) -> None:
    raw = await driver_connection(db)
    row = await raw.fetchrow(ACCESS_OF_SUBJECT, tenant, f"user:{user}")
    if row is not None:
        _check_not_suspended(row)


async def _current_role(db: AsyncConnection, tenant: TenantId, user: UserId) -> Role:
    """The role stays locked until the end of the transaction, so that no token is issued for a role
    that has just changed."""
    query = select(_user.c.role).where(_user.c.tenant_id == tenant, _user.c.id == user)
    role = await db.scalar(query.with_for_update(read=True))
    if role is None:
        raise _session_ended()
    await _check_tenant(db, tenant, user)
    return _parse_role(role)


async def _delete_session(db: AsyncConnection, session: UUID) -> int:
    deleted = await db.execute(_refresh.delete().where(_refresh.c.family == session))
    return deleted.rowcount


def _session_ended() -> Unauthenticated:
    return Unauthenticated("The session is over; sign in again.", ("refreshToken",))


def _parse_role(name: Any) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Unauthenticated(
            f"The role {name!r} is not known to this version of the product."
        ) from None


def _user_from_row(row: Any) -> User:
    return User(
        id=UserId(row.id),
        tenant_id=TenantId(row.tenant_id),
        email=row.email,
        role=_parse_role(row.role),
        password_hash=row.password_hash,
    )
