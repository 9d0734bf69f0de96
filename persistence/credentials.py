"""The credentials of a tenant, which are stored encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from domain.tenants.credentials import (
    NO_ENDPOINT,
    Credential,
    CredentialKind,
    DecryptedCredentials,
    ProviderEndpoint,
    last_four,
)
from persistence import tables
from persistence.vault import Vault, encrypt, encrypt_endpoint

_credential = tables.credential
_data_key = tables.data_key


class SqlCredentials:
    def __init__(self, connection: AsyncConnection, tenant: TenantId, vault: Vault) -> None:
        self._db = connection
        self._tenant = tenant
        self._vault = vault

    async def all(self, kind: CredentialKind) -> Sequence[Credential]:
        c = _credential.c
        query = (
            select(_credential).where(c.tenant_id == self._tenant, c.kind == kind).order_by(c.name)
        )
        return [_credential_from_row(row) for row in await self._db.execute(query)]

    async def set(
        self,
        kind: CredentialKind,
        name: str,
        value: str,
        by: str,
        hosts: tuple[str, ...] | None | EllipsisType = ...,
        endpoint: ProviderEndpoint = NO_ENDPOINT,
    ) -> Credential:
        key = await tenant_data_key(self._db, self._vault, self._tenant)
        # The encrypted value is bound to the id of its row, so the id is needed first.
        row = await self._lock_row_id(kind, name)
        identity = {"tenant_id": self._tenant, "id": row, "kind": kind.value, "name": name}
        values: dict[str, Any] = {
            **identity,
            "last_four": last_four(value),
            "sealed": encrypt(key, identity, value),
            "updated_by": by,
            "base_url": endpoint.base_url,
            "region": endpoint.region,
            "header_names": sorted(endpoint.headers),
            "sealed_endpoint": (
                None if endpoint == NO_ENDPOINT else encrypt_endpoint(key, identity, endpoint)
            ),
        }
        if hosts is not ...:
            values["hosts"] = None if hosts is None else list(hosts)
        statement: Any = insert(_credential).values(**values)
        changed = {name: value for name, value in values.items() if name not in identity}
        statement = statement.on_conflict_do_update(
            index_elements=["id"], set_={**changed, "updated_at": func.now()}
        ).returning(_credential)
        return _credential_from_row((await self._db.execute(statement)).one())

    async def delete(self, kind: CredentialKind, name: str) -> Credential | None:
        row = (
            await self._db.execute(self._returning_by_name(delete(_credential), kind, name))
        ).one_or_none()
        return None if row is None else _credential_from_row(row)

    async def decrypt_all(self) -> DecryptedCredentials:
        c, k = _credential.c, _data_key.c
        query = (
            select(_credential, k.key_id, k.wrapped)
            .join_from(_credential, _data_key, c.tenant_id == k.tenant_id)
            .where(c.tenant_id == self._tenant)
        )
        return self._vault.decrypt_credentials((await self._db.execute(query)).mappings().all())

    async def _lock_row_id(self, kind: CredentialKind, name: str) -> UUID:
        c = _credential.c
        query = select(c.id).where(c.tenant_id == self._tenant, c.kind == kind, c.name == name)
        return await self._db.scalar(query.with_for_update()) or uuid4()

    def _returning_by_name(self, statement: Any, kind: CredentialKind, name: str) -> Any:
        c = _credential.c
        return statement.where(
            c.tenant_id == self._tenant, c.kind == kind, c.name == name
        ).returning(_credential)


async def tenant_data_key(connection: AsyncConnection, vault: Vault, tenant: TenantId) -> AESGCM:
    """The tenant's data key, which is created at the first use."""
    key_id, wrapped = vault.new_data_key(tenant)
    values = {"tenant_id": tenant, "key_id": key_id, "wrapped": wrapped}
    await connection.execute(insert(_data_key).values(**values).on_conflict_do_nothing())
    query = select(_data_key).where(_data_key.c.tenant_id == tenant)
    row = (await connection.execute(query.with_for_update())).one()
    return vault.unwrap_data_key(tenant, row.key_id, row.wrapped)


def _credential_from_row(row: Any) -> Credential:
    return Credential(
        kind=CredentialKind(row.kind),
        name=row.name,
        last_four=row.last_four,
        hosts=None if row.hosts is None else tuple(row.hosts),
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        base_url=row.base_url,
        region=row.region,
        header_names=tuple(row.header_names or ()),
    )
