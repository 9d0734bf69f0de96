"""People, their credentials and passwords, and API keys.

No secret is stored in clear. Passwords are hashed with Argon2id; API keys and refresh tokens with
HMAC-SHA256 under a key derived from SECRET_KEY."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import (
    API_KEY_PREFIX,
    INSTALLATION_SCOPES,
    AccessChanges,
    Person,
    PersonId,
    SessionId,
    Tenant,
    TenantId,
    Verified,
    Viewer,
    key_subject,
    known_scopes,
    scopes_of_role,
    user_subject,
)
from domain.common.errors import CredentialExpired, InvalidInput, Unauthenticated, Unavailable
from domain.common.quotas import NO_QUOTAS, TenantQuotas
from domain.ports import TokenPair
from domain.sign_in.ports import FederatedSession
from domain.tenants.mail import MailText
from domain.tenants.members import (
    PASSWORD_RESET_LIFETIME,
    UNKNOWN_DEVICE,
    Device,
    Membership,
    OpenInvitation,
    Session,
)
from domain.tenants.passwords import password_problems
from persistence import tables
from persistence.access_changes import AccessChangeReader
from persistence.access_tokens import AccessTokenClaims, decode_access_token
from persistence.common_passwords import COMMON_PASSWORD, CommonPasswords
from persistence.db_errors import translate_outages
from persistence.digest_lookup import find_by_digest
from persistence.key_ring import KeyRing, is_api_key
from persistence.link_tokens import hash_token, new_token
from persistence.mail import SqlMailer
from persistence.members import invitation_from_row
from persistence.password_resets import create_password_reset
from persistence.passwords import PasswordVerifier
from persistence.row_security import set_person, set_tenant
from persistence.sessions import (
    KNOWN_ADDRESS_TTL,
    SqlSessions,
    end_sessions_of_person,
    tenant_suspended,
)
from persistence.sqlalchemy_engine import driver_connection
from persistence.vault import Vault
from persistence.viewer_cache import ViewerCache

log = logging.getLogger(__name__)

KEY_USE_INTERVAL = timedelta(minutes=1)
MAX_LOOKUPS = 3
"""How often a credential is looked up again because something changed during the lookup."""

_person = tables.person
_member = tables.membership
_tenant = tables.tenant
_key = tables.api_key
_reset = tables.password_reset

AUTHENTICATE_API_KEY = text("select * from authenticate_api_key(:digest)")
ACCESS_OF_SUBJECT = "select * from access_of_subject($1, $2)"
FIND_MEMBER = "select * from find_member($1, $2, $3)"
KNOWS_ADDRESS = text("select knows_address(:email, :networks, :since)")


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
        sessions: SqlSessions,
        changes: AccessChangeReader,
        notify: Callable[[], None],
        quotas: TenantQuotas = NO_QUOTAS,
    ) -> None:
        """`notify` makes all processes read what changed. `quotas` are those of tenants that have none of
        their own."""
        self._quotas = quotas
        self._engine = engine
        # Autocommit makes each lookup one statement and one round trip.
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring
        self._vault = Vault(ring)
        self._passwords = passwords
        self._common_passwords = CommonPasswords()
        self._sessions = sessions
        self._changes = changes
        self._notify = notify
        self._cache = ViewerCache(changes)
        self._pending_uses: dict[UUID, KeyUse] = {}
        self._has_pending_uses = asyncio.Event()

    # ---- people ----------------------------------------------------------------------------

    @translate_outages
    async def authenticate_password(self, email: str, password: str) -> Person | None:
        row = await self._find("find_person", email)
        is_correct = await self._passwords.verify(row.password_hash if row else None, password)
        return _person_from_row(row) if row and is_correct else None

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
    async def person(self, id: PersonId) -> Person | None:
        query = select(_person.c.id, _person.c.email, _person.c.name).where(_person.c.id == id)
        async with self._engine.begin() as db:
            await set_person(db, id)
            row = (await db.execute(query)).one_or_none()
        return _person_from_row(row) if row else None

    @translate_outages
    async def rename(self, id: PersonId, name: str | None) -> None:
        async with self._engine.begin() as db:
            await set_person(db, id)
            await db.execute(update(_person).where(_person.c.id == id).values(name=name))

    @translate_outages
    async def memberships(self, id: PersonId) -> Sequence[Membership]:
        query = (
            select(_member.c.role, _member.c.is_confined, _member.c.last_used_at, _tenant)
            .join(_tenant, _tenant.c.id == _member.c.tenant_id)
            .where(_member.c.person_id == id, _member.c.suspended_at.is_(None))
            .order_by(_member.c.created_at, _tenant.c.id)
        )
        async with self._engine.begin() as db:
            await set_person(db, id)
            rows = (await db.execute(query)).all()
        return [
            Membership(
                tenant=_tenant_from_row(row),
                role=row.role,
                is_confined=row.is_confined,
                last_used_at=row.last_used_at,
            )
            for row in rows
        ]

    @translate_outages
    async def tenant(self, id: TenantId) -> Tenant:
        async with self._engine.begin() as db:
            await set_tenant(db, id)
            row = (await db.execute(select(_tenant).where(_tenant.c.id == id))).one_or_none()
        if row is None:
            raise Unauthenticated("The tenant of this credential no longer exists.")
        if row.suspended_at is not None or row.delete_at is not None:
            raise tenant_suspended()
        return _tenant_from_row(row)

    @translate_outages
    async def find_invitation(self, token: str) -> OpenInvitation | None:
        row = await self._find("find_invitation", hash_token(token))
        return _open_invitation_from_row(row) if row else None

    # ---- passwords -------------------------------------------------------------------------

    async def check_password(self, password: str, known: Iterable[str]) -> None:
        problems = password_problems(password, known)
        if not problems and password in self._common_passwords:
            problems = [COMMON_PASSWORD]
        if problems:
            raise InvalidInput(problems[0], ("password",))

    async def hash_password(self, password: str) -> str:
        return await self._passwords.hash(password)

    @translate_outages
    async def set_password(
        self, person: PersonId, password_hash: str, keep: SessionId | None = None
    ) -> None:
        async with self._engine.begin() as db:
            await set_person(db, person)
            await _set_password(db, person, password_hash)
            await end_sessions_of_person(db, person, keep)
        self._notify()

    @translate_outages
    async def create_password_reset(
        self, person: PersonId, tenant: TenantId, created_by: str
    ) -> str | None:
        tenants = select(_member.c.tenant_id).where(
            _member.c.person_id == person, _member.c.is_confined.is_(False)
        )
        async with self._engine.begin() as db:
            await set_person(db, person)
            # Nothing makes the person a member of another tenant until the commit; what does so
            # afterwards deletes the token.
            await db.execute(select(_person.c.id).where(_person.c.id == person).with_for_update())
            if (await db.scalars(tenants)).all() != [tenant]:
                return None
            access = await _access_of(db, tenant, user_subject(person))
            if access is not None and access["is_operator"]:
                return None
            return await create_password_reset(db, person, created_by)

    @translate_outages
    async def request_password_reset(self, email: str, compose: Callable[[str], MailText]) -> None:
        token = new_token()
        message = compose(token)
        async with self._engine.begin() as db:
            await SqlMailer(db, self._vault).queue(
                email, message, PASSWORD_RESET_LIFETIME, reset_hash=hash_token(token)
            )

    @translate_outages
    async def find_password_reset(self, token: str) -> Person | None:
        row = await self._find("find_password_reset", hash_token(token))
        return _person_from_row(row) if row else None

    @translate_outages
    async def use_password_reset(self, token: str, password_hash: str) -> bool:
        found = await self.find_password_reset(token)
        if found is None:
            return False
        async with self._engine.begin() as db:
            await set_person(db, found.id)
            used = await db.execute(delete(_reset).where(_reset.c.hash == hash_token(token)))
            if not used.rowcount:
                return False
            await _set_password(db, found.id, password_hash)
            await end_sessions_of_person(db, found.id)
        self._notify()
        return True

    # ---- credentials -----------------------------------------------------------------------

    def listening(self, listener: Callable[[AccessChanges], None]) -> AbstractContextManager[None]:
        return self._changes.listening(listener)

    def forget(self, changes: AccessChanges) -> None:
        """Look up the credentials again that the changes concern."""
        self._cache.forget(changes)

    async def authenticate_credential(self, credential: str) -> Viewer:
        viewer = self._cache.get(credential) or await self._look_up(credential)
        if viewer.expires_at is not None and viewer.expires_at <= datetime.now(UTC):
            raise CredentialExpired("The credential has expired.")
        return viewer

    @translate_outages
    async def _look_up(self, credential: str) -> Viewer:
        look_up = self._lookup_of(credential)
        async with self._lookups.connect() as db:
            for _ in range(MAX_LOOKUPS):
                # Read before the lookup, so that a change during it is noticed.
                generation, started_at = self._changes.generation, time.monotonic()
                viewer = await self._with_access(db, await look_up(db))
                if generation == self._changes.generation:
                    self._cache.put(credential, viewer, started_at)
                    break
        return viewer

    def _lookup_of(self, credential: str) -> Callable[[AsyncConnection], Awaitable[Viewer]]:
        """Read the credential before the lookup, so that a malformed one takes no connection."""
        if not credential.startswith(API_KEY_PREFIX):
            return partial(self._viewer_of_token, decode_access_token(self._ring, credential))
        if not is_api_key(credential):
            raise Unauthenticated("This is not an API key of this product; it may be truncated.")
        return partial(self._viewer_of_key, credential)

    async def _with_access(self, db: AsyncConnection, viewer: Viewer) -> Viewer:
        """Add what the installation decides about the tenant and the subject. Only the table of
        operators makes an operator, whatever scopes are stored with a key or a role; and no session
        for which only a tenant vouches, because its owner could let it be anyone's."""
        row = await _access_of(db, viewer.tenant_id, viewer.subject)
        if row is None:
            raise Unauthenticated("The tenant of this credential no longer exists.")
        if row["is_suspended"] or row["is_deleting"]:
            raise tenant_suspended()
        is_operator = row["is_operator"] and not viewer.is_confined
        operator = INSTALLATION_SCOPES if is_operator else frozenset()
        return replace(
            viewer,
            scopes=(viewer.scopes - INSTALLATION_SCOPES) | operator,
            quotas=self._quotas.override(orjson.loads(row["quotas"])),
        )

    async def _viewer_of_key(self, key: str, db: AsyncConnection) -> Viewer:
        digests = self._ring.digests(key)
        row = await find_by_digest(db, AUTHENTICATE_API_KEY, digests)
        if row is None:
            raise Unauthenticated(
                "This API key is unknown: it belongs to another installation, it was deleted, or "
                "it was created under an entry of SECRET_KEY that has been removed since."
            )
        if row.revoked_at is not None:
            raise Unauthenticated("This API key has been revoked.")
        self._queue_key_use(row, digests[0])
        return Viewer(
            tenant_id=TenantId(row.tenant_id),
            subject=key_subject(row.id),
            scopes=(
                known_scopes(row.scopes)
                if row.role is None
                else scopes_of_role(row.role, row.scopes)
            ),
            expires_at=row.expires_at,
            networks=tuple(map(ip_network, row.networks)),
        )

    async def _viewer_of_token(self, claims: AccessTokenClaims, db: AsyncConnection) -> Viewer:
        raw = await driver_connection(db)
        member = await raw.fetchrow(FIND_MEMBER, claims.tenant, claims.person, claims.session)
        if member is None:
            raise Unauthenticated("The session is over; sign in again.")
        return Viewer(
            tenant_id=claims.tenant,
            subject=user_subject(claims.person),
            scopes=scopes_of_role(member["role"], member["scopes"]),
            expires_at=claims.expires_at,
            session_id=claims.session,
            is_confined=member["is_confined"],
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

    async def sign_in(
        self,
        person: PersonId,
        tenant: TenantId | None = None,
        device: Device = UNKNOWN_DEVICE,
        ends_at: datetime | None = None,
        *,
        confined: bool = False,
        federated: FederatedSession | None = None,
        verified: Verified | None = None,
    ) -> TokenPair:
        return await self._sessions.start(
            person,
            tenant,
            device,
            ends_at,
            confined=confined or federated is not None,
            federated=federated,
            verified=verified,
        )

    async def refresh(self, token: str, device: Device = UNKNOWN_DEVICE) -> TokenPair:
        return await self._sessions.refresh(token, device)

    async def sign_out(self, token: str) -> None:
        await self._sessions.end_by_token(token)
        self._notify()

    async def sessions(self, id: PersonId) -> Sequence[Session]:
        return await self._sessions.of_person(id)

    async def end_session(self, person: PersonId, id: SessionId) -> bool:
        ended = await self._sessions.end(person, id)
        self._notify()
        return ended

    async def end_sessions(
        self, person: PersonId, keep: SessionId | None = None, tenant: TenantId | None = None
    ) -> int:
        ended = await self._sessions.end_others(person, keep, tenant)
        self._notify()
        return ended

    # ---- lookups ---------------------------------------------------------------------------

    async def _find(self, function: str, argument: object) -> Row[Any] | None:
        """The row of a function that may see all tenants."""
        query = text(f"select * from {function}(:argument)")
        async with self._lookups.connect() as db:
            return (await db.execute(query, {"argument": argument})).one_or_none()


async def _access_of(db: AsyncConnection, tenant: TenantId, subject: str) -> Any:
    raw = await driver_connection(db)
    return await raw.fetchrow(ACCESS_OF_SUBJECT, tenant, subject)


async def _set_password(db: AsyncConnection, person: PersonId, password_hash: str) -> None:
    change = update(_person).where(_person.c.id == person)
    await db.execute(change.values(password_hash=password_hash, password_set_at=func.now()))
    await db.execute(delete(_reset).where(_reset.c.person_id == person))


def _person_from_row(row: Any) -> Person:
    return Person(
        id=PersonId(row.id),
        email=row.email,
        name=row.name,
        password_set_at=getattr(row, "password_set_at", None),
    )


def _tenant_from_row(row: Any) -> Tenant:
    return Tenant(id=TenantId(row.id), slug=row.slug, name=row.name)


def _open_invitation_from_row(row: Any) -> OpenInvitation:
    return OpenInvitation(
        invitation=invitation_from_row(row),
        tenant=Tenant(id=TenantId(row.tenant_id), slug=row.tenant_slug, name=row.tenant_name),
        person_id=PersonId(row.person_id) if row.person_id else None,
    )
