"""The repositories of members and invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import Person, PersonId, TenantId, scopes_of_role
from domain.common.errors import AlreadyMember, LastOwner, NotFound
from domain.common.lists import ListPage, Window
from domain.tenants.members import (
    INVITATION_LIFETIME,
    Invitation,
    InvitationId,
    Member,
    Session,
    invalid_invitation,
)
from persistence import tables
from persistence.db_errors import sqlstate_of
from persistence.link_tokens import hash_token, new_token
from persistence.list_pages import ListQuery, fetch_page
from persistence.notifications import Notification, access_changed
from persistence.row_security import set_person
from persistence.sessions import check_tenant, end_sessions_of_person, select_sessions

NO_OWNER = "AS001"
"""The SQLSTATE of the trigger that keeps an owner in each tenant."""

_person = tables.person
_member = tables.membership
_invitation = tables.invitation
_reset = tables.password_reset
_role = tables.custom_role

SELECT_MEMBERS = (
    select(
        _member.c.person_id,
        _member.c.role,
        _role.c.spec["scopes"].label("scopes"),
        _member.c.managed_by,
        _member.c.is_confined,
        _member.c.suspended_at,
        _member.c.created_at,
        _member.c.last_used_at,
        _person.c.email,
        _person.c.name,
    )
    .join(_person, _person.c.id == _member.c.person_id)
    .outerjoin(
        _role, and_(_role.c.tenant_id == _member.c.tenant_id, _role.c.name == _member.c.role)
    )
)


class SqlMembers:
    def __init__(
        self, connection: AsyncConnection, tenant: TenantId, notifications: list[Notification]
    ) -> None:
        self._db = connection
        self._tenant = tenant
        self._notifications = notifications
        self._of_tenant = SELECT_MEMBERS.where(_member.c.tenant_id == tenant)

    async def get(self, id: PersonId) -> Member | None:
        return await self._one(self._of_tenant.where(_member.c.person_id == id))

    async def lock(self, id: PersonId) -> Member | None:
        # Owners are locked in one order, so that two who change each other wait and do not deadlock.
        owners = select(_member.c.person_id).where(
            _member.c.tenant_id == self._tenant,
            (_member.c.role == "OWNER") | (_member.c.person_id == id),
        )
        await self._db.execute(owners.order_by(_member.c.person_id).with_for_update())
        return await self.get(id)

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Member]:
        rows = await self._db.execute(self._of_tenant.where(_member.c.person_id.in_(ids)))
        return [_member_from_row(row) for row in rows.all()]

    async def add(
        self,
        person: Person,
        role: str,
        *,
        is_new: bool,
        password_hash: str | None = None,
        is_confined: bool = False,
    ) -> None:
        """Make the person a member; `is_new` also creates the person. A confined member is made one who may
        use their password, unless `is_confined` says otherwise. Raises `AlreadyMember`."""
        await set_person(self._db, person.id)
        if is_new:
            await self._create(person, password_hash)
        values = {"person_id": person.id, "role": role, "is_confined": is_confined}
        join = insert(_member).values(tenant_id=self._tenant, **values)
        if is_confined:
            join = join.on_conflict_do_nothing()
        else:
            join = join.on_conflict_do_update(
                index_elements=["tenant_id", "person_id"],
                set_={"is_confined": False},
                where=_member.c.is_confined,
            )
        if not (await self._db.execute(join)).rowcount:
            raise AlreadyMember("You are a member of this tenant already.", ())
        if not is_confined:
            # An admin of another tenant may have a link to set a password, which would lead here, too.
            await self._db.execute(delete(_reset).where(_reset.c.person_id == person.id))

    async def _create(self, person: Person, password_hash: str | None) -> None:
        values: dict[str, Any] = {"email": person.email, "name": person.name}
        if password_hash is not None:
            values |= {"password_hash": password_hash, "password_set_at": func.now()}
        try:
            await self._db.execute(insert(_person).values(id=person.id, **values))
        except IntegrityError:
            raise AlreadyMember(
                f"{person.email} has an account in the meantime; sign in with it and accept again.",
                (),
            ) from None

    async def find_email(self, email: str) -> Member | None:
        return await self._one(self._of_tenant.where(_person.c.email == email))

    async def page(self, window: Window) -> ListPage[Member]:
        c = _member.c
        query = ListQuery(self._of_tenant, c.created_at, c.person_id, is_descending=False)
        page = await fetch_page(self._db, query, window)
        return page.with_items([_member_from_row(row) for row in page.items])

    async def count(self) -> int:
        query = select(func.count()).select_from(_member)
        return await self._db.scalar(query.where(_member.c.tenant_id == self._tenant)) or 0

    async def set_role(self, id: PersonId, role: str) -> Member:
        # The creator of a link to set the password of the member may not be able to give this role.
        await set_person(self._db, id)
        links = delete(_reset).where(_reset.c.person_id == id, _reset.c.created_by.is_not(None))
        await self._db.execute(links)
        return await self._change(id, role=role)

    async def suspend(self, id: PersonId) -> Member:
        member = await self._change(
            id, suspended_at=func.coalesce(_member.c.suspended_at, func.now())
        )
        await self.end_sessions(id)
        return member

    async def resume(self, id: PersonId) -> Member:
        return await self._change(id, suspended_at=None)

    async def remove(self, id: PersonId) -> None:
        mine = (_member.c.tenant_id == self._tenant) & (_member.c.person_id == id)
        await self._guarded(delete(_member).where(mine))

    async def sessions(self, id: PersonId) -> Sequence[Session]:
        return await select_sessions(self._db, id, self._tenant)

    async def end_sessions(self, id: PersonId) -> int:
        self._notifications.append(access_changed())
        return await end_sessions_of_person(self._db, id, tenant=self._tenant)

    async def _change(self, id: PersonId, **values: Any) -> Member:
        mine = (_member.c.tenant_id == self._tenant) & (_member.c.person_id == id)
        await self._guarded(update(_member).where(mine).values(**values))
        member = await self.get(id)
        if member is None:
            raise NotFound("There is no such member.", ("id",))
        return member

    async def _guarded(self, statement: Any) -> None:
        """Run a change that takes effect at once, unless it would leave the tenant without an owner."""
        try:
            await self._db.execute(statement)
        except DBAPIError as error:
            if sqlstate_of(error) != NO_OWNER:
                raise
            raise last_owner() from None
        self._notifications.append(access_changed())

    async def _one(self, query: Any) -> Member | None:
        row = (await self._db.execute(query)).one_or_none()
        return _member_from_row(row) if row else None


class SqlInvitations:
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        self._db = connection
        self._tenant = tenant
        c = _invitation.c
        self._open = (c.tenant_id == tenant) & c.used_at.is_(None) & (c.expires_at > func.now())

    async def add(self, email: str, role: str, invited_by: str) -> tuple[Invitation, str]:
        c, token = _invitation.c, new_token()
        await self._db.execute(
            delete(_invitation).where(
                c.tenant_id == self._tenant, c.email == email, c.used_at.is_(None)
            )
        )
        invite = insert(_invitation).values(
            id=uuid4(),
            tenant_id=self._tenant,
            email=email,
            role=role,
            hash=hash_token(token),
            invited_by=invited_by,
            expires_at=datetime.now(UTC) + INVITATION_LIFETIME,
        )
        row = (await self._db.execute(invite.returning(*c))).one()
        return invitation_from_row(row), token

    async def count(self) -> int:
        query = select(func.count()).select_from(_invitation).where(self._open)
        return await self._db.scalar(query) or 0

    async def page(self, window: Window) -> ListPage[Invitation]:
        c, open = _invitation.c, select(_invitation).where(self._open)
        query = ListQuery(open, c.created_at, c.id, is_descending=False)
        page = await fetch_page(self._db, query, window)
        return page.with_items([invitation_from_row(row) for row in page.items])

    async def get(self, id: InvitationId) -> Invitation | None:
        query = select(_invitation).where(self._open, _invitation.c.id == id)
        row = (await self._db.execute(query)).one_or_none()
        return invitation_from_row(row) if row else None

    async def withdraw(self, id: InvitationId) -> None:
        await self._db.execute(delete(_invitation).where(self._open, _invitation.c.id == id))

    async def accept(
        self,
        id: InvitationId,
        person: Person,
        password_hash: str | None,
        *,
        is_new: bool,
        is_confined: bool = False,
    ) -> None:
        await check_tenant(self._db, self._tenant)
        use = update(_invitation).where(self._open, _invitation.c.id == id)
        role = await self._db.scalar(use.values(used_at=func.now()).returning(_invitation.c.role))
        if role is None:
            raise invalid_invitation()
        members = SqlMembers(self._db, self._tenant, [])
        await members.add(
            person, role, is_new=is_new, password_hash=password_hash, is_confined=is_confined
        )


def last_owner() -> LastOwner:
    return LastOwner(
        "This is the last active owner of the tenant. Make another member an owner first.", ("id",)
    )


def _member_from_row(row: Any) -> Member:
    return Member(
        id=PersonId(row.person_id),
        email=row.email,
        name=row.name,
        role=row.role,
        scopes=scopes_of_role(row.role, row.scopes),
        managed_by=row.managed_by,
        is_confined=row.is_confined,
        suspended_at=row.suspended_at,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


def invitation_from_row(row: Any) -> Invitation:
    return Invitation(
        id=InvitationId(row.id),
        email=row.email,
        role=row.role,
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
