"""The identity providers of a tenant, whose client secrets are stored encrypted, and their look-up by
those who are not signed in yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import TenantId
from domain.sign_in.identity_providers import (
    IdentityProvider,
    IdentityProviderId,
    IdentityProviderSpec,
    ProviderClient,
    SignInOption,
)
from persistence import tables
from persistence.credentials import tenant_data_key
from persistence.db_errors import translate_outages
from persistence.drafts import SqlDrafts, common_fields
from persistence.notifications import Notification, access_changed
from persistence.vault import Vault, encrypt

IDENTITY_PROVIDER_SPEC = TypeAdapter(IdentityProviderSpec)
FIND_PROVIDER = text("select * from find_identity_provider(:id)")
LIST_OPTIONS = text("select * from sign_in_options(:slug)")

KIND, NAME = "identity_provider", "client_secret"
SELECT_ENCRYPTED_CLIENT_SECRETS = f"select tenant_id, id, '{KIND}', '{NAME}', sealed from identity_provider where sealed is not null"

_provider = tables.identity_provider
_member = tables.membership
_session = tables.session
_federated = tables.federated_session


class SqlIdentityProviders(SqlDrafts[IdentityProvider, IdentityProviderSpec]):
    def __init__(
        self,
        connection: AsyncConnection,
        tenant: TenantId,
        vault: Vault,
        notifications: list[Notification],
    ) -> None:
        super().__init__(
            connection,
            tenant,
            table=_provider,
            spec_adapter=IDENTITY_PROVIDER_SPEC,
            entity=_identity_provider,
            noun="identity provider",
        )
        self._vault = vault
        self._notifications = notifications

    async def set_client_secret(self, id: UUID, secret: str | None) -> IdentityProvider:
        c = self._table.c
        change = (
            update(self._table)
            .where(c.tenant_id == self._tenant, c.id == id)
            .values(sealed=None if secret is None else await self._encrypted(id, secret))
            .returning(*self._selected_columns)
        )
        return self._to_entity((await self._db.execute(change)).one())

    async def move_managed_roles(self, old: str, new: str | None) -> None:
        if old != new:
            m = _member.c
            managed = (m.tenant_id == self._tenant) & (m.managed_by == old)
            await self._db.execute(update(_member).where(managed).values(managed_by=new))

    async def delete(self, id: UUID) -> None:
        """Delete the provider and end the sessions that it vouched for."""
        f = _federated.c
        begun = select(f.session_id).where(f.tenant_id == self._tenant, f.provider_id == id)
        ended = delete(_session).where(_session.c.tenant_id == self._tenant)
        await self._db.execute(ended.where(_session.c.id.in_(begun)))
        await super().delete(id)
        self._notifications.append(access_changed())

    async def _encrypted(self, id: UUID, secret: str) -> bytes:
        key = await tenant_data_key(self._db, self._vault, self._tenant)
        return encrypt(key, _secret_identity(self._tenant, id), secret)


class SqlProviderDirectory:
    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._vault = vault

    @translate_outages
    async def get(self, id: IdentityProviderId) -> ProviderClient | None:
        async with self._lookups.connect() as db:
            row = (await db.execute(FIND_PROVIDER, {"id": id})).mappings().one_or_none()
        if row is None:
            return None
        return ProviderClient(
            id=IdentityProviderId(row["id"]),
            tenant_id=TenantId(row["tenant_id"]),
            spec=IDENTITY_PROVIDER_SPEC.validate_json(row["spec"]),
            client_secret=self._decrypted(row),
        )

    @translate_outages
    async def options(self, tenant_slug: str) -> Sequence[SignInOption]:
        async with self._lookups.connect() as db:
            rows = (await db.execute(LIST_OPTIONS, {"slug": tenant_slug})).all()
        return [SignInOption(id=IdentityProviderId(row.id), label=row.label) for row in rows]

    def _decrypted(self, row: Any) -> str | None:
        if row["sealed"] is None:
            return None
        identity = _secret_identity(TenantId(row["tenant_id"]), row["id"])
        encrypted = {name: row[name] for name in ("sealed", "key_id", "wrapped")}
        return self._vault.decrypt_values([{**identity, **encrypted}])[0]


def _secret_identity(tenant: TenantId, provider: UUID) -> dict[str, Any]:
    """What an encrypted client secret is bound to: in another row it cannot be decrypted."""
    return {"tenant_id": tenant, "id": provider, "kind": KIND, "name": NAME}


def _identity_provider(row: Row[Any], spec: IdentityProviderSpec) -> IdentityProvider:
    return IdentityProvider(
        **common_fields(row),
        id=IdentityProviderId(row.id),
        spec=spec,
        has_client_secret=row.sealed is not None,
    )
