"""The encrypted passwords of trunks: what each of them is bound to, and how it is decrypted."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.common.access import TenantId
from persistence.vault import Vault

PASSWORD = "password"


class TrunkTable(StrEnum):
    """The tables of trunks. The name is part of what a password is bound to."""

    OUTBOUND = "outbound_trunk"
    INBOUND = "inbound_trunk"


SELECT_ENCRYPTED_PASSWORDS = " union all ".join(
    f"select tenant_id, id, '{table}', '{PASSWORD}', sealed from {table} where sealed is not null"
    for table in TrunkTable
)


def password_identity(tenant: TenantId, table: TrunkTable, trunk: UUID) -> dict[str, Any]:
    """What an encrypted password is bound to: in another row it cannot be decrypted."""
    return {"tenant_id": tenant, "id": trunk, "kind": table.value, "name": PASSWORD}


def decrypt_password(vault: Vault, table: TrunkTable, trunk: UUID, row: Any) -> str | None:
    """Decrypt the password in a row with `tenant_id`, `sealed`, `key_id` and `wrapped`; None if there
    is none. Raises `DecryptionKeyMissing`."""
    if row["sealed"] is None:
        return None
    identity = password_identity(TenantId(row["tenant_id"]), table, trunk)
    sealed = {**identity, **{name: row[name] for name in ("sealed", "key_id", "wrapped")}}
    return vault.decrypt_values([sealed])[0]
