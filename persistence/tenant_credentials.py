"""The credentials of a tenant for the command line, which runs on the machine of the operator."""

from __future__ import annotations

from domain.common.errors import NotFound
from domain.common.settings import Settings
from domain.tenants.credentials import DecryptedCredentials
from persistence.database import DbRole, create_pool
from persistence.key_ring import KeyRing
from persistence.queue import SELECT_ENCRYPTED
from persistence.vault import Vault

SELECT_TENANT = "select id from tenant where slug = $1"


async def read_tenant_credentials(settings: Settings, slug: str) -> DecryptedCredentials:
    """Raises `NotFound` if there is no such tenant, and `DecryptionKeyMissing`."""
    vault = Vault(KeyRing.from_secret_key(settings.secret_key))
    pool = await create_pool(settings.database_url, DbRole.SERVICE, 1)
    try:
        tenant = await pool.fetchval(SELECT_TENANT, slug)
        if tenant is None:
            raise NotFound(f"There is no tenant {slug!r}.")
        return vault.decrypt_credentials(await pool.fetch(SELECT_ENCRYPTED, tenant))
    finally:
        await pool.close()
