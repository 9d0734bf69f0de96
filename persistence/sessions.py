"""Sessions of people: signing in, refreshing tokens and signing out.

A session is a row, and everything that ends it deletes the row; its refresh tokens go with it. Refreshing
locks the row, so that a session cannot end while it is being refreshed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import PersonId, SessionId, Tenant, TenantId, Verified
from domain.common.errors import TenantSuspended, Unauthenticated
from domain.common.networks import client_network
from domain.ports import TokenPair
from domain.sign_in.ports import FederatedSession
from domain.tenants.members import MAX_SESSIONS_LISTED, Device, Session
from persistence import tables
from persistence.access_tokens import AccessTokenClaims, encode_access_token
from persistence.db_errors import translate_outages
from persistence.digest_lookup import find_by_digest
from persistence.key_ring import KeyRing
from persistence.link_tokens import new_token
from persistence.row_security import set_person, set_tenant

REUSE_GRACE = timedelta(seconds=30)
"""A refresh token that was used less than this ago yields the same successor again, as long as the
successor is unused: the first response was lost, or two browser tabs refreshed at the same time."""

KNOWN_ADDRESS_TTL = timedelta(days=30)
MAX_SESSIONS = 100
"""Sessions of a person in a tenant; a further one ends the one that was unused for longest."""

FIND_REFRESH_TOKEN = text("select * from find_refresh_token(:digest)")

_refresh = tables.refresh_token
_session = tables.session
_federated = tables.federated_session
_logout = tables.logout_token
_member = tables.membership
_person = tables.person
_tenant = tables.tenant
_address = tables.known_address

_is_suspended = or_(_tenant.c.suspended_at.is_not(None), _tenant.c.delete_at.is_not(None))


class SqlSessions:
    def __init__(
        self, engine: AsyncEngine, ring: KeyRing, *, access_seconds: int, refresh_seconds: int
    ) -> None:
        self._engine = engine
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring
        self._access_lifetime = timedelta(seconds=access_seconds)
        self._refresh_lifetime = timedelta(seconds=refresh_seconds)

    # ---- starting and refreshing -----------------------------------------------------------

    @translate_outages
    async def start(
        self,
        person: PersonId,
        tenant: TenantId | None,
        device: Device,
        ends_at: datetime | None,
        *,
        confined: bool,
        federated: FederatedSession | None,
        verified: Verified | None,
    ) -> TokenPair:
        session, refresh = SessionId(uuid4()), new_token()
        async with self._engine.begin() as db:
            if federated is not None:
                await lock_logouts(db, federated.provider_id, shared=True)
            await set_person(db, person)
            chosen = tenant or await _last_used_tenant(db, person)
            await set_tenant(db, chosen)
            member = await _use_membership(db, chosen, person)
            if member is None:
                raise _not_a_member()
            if member.is_confined and not confined:
                raise _needs_provider()
            await _check_still_holds(db, person, verified)
            await _end_oldest_sessions(db, chosen, person)
            await db.execute(
                insert(_session).values(
                    id=session,
                    tenant_id=chosen,
                    person_id=person,
                    address=device.address or None,
                    user_agent=device.user_agent or None,
                    ends_at=ends_at,
                    is_confined=confined,
                )
            )
            if federated is not None:
                await _insert_federated(db, chosen, session, federated)
            claims = self._claims(chosen, person, session, ends_at)
            await self._insert_refresh_token(db, claims, refresh, ends_at)
            # A network counts as known only for those who have shown a password there.
            if device.address and federated is None:
                await self._remember_network(db, chosen, person, client_network(device.address))
        return self._token_pair(claims, member.role, refresh)

    @translate_outages
    async def refresh(self, token: str, device: Device) -> TokenPair:
        row = await self._find_refresh_token(token)
        if row is None or row.expires_at <= datetime.now(UTC):
            raise _session_ended()
        tenant, person = TenantId(row.tenant_id), PersonId(row.user_id)
        session = SessionId(row.family)
        async with self._engine.begin() as db:
            await set_tenant(db, tenant)
            member = await _use_membership(db, tenant, person)
            if member is None:
                raise _session_ended()
            ends_at = await _lock_session(db, session)
            claims = self._claims(tenant, person, session, ends_at)
            successor = await self._rotate_refresh_token(db, token, row, claims, ends_at)
            if successor is None:
                await db.execute(delete(_session).where(_session.c.id == session))
            elif device.address:
                await db.execute(
                    update(_session)
                    .where(_session.c.id == session)
                    .values(address=device.address, user_agent=device.user_agent or None)
                )
        if successor is None:
            raise Unauthenticated(
                "This refresh token was used before, so its session was ended; sign in again.",
                ("refreshToken",),
            )
        return self._token_pair(claims, member.role, successor)

    async def _rotate_refresh_token(
        self,
        db: AsyncConnection,
        token: str,
        stored: Row[Any],
        claims: AccessTokenClaims,
        ends_at: datetime | None,
    ) -> str | None:
        """Return the successor of a refresh token; None if the token was reused."""
        recently = (_refresh.c.used_at > func.now() - REUSE_GRACE).label("recently")
        query = select(_refresh.c.used_at, recently).where(_refresh.c.hash == stored.hash)
        row = (await db.execute(query)).one_or_none()
        successors = self._ring.next_refresh_tokens(token)
        if row is not None and row.used_at is None:
            use = update(_refresh).where(_refresh.c.hash == stored.hash)
            await db.execute(use.values(used_at=func.now()))
            await self._insert_refresh_token(db, claims, successors[0], ends_at)
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
        self,
        db: AsyncConnection,
        claims: AccessTokenClaims,
        refresh: str,
        ends_at: datetime | None,
    ) -> None:
        expires_at = datetime.now(UTC) + self._refresh_lifetime
        await db.execute(
            insert(_refresh).values(
                hash=self._ring.digests(refresh)[0],
                tenant_id=claims.tenant,
                user_id=claims.person,
                family=claims.session,
                expires_at=min(expires_at, ends_at) if ends_at else expires_at,
            )
        )

    async def _remember_network(
        self, db: AsyncConnection, tenant: TenantId, person: PersonId, network: str
    ) -> None:
        """Store a network that the person signs in from, and delete the expired ones."""
        await db.execute(
            insert(_address)
            .values(tenant_id=tenant, user_id=person, network=self._ring.digests(network)[0])
            .on_conflict_do_update(
                index_elements=["user_id", "network"], set_={"seen_at": func.now()}
            )
        )
        await db.execute(
            _address.delete().where(
                _address.c.user_id == person, _address.c.seen_at < func.now() - KNOWN_ADDRESS_TTL
            )
        )

    async def _find_refresh_token(self, token: str) -> Row[Any] | None:
        async with self._lookups.connect() as db:
            return await find_by_digest(db, FIND_REFRESH_TOKEN, self._ring.digests(token))

    def _claims(
        self, tenant: TenantId, person: PersonId, session: SessionId, ends_at: datetime | None
    ) -> AccessTokenClaims:
        expires_at = datetime.now(UTC) + self._access_lifetime
        return AccessTokenClaims(
            tenant=tenant,
            person=person,
            session=session,
            expires_at=min(expires_at, ends_at) if ends_at else expires_at,
        )

    def _token_pair(self, claims: AccessTokenClaims, role: str, refresh: str) -> TokenPair:
        access = encode_access_token(self._ring, claims, role)
        return TokenPair(access, refresh, claims.expires_at)

    # ---- ending ----------------------------------------------------------------------------

    @translate_outages
    async def end_by_token(self, token: str) -> None:
        row = await self._find_refresh_token(token)
        if row is not None:
            async with self._engine.begin() as db:
                await set_tenant(db, row.tenant_id)
                await db.execute(delete(_session).where(_session.c.id == row.family))

    @translate_outages
    async def end(self, person: PersonId, id: SessionId) -> bool:
        async with self._engine.begin() as db:
            await set_person(db, person)
            mine = and_(_session.c.id == id, _session.c.person_id == person)
            return (await db.execute(delete(_session).where(mine))).rowcount > 0

    @translate_outages
    async def end_others(
        self, person: PersonId, keep: SessionId | None, tenant: TenantId | None
    ) -> int:
        async with self._engine.begin() as db:
            await set_person(db, person)
            return await end_sessions_of_person(db, person, keep, tenant)

    @translate_outages
    async def of_person(self, person: PersonId) -> Sequence[Session]:
        async with self._engine.begin() as db:
            await set_person(db, person)
            return await select_sessions(db, person)


async def select_sessions(
    db: AsyncConnection, person: PersonId, tenant: TenantId | None = None
) -> Sequence[Session]:
    """The sessions of a person, in one tenant or in all; the last used come first."""
    query = (
        select(_session, _tenant.c.slug, _tenant.c.name)
        .join(_tenant, _tenant.c.id == _session.c.tenant_id)
        .where(_session.c.person_id == person)
        .order_by(_session.c.last_used_at.desc(), _session.c.id)
        .limit(MAX_SESSIONS_LISTED)
    )
    if tenant is not None:
        query = query.where(_session.c.tenant_id == tenant)
    return [_session_from_row(row) for row in (await db.execute(query)).all()]


async def end_sessions_of_person(
    db: AsyncConnection,
    person: PersonId,
    keep: SessionId | None = None,
    tenant: TenantId | None = None,
) -> int:
    # Waits for the sessions that are starting at the moment, so that it ends them, too.
    await db.execute(
        select(_person.c.id).where(_person.c.id == person).with_for_update(key_share=True)
    )
    ended = delete(_session).where(_session.c.person_id == person)
    if tenant is not None:
        ended = ended.where(_session.c.tenant_id == tenant)
    if keep is not None:
        ended = ended.where(_session.c.id != keep)
    return (await db.execute(ended)).rowcount


def _session_from_row(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        tenant=Tenant(id=TenantId(row.tenant_id), slug=row.slug, name=row.name),
        person_id=PersonId(row.person_id),
        device=Device(address=row.address or "", user_agent=row.user_agent or ""),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        ends_at=row.ends_at,
    )


async def _last_used_tenant(db: AsyncConnection, person: PersonId) -> TenantId:
    query = (
        select(_member.c.tenant_id)
        .join(_tenant, _tenant.c.id == _member.c.tenant_id)
        .where(
            _member.c.person_id == person,
            _member.c.suspended_at.is_(None),
            _member.c.is_confined.is_(False),
        )
        .order_by(_is_suspended, _member.c.last_used_at.desc().nulls_last(), _member.c.created_at)
        .limit(1)
    )
    tenant: UUID | None = await db.scalar(query)
    if tenant is None:
        raise _not_a_member()
    return TenantId(tenant)


async def check_tenant(db: AsyncConnection, tenant: TenantId) -> None:
    """Raises `TenantSuspended` if the operator of the installation has suspended the tenant."""
    if await db.scalar(select(_is_suspended).where(_tenant.c.id == tenant)):
        raise tenant_suspended()


def tenant_suspended() -> TenantSuspended:
    return TenantSuspended(
        "The operator of this installation has suspended the tenant; ask them about it."
    )


async def _use_membership(
    db: AsyncConnection, tenant: TenantId, person: PersonId
) -> Row[Any] | None:
    """Return the role and whether the member is confined; None for a person who may not use the tenant. The
    membership stays locked until the end of the transaction, so no session starts or continues for a
    member who is being suspended or removed."""
    use = (
        update(_member)
        .where(
            _member.c.tenant_id == tenant,
            _member.c.person_id == person,
            _member.c.suspended_at.is_(None),
        )
        .values(last_used_at=func.now())
        .returning(_member.c.role, _member.c.is_confined)
    )
    member = (await db.execute(use)).one_or_none()
    if member is not None:
        await check_tenant(db, tenant)
    return member


async def _check_still_holds(
    db: AsyncConnection, person: PersonId, verified: Verified | None
) -> None:
    """Until the commit, neither the password changes nor do all sessions of the person end."""
    query = select(_person.c.password_set_at).where(_person.c.id == person)
    row = (await db.execute(query.with_for_update(read=True))).one_or_none()
    if row is None:
        raise _session_ended()
    if verified is None:
        return
    if verified.password_of and verified.password_of.password_set_at != row.password_set_at:
        raise Unauthenticated("The password was changed meanwhile; sign in again.", ())
    if verified.session_id is not None:
        found = select(_session.c.id).where(_session.c.id == verified.session_id)
        if await db.scalar(found) is None:
            raise _session_ended()


async def _lock_session(db: AsyncConnection, session: SessionId) -> datetime | None:
    """Return when the session ends at the latest. Raises `Unauthenticated` if it has ended."""
    query = select(_session.c.ends_at).where(_session.c.id == session).with_for_update()
    row = (await db.execute(query)).one_or_none()
    if row is None or (row.ends_at is not None and row.ends_at <= datetime.now(UTC)):
        raise _session_ended()
    ends_at: datetime | None = row.ends_at
    return ends_at


async def lock_logouts(db: AsyncConnection, provider: UUID, *, shared: bool) -> None:
    """Until the end of the transaction, no session starts while the provider ends sessions. It is the first
    lock of a transaction."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    key = {"key": f"logouts {provider}"}
    await db.execute(text(f"select {function}(hashtextextended(:key, 0))"), key)


