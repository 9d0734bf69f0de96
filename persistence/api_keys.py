"""The API keys of a tenant. Only their digests are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import (
    ROLE_SCOPES,
    ApiKeyId,
    Role,
    Scope,
    TenantId,
    known_scopes,
    scopes_of_role,
)
from domain.common.lists import ListPage, Window
from domain.common.settings import Settings
from domain.tenants.api_keys import ApiKey, ApiKeyKind, ApiKeySpec, kind_of
from persistence import tables
from persistence.key_ring import PREFIX_LENGTH, KeyRing, new_api_key
from persistence.list_pages import ListQuery, fetch_page
from persistence.notifications import Notification, access_changed
from persistence.tenants import OwnerKeyIssuer

_key = tables.api_key
_role = tables.custom_role
ENVIRONMENTS = {ApiKeyKind.STANDARD: "live", ApiKeyKind.JOIN: "join"}


class SqlApiKeys:
    def __init__(
        self,
        connection: AsyncConnection,
        tenant: TenantId,
        ring: KeyRing,
        notifications: list[Notification],
    ) -> None:
        self._db = connection
        self._tenant = tenant
        self._ring = ring
        self._notifications = notifications

    async def add(
        self, spec: ApiKeySpec, granted: frozenset[Scope], created_by: str
    ) -> tuple[ApiKey, str]:
        key = new_api_key(ENVIRONMENTS[kind_of(spec, granted)])
        row = (
            await self._db.execute(
                insert(_key)
                .values(
                    **key_identity(self._ring, key),
                    **_spec_values(spec, granted),
                    id=uuid4(),
                    tenant_id=self._tenant,
                    created_by=created_by,
                )
                .returning(_key)
            )
        ).one()
        return await self._entity(row), key

    async def lock(self, id: UUID) -> ApiKey | None:
        query = select(_key).where(*self._is(id)).with_for_update()
        row = (await self._db.execute(query)).one_or_none()
        return None if row is None else await self._entity(row)

    async def save(self, id: UUID, spec: ApiKeySpec, granted: frozenset[Scope]) -> ApiKey:
        return await self._change(id, _spec_values(spec, granted))

    async def replace(self, id: UUID, successor: UUID, expires_at: datetime) -> ApiKey:
        return await self._change(id, {"replaced_by": successor, "expires_at": expires_at})

    async def revoke(self, id: UUID) -> ApiKey:
        revoked_at = func.coalesce(_key.c.revoked_at, func.now())
        return await self._change(id, {"revoked_at": revoked_at})

    async def count_live(self) -> int:
        is_live = and_(
            _key.c.revoked_at.is_(None),
            or_(_key.c.expires_at.is_(None), _key.c.expires_at > func.now()),
        )
        query = select(func.count()).where(_key.c.tenant_id == self._tenant, is_live)
        return await self._db.scalar(query.select_from(_key)) or 0

    async def delete_ended(self, before: datetime) -> None:
        has_ended = or_(_key.c.revoked_at < before, _key.c.expires_at < before)
        await self._db.execute(delete(_key).where(_key.c.tenant_id == self._tenant, has_ended))

    async def page(self, window: Window) -> ListPage[ApiKey]:
        of_tenant = select(_key).where(_key.c.tenant_id == self._tenant)
        query = ListQuery(of_tenant, _key.c.created_at, _key.c.id)
        page = await fetch_page(self._db, query, window)
        return page.with_items(await self._entities(page.items))

    async def count(self) -> int:
        query = select(func.count()).select_from(_key)
        return await self._db.scalar(query.where(_key.c.tenant_id == self._tenant)) or 0

    def _is(self, id: UUID) -> tuple[Any, Any]:
        return _key.c.tenant_id == self._tenant, _key.c.id == id

    async def _change(self, id: UUID, values: Mapping[str, Any]) -> ApiKey:
        self._notifications.append(access_changed())
        change = update(_key).where(*self._is(id)).values(**values).returning(_key)
        return await self._entity((await self._db.execute(change)).one())

    async def _entity(self, row: Row[Any]) -> ApiKey:
        [key] = await self._entities([row])
        return key

    async def _entities(self, rows: Sequence[Row[Any]]) -> list[ApiKey]:
        names = {row.role for row in rows if row.role is not None}
        query = select(_role.c.name, _role.c.spec["scopes"].label("scopes")).where(
            _role.c.tenant_id == self._tenant, _role.c.name.in_(names)
        )
        found = await self._db.execute(query) if names else ()
        custom = {row.name: row.scopes for row in found}
        return [_key_from_row(row, custom) for row in rows]


async def create_key(
    db: AsyncConnection,
    settings: Settings,
    tenant: UUID,
    name: str,
    role: Role = Role.OWNER,
    created_by: str = "bootstrap",
) -> str:
    key, ring = new_api_key(), KeyRing.from_secret_key(settings.secret_key)
    await db.execute(
        insert(_key).values(
            **key_identity(ring, key),
            id=uuid4(),
            tenant_id=tenant,
            name=name,
            created_by=created_by,
            role=role.value,
            scopes=sorted(ROLE_SCOPES[role]),
        )
    )
    return key


def owner_key_issuer(settings: Settings) -> OwnerKeyIssuer:
    async def issue(db: AsyncConnection, tenant: TenantId, name: str, created_by: str) -> str:
        return await create_key(db, settings, tenant, name, created_by=created_by)

    return issue


def key_identity(ring: KeyRing, key: str) -> dict[str, Any]:
    """What is stored of the value of a key."""
    return {
        "prefix": key[:PREFIX_LENGTH],
        "hash": ring.digests(key)[0],
        "key_id": ring.key_ids[0],
    }


def _spec_values(spec: ApiKeySpec, granted: frozenset[Scope]) -> dict[str, Any]:
    return {
        "name": spec.name,
        "role": spec.role,
        "scopes": sorted(granted if spec.role is not None else spec.scopes or ()),
        "networks": list(map(str, spec.networks)),
        "expires_at": spec.expires_at,
    }


def _key_from_row(row: Row[Any], custom: Mapping[str, Sequence[str]]) -> ApiKey:
    own = None if row.role is not None else known_scopes(row.scopes)
    return ApiKey(
        id=ApiKeyId(row.id),
        spec=ApiKeySpec(
            name=row.name,
            role=row.role,
            scopes=own,
            networks=tuple(map(ip_network, row.networks)),
            expires_at=row.expires_at,
        ),
        prefix=row.prefix,
        scopes=scopes_of_role(row.role, custom.get(row.role)) if own is None else own,
        created_at=row.created_at,
        created_by=row.created_by or "unknown",
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        replaced_by=None if row.replaced_by is None else ApiKeyId(row.replaced_by),
    )
