"""The tenant's own roles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, select, update

from domain.common.access import ROLE_SCOPES, Role, Scope, known_scopes
from domain.common.errors import Path
from domain.tenants.roles import CustomRole, RoleId, RoleSpec, unknown_role
from persistence import tables
from persistence.drafts import SqlDrafts, common_fields

MAX_HOLDERS = 100

_key = tables.api_key
_user = tables.app_user


class SqlRoles(SqlDrafts[CustomRole, RoleSpec]):
    async def all(self) -> Sequence[CustomRole]:
        rows = await self._db.execute(self._tenant_select().order_by(self._table.c.name))
        return [self._to_entity(row) for row in rows]

    async def save(self, id: UUID, spec: RoleSpec, expected_revision: int) -> CustomRole:
        saved = await super().save(id, spec, expected_revision)
        # Every write of a key makes processes look it up again.
        await self._db.execute(
            update(_key)
            .where(_key.c.tenant_id == self._tenant, _key.c.role == spec.name)
            .values(scopes=sorted(known_scopes(spec.scopes)))
        )
        return saved

    async def holders(self, name: str) -> Sequence[str]:
        await self._db.execute(self._lock(name, read=False))
        return [
            *await self._names_of(select(_key.c.name), _key, name, _key.c.revoked_at.is_(None)),
            *await self._names_of(select(_user.c.email), _user, name),
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

    async def _names_of(self, query: Any, table: Any, role: str, *conditions: Any) -> Sequence[str]:
        matching = (table.c.tenant_id == self._tenant, table.c.role == role, *conditions)
        names = await self._db.scalars(
            query.where(*matching).order_by(table.c.created_at).limit(MAX_HOLDERS)
        )
        return list(names)


def _role(row: Row[Any], spec: RoleSpec) -> CustomRole:
    return CustomRole(**common_fields(row), id=RoleId(row.id), spec=spec)


roles = partial(
    SqlRoles,
    table=tables.custom_role,
    spec_adapter=TypeAdapter(RoleSpec),
    entity=_role,
    noun="role",
)
