"""Credentials under envelope encryption.

Each tenant has a data key that seals its values with AES-256-GCM (NIST SP 800-38D), under a fresh
nonce each, bound to tenant and row as associated data. Data keys are kept wrapped by keys derived
from SECRET_KEY; when that changes only they are wrapped anew."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.credentials import CredentialKind, Opened
from domain.errors import VaultLocked
from persistence.keys import KeyRing

NONCE = 12
DATA_KEY_BYTES = 32
AT_ONCE = 100
STALE = """
    select tenant_id, key_id, wrapped from data_key where key_id <> $1
     order by tenant_id limit $2 for update skip locked
"""
REWRAPPED = "update data_key set key_id = $2, wrapped = $3 where tenant_id = $1"


class Vault:
    """Wraps and unwraps data keys, by the ring of SECRET_KEY."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.wrapping
        self.newest = next(iter(ring.wrapping))

    def new_key(self, tenant: UUID) -> tuple[str, bytes]:
        return self.newest, self._wrapped(tenant, os.urandom(DATA_KEY_BYTES))

    def rewrapped(self, tenant: UUID, key_id: str, wrapped: bytes) -> bytes:
        return self._wrapped(tenant, self._unwrapped(tenant, key_id, wrapped))

    def data_key(self, tenant: UUID, key_id: str, wrapped: bytes) -> AESGCM:
        return AESGCM(self._unwrapped(tenant, key_id, wrapped))

    def opened(self, rows: Sequence[Any]) -> Opened:
        """The values of one tenant, each row with its data key; `VaultLocked` when a key is missing
        or a row was moved."""
        if not rows:
            return Opened()
        held = rows[0]
        data_key = self.data_key(held["tenant_id"], held["key_id"], held["wrapped"])
        found: dict[str, dict[str, str]] = {kind.value: {} for kind in CredentialKind}
        for row in rows:
            found[row["kind"]][row["name"]] = unsealed(data_key, row)
        return Opened(
            providers=found[CredentialKind.PROVIDER], secrets=found[CredentialKind.SECRET]
        )

    def _wrapped(self, tenant: UUID, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._keys[self.newest].encrypt(nonce, data_key, _of_tenant(tenant))

    def _unwrapped(self, tenant: UUID, key_id: str, wrapped: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise VaultLocked(
                f"The credentials are sealed under another SECRET_KEY ({key_id}): add it again, "
                "behind the one in use, separated by a comma."
            )
        return _decrypted(key, wrapped, _of_tenant(tenant))


def sealed(data_key: AESGCM, row: Mapping[str, Any], value: str) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + data_key.encrypt(nonce, value.encode(), _of_row(row))


def unsealed(data_key: AESGCM, row: Mapping[str, Any]) -> str:
    return _decrypted(data_key, row["sealed"], _of_row(row)).decode()


def _decrypted(key: AESGCM, text: bytes, bound_to: bytes) -> bytes:
    try:
        plain: bytes = key.decrypt(text[:NONCE], text[NONCE:], bound_to)
        return plain
    except InvalidTag:
        raise VaultLocked(
            "A credential does not belong where it stands, or was damaged. Set it again."
        ) from None


def _of_tenant(tenant: UUID) -> bytes:
    return b"agent-studio/data-key/" + tenant.bytes


def _of_row(row: Mapping[str, Any]) -> bytes:
    where = f"/{row['kind']}/{row['name']}".encode()
    tenant: UUID = row["tenant_id"]
    id: UUID = row["id"]
    return b"agent-studio/credential/" + tenant.bytes + id.bytes + where


async def rewrap(pool: asyncpg.Pool[Any], vault: Vault) -> int:
    """Wrap every data key by the newest SECRET_KEY, a few at a time; how many were not yet.

    Readers are not kept waiting; several may do it at once. One that cannot be unwrapped is
    left as it is."""
    done, skipped = 0, 0
    while True:
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            rows = await connection.fetch(STALE, vault.newest, AT_ONCE + skipped)
            fresh = rows[skipped:]
            for row in fresh:
                try:
                    wrapped = vault.rewrapped(row["tenant_id"], row["key_id"], row["wrapped"])
                except VaultLocked:
                    skipped += 1
                    continue
                await connection.execute(REWRAPPED, row["tenant_id"], vault.newest, wrapped)
                done += 1
        if len(rows) < AT_ONCE:
            return done
