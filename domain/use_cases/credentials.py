"""Setting, testing and deleting the provider keys and secrets of a tenant. Values can be written
but never read back."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType

from domain.audit.model import AuditKind, AuditNote
from domain.common.access import Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, RateLimited
from domain.common.problems import problems_of, raise_per_value
from domain.ports import Services
from domain.tenants.credentials import (
    MAX_SECRETS,
    Credential,
    CredentialKind,
    KeyTestResult,
    check_key,
    check_provider,
    secret_problems,
)
from domain.tools.secrets import check_hosts

TESTS_PER_MINUTE = 20
PROVIDER, SECRET = CredentialKind.PROVIDER, CredentialKind.SECRET


async def list_credentials(
    services: Services, viewer: Viewer, kind: CredentialKind
) -> Sequence[Credential]:
    viewer.require(Scope.CREDENTIALS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.all(kind)


async def set_credential(services: Services, viewer: Viewer, provider: str, key: str) -> Credential:
    """Store the tenant's key for a provider; calls that start from now on use it."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    raise_per_value(
        problems_of(check_provider, provider, ("provider",)), problems_of(check_key, key, ("key",))
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.set(PROVIDER, provider, key, viewer.subject)


async def set_secret(
    services: Services,
    viewer: Viewer,
    name: str,
    value: str,
    hosts: tuple[str, ...] | None | EllipsisType = ...,
) -> Credential:
    """Store a secret, which the headers of tools read at `secret.name`. It may be sent to `hosts`; None
    is any host, and `...` leaves the hosts as they are."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    raise_per_value(
        secret_problems(name, value),
        problems_of(check_hosts, hosts, ("hosts",)) if isinstance(hosts, tuple) else (),
    )
    if isinstance(hosts, tuple):
        hosts = check_hosts(hosts, ("hosts",))
    async with services.store.transaction(viewer.tenant_id) as work:
        secrets = await work.credentials.all(SECRET)
        if len(secrets) >= MAX_SECRETS and name not in {secret.name for secret in secrets}:
            raise InvalidInput(f"A tenant may have at most {MAX_SECRETS} secrets.", ("name",))
        return await work.credentials.set(SECRET, name, value, viewer.subject, hosts)


async def delete_credential(services: Services, viewer: Viewer, provider: str) -> Credential:
    return await _delete(services, viewer, PROVIDER, provider, "provider")


async def delete_secret(services: Services, viewer: Viewer, name: str) -> Credential:
    return await _delete(services, viewer, SECRET, name, "name")


async def test_credential(
    services: Services, viewer: Viewer, provider: str, key: str | None
) -> KeyTestResult:
    """Test a key with its provider; without `key`, test the stored one."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    result = await services.limiter.spend(f"keytest:{viewer.tenant_id}", 1, TESTS_PER_MINUTE)
    if not result.allowed:
        raise RateLimited(
            f"Too many key tests; try again in {result.retry_after:.0f} seconds.",
            (),
            retry_after=result.retry_after,
        )
    raise_per_value(
        problems_of(check_provider, provider, ("provider",)),
        problems_of(check_key, key, ("key",)) if key is not None else (),
    )
    note = AuditNote(kind=AuditKind.TESTED, target_kind="credential", target_name=provider)
    services.audit_notes.put(viewer.tenant_id, note)
    if key is None:
        async with services.store.transaction(viewer.tenant_id) as work:
            key = (await work.credentials.decrypt_all()).providers.get(provider)
        if key is None:
            raise NotFound(f"There is no key for {provider}.", ("provider",))
    return await services.key_prober.test_key(provider, key)


async def _delete(
    services: Services, viewer: Viewer, kind: CredentialKind, name: str, field: str
) -> Credential:
    viewer.require(Scope.CREDENTIALS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        deleted = await work.credentials.delete(kind, name)
    if deleted is None:
        what = "key for" if kind is PROVIDER else "secret"
        raise NotFound(f"There is no {what} {name[:64]!r}.", (field,))
    return deleted
