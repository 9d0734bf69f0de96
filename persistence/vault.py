"""Envelope encryption of credentials.

Each tenant has a data key that encrypts its values with AES-256-GCM (NIST SP 800-38D), each with a
fresh nonce and with the tenant and the row as associated data. Data keys are stored wrapped by keys
derived from SECRET_KEY; when SECRET_KEY changes, only the data keys are wrapped again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.common.errors import DecryptionKeyMissing
from domain.tenants.credentials import CredentialKind, DecryptedCredentials, ProviderEndpoint
from domain.tools.secrets import Secret
from persistence import encryption
from persistence.key_ring import KeyRing

ENDPOINT_DOMAIN = b"endpoint/"
"""Distinguishes the endpoint of a row from its value, so that one cannot take the place of the
other."""
DATA_KEY_BYTES = 32
CREDENTIAL_DAMAGED = "A credential was moved to another row or damaged; set it again."
MAIL_DAMAGED = "A message was moved to another row or damaged."
REWRAP_BATCH_SIZE = 100
SELECT_STALE_DATA_KEYS = """
    select tenant_id, key_id, wrapped from data_key where key_id <> $1
     order by tenant_id limit $2 for update skip locked
"""
UPDATE_DATA_KEY = "update data_key set key_id = $2, wrapped = $3 where tenant_id = $1"


class Vault:
    """Wraps and unwraps data keys with the keys derived from SECRET_KEY."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._keys = ring.wrapping_keys
        self.newest_key_id = next(iter(ring.wrapping_keys))

    def new_data_key(self, tenant: UUID) -> tuple[str, bytes]:
        return self.newest_key_id, self._wrap(tenant, os.urandom(DATA_KEY_BYTES))

    def rewrap_data_key(self, tenant: UUID, key_id: str, wrapped: bytes) -> bytes:
        return self._wrap(tenant, self._unwrap(tenant, key_id, wrapped))

    def unwrap_data_key(self, tenant: UUID, key_id: str, wrapped: bytes) -> AESGCM:
        return AESGCM(self._unwrap(tenant, key_id, wrapped))

    def decrypt_credentials(self, rows: Sequence[Any]) -> DecryptedCredentials:
        """Decrypt the values of one tenant; each row contains the wrapped data key. Raises
        `DecryptionKeyMissing` if a key is missing or a row was moved."""
        providers, secrets = dict[str, str](), dict[str, Secret]()
        for row, value in zip(rows, self.decrypt_values(rows), strict=True):
            if row["kind"] == CredentialKind.PROVIDER:
                providers[row["name"]] = value
            else:
                hosts = None if row["hosts"] is None else tuple(row["hosts"])
                secrets[row["name"]] = Secret(value, hosts)
        return DecryptedCredentials(
            providers=providers, secrets=secrets, endpoints=self._decrypt_endpoints(rows)
        )

    def _decrypt_endpoints(self, rows: Sequence[Any]) -> dict[str, ProviderEndpoint]:
        own = [row for row in rows if row["sealed_endpoint"] is not None]
        if not own:
            return {}
        first = own[0]
        data_key = self.unwrap_data_key(first["tenant_id"], first["key_id"], first["wrapped"])
        return {row["name"]: decrypt_endpoint(data_key, row) for row in own}

    def decrypt_values(self, rows: Sequence[Any]) -> list[str]:
        """The values of rows of one tenant, each with the wrapped data key. Raises
        `DecryptionKeyMissing` if a key is missing or a row was moved."""
        if not rows:
            return []
        first = rows[0]
        data_key = self.unwrap_data_key(first["tenant_id"], first["key_id"], first["wrapped"])
        return [decrypt(data_key, row) for row in rows]

    def encrypt_mail(self, id: UUID, text: str) -> tuple[str, bytes]:
        """The id of the key, and the encrypted text of a message."""
        key_id, key = encryption.newest(self._keys)
        return key_id, encryption.encrypt(key, text.encode(), _mail_associated_data(id))

    def decrypt_mail(self, id: UUID, key_id: str, encrypted: bytes) -> str:
        """Raises `DecryptionKeyMissing` if the key is missing or the row was changed."""
        key = self._keys.get(key_id)
        if key is None:
            raise DecryptionKeyMissing(f"The message is encrypted under another key ({key_id}).")
        return _decrypt(key, encrypted, _mail_associated_data(id), MAIL_DAMAGED).decode()

    def _wrap(self, tenant: UUID, data_key: bytes) -> bytes:
        _, key = encryption.newest(self._keys)
        return encryption.encrypt(key, data_key, _tenant_associated_data(tenant))

    def _unwrap(self, tenant: UUID, key_id: str, wrapped: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise DecryptionKeyMissing(
                f"The credentials are encrypted under another SECRET_KEY ({key_id}): add it again "
                "after the one in use, separated by a comma."
            )
        return _decrypt(key, wrapped, _tenant_associated_data(tenant))


def encrypt(data_key: AESGCM, row: Mapping[str, Any], value: str) -> bytes:
    return encryption.encrypt(data_key, value.encode(), _row_associated_data(row))


def decrypt(data_key: AESGCM, row: Mapping[str, Any]) -> str:
    return _decrypt(data_key, row["sealed"], _row_associated_data(row)).decode()


def encrypt_endpoint(data_key: AESGCM, row: Mapping[str, Any], endpoint: ProviderEndpoint) -> bytes:
    """The whole endpoint is encrypted and bound to its row: otherwise a change of the URL in the
    database would send the key to another server."""
    plain = orjson.dumps(
        {
            "base_url": endpoint.base_url,
            "region": endpoint.region,
            "headers": dict(endpoint.headers),
        }
    )
    return encryption.encrypt(data_key, plain, ENDPOINT_DOMAIN + _row_associated_data(row))


def decrypt_endpoint(data_key: AESGCM, row: Mapping[str, Any]) -> ProviderEndpoint:
    associated_data = ENDPOINT_DOMAIN + _row_associated_data(row)
    return ProviderEndpoint(
        **orjson.loads(_decrypt(data_key, row["sealed_endpoint"], associated_data))
    )


def _decrypt(
    key: AESGCM, text: bytes, associated_data: bytes, problem: str = CREDENTIAL_DAMAGED
) -> bytes:
    try:
        return encryption.decrypt(key, text, associated_data)
    except InvalidTag:
        raise DecryptionKeyMissing(problem) from None


def _tenant_associated_data(tenant: UUID) -> bytes:
    return b"agent-studio/data-key/" + tenant.bytes


def _mail_associated_data(id: UUID) -> bytes:
    return b"agent-studio/mail/" + id.bytes


def _row_associated_data(row: Mapping[str, Any]) -> bytes:
    where = f"/{row['kind']}/{row['name']}".encode()
    tenant: UUID = row["tenant_id"]
    id: UUID = row["id"]
    return b"agent-studio/credential/" + tenant.bytes + id.bytes + where


async def rewrap(pool: asyncpg.Pool[Any], vault: Vault) -> int:
    """Wrap all data keys with the newest entry of SECRET_KEY; return how many were changed.

    This runs in batches, does not block readers and may run in several processes at once. A data
    key that cannot be unwrapped is left unchanged."""
    done, skipped = 0, 0
    while True:
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            rows = await connection.fetch(
                SELECT_STALE_DATA_KEYS, vault.newest_key_id, REWRAP_BATCH_SIZE + skipped
            )
            remaining = rows[skipped:]
            for row in remaining:
                try:
                    wrapped = vault.rewrap_data_key(row["tenant_id"], row["key_id"], row["wrapped"])
                except DecryptionKeyMissing:
                    skipped += 1
                    continue
                await connection.execute(
                    UPDATE_DATA_KEY, row["tenant_id"], vault.newest_key_id, wrapped
                )
                done += 1
        if len(rows) < REWRAP_BATCH_SIZE:
            return done