async def _insert_federated(
    db: AsyncConnection, tenant: TenantId, session: SessionId, federated: FederatedSession
) -> None:
    await db.execute(
        insert(_federated).values(
            session_id=session,
            tenant_id=tenant,
            provider_id=federated.provider_id,
            subject=federated.subject,
            provider_session=federated.session,
        )
    )
    c = _logout.c
    ended = select(c.hash).where(
        c.tenant_id == tenant,
        c.provider_id == federated.provider_id,
        c.created_at >= federated.proven_at,
        or_(c.subject.is_(None), c.subject == federated.subject),
        or_(c.provider_session.is_(None), c.provider_session == federated.session),
    )
    if await db.scalar(ended.limit(1)) is not None:
        raise Unauthenticated("The session at the identity provider has ended; sign in again.", ())


async def _end_oldest_sessions(db: AsyncConnection, tenant: TenantId, person: PersonId) -> None:
    mine = and_(_session.c.tenant_id == tenant, _session.c.person_id == person)
    surplus = (
        select(_session.c.id)
        .where(mine)
        .order_by(_session.c.last_used_at.desc())
        .offset(MAX_SESSIONS - 1)
    )
    await db.execute(delete(_session).where(mine, _session.c.id.in_(surplus)))


def _not_a_member() -> Unauthenticated:
    return Unauthenticated("You do not belong to this tenant, or your membership is suspended.", ())


def _needs_provider() -> Unauthenticated:
    return Unauthenticated(
        "You sign in to this tenant with its identity provider. To use your password as well, ask an "
        "admin for an invitation, and accept it with the password.",
        (),
    )


def _session_ended() -> Unauthenticated:
    return Unauthenticated("The session is over; sign in again.", ("refreshToken",))
