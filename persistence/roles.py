"""The tenant's own roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import ROLE_SCOPES, Role, Scope, TenantId, known_scopes
from domain.common.errors import Path
from domain.tenants.roles import CustomRole, RoleId, RoleSpec, unknown_role
from persistence import tables
from persistence.drafts import SqlDrafts, common_fields
from persistence.notifications import Notification, access_changed

MAX_HOLDERS = 100
ROLE_SPEC = TypeAdapter(RoleSpec)

_key = tables.api_key
_member = tables.membership
_person = tables.person
_invitation = tables.invitation
_provider = tables.identity_provider


class SqlRoles(SqlDrafts[CustomRole, RoleSpec]):
    def __init__(
        self, connection: AsyncConnection, tenant: TenantId, notifications: list[Notification]
    ) -> None:
        super().__init__(
            connection,
            tenant,
            table=tables.custom_role,
            spec_adapter=ROLE_SPEC,
            entity=_role,
            noun="role",
        )
        self._notifications = notifications

    async def all(self) -> Sequence[CustomRole]:
        rows = await self._db.execute(self._tenant_select().order_by(self._table.c.name))
        return [self._to_entity(row) for row in rows]

    async def save(self, id: UUID, spec: RoleSpec, expected_revision: int) -> CustomRole:
        # Processes of the previous release read the scopes of the key itself. Keys are locked before
        # roles, as when a key is changed.
        await self._db.execute(
            update(_key)
            .where(_key.c.tenant_id == self._tenant, _key.c.role == spec.name)
            .values(scopes=sorted(known_scopes(spec.scopes)))
        )
        self._notifications.append(access_changed())
        return await super().save(id, spec, expected_revision)

    async def holders(self, name: str) -> Sequence[str]:
        await self._db.execute(self._lock(name, read=False))
        # An invitation is read before the members that it may become meanwhile.
        return [
            *await self._names(self._keys(name)),
            *await self._names(self._invited(name)),
            *await self._names(self._members(name)),
            *await self._names(self._providers(name)),
        ]

    async def scopes_of(self, name: str, path: Path) -> frozenset[Scope]:
        if name in Role.__members__:
            return ROLE_SCOPES[Role(name)]
        # Several keys may be created at once, but none while the role is changed or deleted.
        row = (await self._db.execute(self._lock(name, read=True))).one_or_none()
        if row is None:
            raise unknown_role(name, path)
        return known_scopes(self._to_entity(row).spec.scopes)

    def _lock(self, name: str, *, read: bool) -> Any:
        query = self._tenant_select().where(self._table.c.name == name)
        return query.with_for_update(read=read)

    def _keys(self, role: str) -> Any:
        c = _key.c
        query = select(c.name).where(c.tenant_id == self._tenant, c.role == role)
        return query.where(c.revoked_at.is_(None)).order_by(c.created_at)

    def _invited(self, role: str) -> Any:
        c = _invitation.c
        query = select(c.email).where(c.tenant_id == self._tenant, c.role == role)
        return query.where(c.used_at.is_(None), c.expires_at > func.now()).order_by(c.created_at)

    def _members(self, role: str) -> Any:
        c = _member.c
        query = select(_person.c.email).join(_member, c.person_id == _person.c.id)
        return query.where(c.tenant_id == self._tenant, c.role == role).order_by(c.created_at)

    def _providers(self, role: str) -> Any:
        c = _provider.c
        gives = or_(
            c.spec["default_role"].astext == role,
            c.spec.contains({"role_rules": [{"role": role}]}),
        )
        return select(c.name).where(c.tenant_id == self._tenant, gives).order_by(c.created_at)

    async def _names(self, query: Any) -> Sequence[str]:
        return list(await self._db.scalars(query.limit(MAX_HOLDERS)))


def _role(row: Row[Any], spec: RoleSpec) -> CustomRole:
    return CustomRole(**common_fields(row), id=RoleId(row.id), spec=spec)
