"""Members that identity providers vouch for, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import Person, PersonId, TenantId
from domain.common.errors import AlreadyMember, InvalidInput, SignInRefused
from domain.sign_in.identity_providers import (
    ProviderClient,
    RefusalReason,
    is_trusted_address,
)
from domain.sign_in.oidc import LogoutRequest, VerifiedIdentity
from persistence import tables
from persistence.db_errors import sqlstate_of, translate_outages
from persistence.link_tokens import hash_token
from persistence.members import NO_OWNER, SqlMembers
from persistence.roles import SqlRoles
from persistence.row_security import set_person, set_tenant
from persistence.sessions import check_tenant, lock_logouts

FIND_PERSON = text("select id from find_person(:email)")

_member = tables.membership
_person = tables.person
_identity = tables.federated_identity
_session = tables.session
_federated = tables.federated_session
_handoff = tables.sign_in_handoff
_logout = tables.logout_token


class SqlIdentityLinks:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant

    async def find(self, identity: VerifiedIdentity) -> Any:
        """The person with this identity and when their membership was suspended; None if there is none."""
        c, m = _identity.c, _member.c
        query = (
            select(c.person_id, m.suspended_at)
            .join(_member, and_(m.tenant_id == c.tenant_id, m.person_id == c.person_id))
            .where(
                c.tenant_id == self._tenant,
                c.issuer == identity.issuer,
                c.subject == identity.subject,
            )
        )
        return (await self._db.execute(query)).one_or_none()

    async def add(self, identity: VerifiedIdentity, person: PersonId) -> None:
        values = {
            "tenant_id": self._tenant,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "person_id": person,
        }
        await self._db.execute(upsert(_identity).values(**values).on_conflict_do_nothing())
        linked = await self.find(identity)
        if linked is None or linked.person_id != person:
            raise AlreadyMember(
                "Your account at the identity provider is that of another member already.",
                (),
            )


class SqlFederatedUsers:
    def __init__(self, engine: AsyncEngine, notify: Callable[[], None]) -> None:
        """`notify` makes all processes read what changed."""
        self._engine = engine
        self._notify = notify

    @translate_outages
    async def admit(self, provider: ProviderClient, identity: VerifiedIdentity) -> PersonId:
        async with self._engine.begin() as db:
            await set_tenant(db, provider.tenant_id)
            await check_tenant(db, provider.tenant_id)
            await _keep_role(db, provider, identity)
            links = SqlIdentityLinks(db, provider.tenant_id)
            linked = await links.find(identity)
            if linked is None:
                person = await _first_contact(db, links, provider, identity)
            else:
                person = _unless_suspended(linked)
            await _set_managed_role(db, provider, identity, person)
        self._notify()
        return person

    @translate_outages
    async def end_sessions(self, provider: ProviderClient, request: LogoutRequest) -> bool:
        async with self._engine.begin() as db:
            await lock_logouts(db, provider.id, shared=False)
            await set_tenant(db, provider.tenant_id)
            if not await _note_logout_token(db, provider, request):
                return False
            await db.execute(delete(_handoff).where(_matches(_handoff.c, provider, request)))
            matching = select(_federated.c.session_id).where(
                _matches(_federated.c, provider, request)
            )
            ended = delete(_session).where(_session.c.tenant_id == provider.tenant_id)
            await db.execute(ended.where(_session.c.id.in_(matching)))
        self._notify()
        return True


async def _keep_role(
    db: AsyncConnection, provider: ProviderClient, identity: VerifiedIdentity
) -> None:
    """The role may have been deleted since the provider gave it; from now on, it stays until the commit."""
    role = identity.role or provider.spec.default_role
    if role is None:
        return
    try:
        await SqlRoles(db, provider.tenant_id, []).scopes_of(role, ())
    except InvalidInput:
        raise SignInRefused(
            f"The role {role} that you would have does not exist; ask an administrator for access.",
            (),
            reason=RefusalReason.NO_ROLE,
        ) from None


async def _first_contact(
    db: AsyncConnection,
    links: SqlIdentityLinks,
    provider: ProviderClient,
    identity: VerifiedIdentity,
) -> PersonId:
    """Link the identity to a member by their address, or make its user a member."""
    email = _trusted_address(provider, identity)
    person = await _member_with_address(db, provider, email)
    if person is None:
        person = await _create_member(db, provider, identity, email)
    await links.add(identity, person)
    return person


def _trusted_address(provider: ProviderClient, identity: VerifiedIdentity) -> str:
    spec = provider.spec
    email = identity.email
    if email is None or not is_trusted_address(email, spec.trusted_domains):
        raise _not_a_member(provider)
    if not identity.is_email_verified:
        raise SignInRefused(
            f"{spec.label} does not vouch for your e-mail address; ask an administrator to invite you.",
            (),
            reason=RefusalReason.EMAIL_NOT_VERIFIED,
        )
    return email


async def _member_with_address(
    db: AsyncConnection, provider: ProviderClient, email: str
) -> PersonId | None:
    query = (
        select(_member.c.person_id, _member.c.suspended_at)
        .join(_person, _person.c.id == _member.c.person_id)
        .where(_member.c.tenant_id == provider.tenant_id, _person.c.email == email)
    )
    row = (await db.execute(query)).one_or_none()
    return None if row is None else _unless_suspended(row)


async def _create_member(
    db: AsyncConnection, provider: ProviderClient, identity: VerifiedIdentity, email: str
) -> PersonId:
    role = identity.role or provider.spec.default_role
    if not provider.spec.creates_users or role is None:
        raise _not_a_member(provider)
    person = await _find_or_create_person(db, email)
    members = SqlMembers(db, provider.tenant_id, [])
    # A concurrent first sign-in of the same user may have been faster.
    with suppress(AlreadyMember):
        await members.add(Person(id=person, email=email), role, is_new=False, is_confined=True)
    return person


async def _find_or_create_person(db: AsyncConnection, email: str) -> PersonId:
    """A person of other tenants keeps their password, and stays out of reach from here."""
    new = PersonId(uuid4())
    await set_person(db, new)
    await db.execute(upsert(_person).values(id=new, email=email).on_conflict_do_nothing())
    return PersonId((await db.execute(FIND_PERSON, {"email": email})).scalar_one())


async def _set_managed_role(
    db: AsyncConnection, provider: ProviderClient, identity: VerifiedIdentity, person: PersonId
) -> None:
    """Groups decide the role at each sign-in. The last owner stays one, whatever the groups say. What
    groups give is out of reach for sessions that a password began: someone else may have set it."""
    if identity.role is None:
        return
    m = _member.c
    managed_by = provider.spec.name
    change = (
        update(_member)
        .where(
            m.tenant_id == provider.tenant_id,
            m.person_id == person,
            or_(
                m.role != identity.role,
                m.managed_by.is_distinct_from(managed_by),
                m.is_confined.is_(False),
            ),
        )
        .values(role=identity.role, managed_by=managed_by, is_confined=True)
    )
    try:
        async with db.begin_nested():
            await db.execute(change)
    except DBAPIError as error:
        if sqlstate_of(error) != NO_OWNER:
            raise
        return
    s = _session.c
    begun = (s.tenant_id == provider.tenant_id) & (s.person_id == person) & s.is_confined.is_(False)
    await db.execute(delete(_session).where(begun))


async def _note_logout_token(
    db: AsyncConnection, provider: ProviderClient, request: LogoutRequest
) -> bool:
    values = {
        "provider_id": provider.id,
        "tenant_id": provider.tenant_id,
        "hash": hash_token(request.token_id),
        "subject": request.subject,
        "provider_session": request.session,
        "expires_at": request.expires_at,
    }
    expired = delete(_logout).where(_logout.c.expires_at < func.now())
    await db.execute(expired.where(_logout.c.provider_id == provider.id))
    noted = upsert(_logout).values(**values).on_conflict_do_nothing()
    return (await db.execute(noted)).rowcount == 1


def _matches(columns: Any, provider: ProviderClient, request: LogoutRequest) -> Any:
    """A token that names both a session and a user ends what matches both."""
    conditions = [
        columns.tenant_id == provider.tenant_id,
        columns.provider_id == provider.id,
    ]
    if request.session is not None:
        conditions.append(columns.provider_session == request.session)
    if request.subject is not None:
        conditions.append(columns.subject == request.subject)
    return and_(*conditions)


def _unless_suspended(row: Any) -> PersonId:
    if row.suspended_at is not None:
        raise SignInRefused(
            "Your access has been deactivated; ask an administrator.",
            (),
            reason=RefusalReason.SUSPENDED,
        )
    return PersonId(row.person_id)


def _not_a_member(provider: ProviderClient) -> SignInRefused:
    return SignInRefused(
        f"Your account at {provider.spec.label} is not linked to a user here; ask an administrator to "
        "invite you.",
        (),
        reason=RefusalReason.NOT_A_MEMBER,
    )
