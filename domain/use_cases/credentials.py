"""What people do with the keys and secrets of their tenant. Values go in and never come out."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, RateLimited
from domain.ports import Services
from domain.tenants.credentials import (
    MAX_SECRETS,
    Credential,
    CredentialKind,
    KeyTestResult,
    check_key,
    check_provider,
    check_secret,
)

TESTS_PER_MINUTE = 20
PROVIDER, SECRET = CredentialKind.PROVIDER, CredentialKind.SECRET


async def list_credentials(
    services: Services, viewer: Viewer, kind: CredentialKind
) -> Sequence[Credential]:
    viewer.require(Scope.CREDENTIALS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.all(kind)


async def set_credential(services: Services, viewer: Viewer, provider: str, key: str) -> Credential:
    """The next call of the tenant uses it."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    check_provider(provider, ("input", "provider"))
    check_key(key, ("input", "key"))
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.set(PROVIDER, provider, key, viewer.subject)


async def set_secret(services: Services, viewer: Viewer, name: str, value: str) -> Credential:
    """Headers of tools read it at `secret.name`."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    check_secret(name, value, ("input",))
    async with services.store.transaction(viewer.tenant_id) as work:
        held = await work.credentials.all(SECRET)
        if len(held) >= MAX_SECRETS and name not in {each.name for each in held}:
            raise InvalidInput(f"A tenant may have {MAX_SECRETS} secrets.", ("input", "name"))
        return await work.credentials.set(SECRET, name, value, viewer.subject)


async def delete_credential(services: Services, viewer: Viewer, provider: str) -> Credential:
    return await _delete(services, viewer, PROVIDER, provider, "provider")


async def delete_secret(services: Services, viewer: Viewer, name: str) -> Credential:
    return await _delete(services, viewer, SECRET, name, "name")


async def test_credential(
    services: Services, viewer: Viewer, provider: str, key: str | None
) -> KeyTestResult:
    """Ask the provider about a key, or the one that is kept."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    tried = await services.limiter.spend(f"keytest:{viewer.tenant_id}", 1, TESTS_PER_MINUTE)
    if not tried.allowed:
        raise RateLimited(
            f"Too many tests; try again in {tried.retry_after:.0f} seconds.",
            ("input",),
            retry_after=tried.retry_after,
        )
    check_provider(provider, ("input", "provider"))
    if key is None:
        async with services.store.transaction(viewer.tenant_id) as work:
            key = (await work.credentials.decrypt_all()).providers.get(provider)
        if key is None:
            raise NotFound(f"There is no key for {provider}.", ("input", "provider"))
    else:
        check_key(key, ("input", "key"))
    return await services.key_prober.test_key(provider, key)


async def _delete(
    services: Services, viewer: Viewer, kind: CredentialKind, name: str, field: str
) -> Credential:
    viewer.require(Scope.CREDENTIALS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        gone = await work.credentials.delete(kind, name)
    if gone is None:
        raise NotFound(f"There is no {name[:64]!r}.", ("input", field))
    return gone
