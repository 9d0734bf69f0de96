"""Setting, testing and deleting the provider keys and secrets of a tenant. Values can be written
but never read back."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType

from domain.audit.model import AuditKind, AuditNote
from domain.common.access import Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, Path, Problem
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.ports import Services
from domain.tenants.credentials import (
    MAX_PROVIDER_CREDENTIALS,
    MAX_SECRETS,
    NO_ENDPOINT,
    Credential,
    CredentialKind,
    KeyTestResult,
    ProviderEndpoint,
    check_key,
    check_label,
    check_provider,
    credential_name,
    endpoint_problems,
    secret_problems,
)
from domain.tools.secrets import check_hosts
from domain.use_cases.rate_limits import charge

TESTS_PER_MINUTE = 20
PROVIDER, SECRET = CredentialKind.PROVIDER, CredentialKind.SECRET


async def list_credentials(
    services: Services, viewer: Viewer, kind: CredentialKind
) -> Sequence[Credential]:
    viewer.require(Scope.CREDENTIALS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.credentials.all(kind)


async def set_credential(
    services: Services,
    viewer: Viewer,
    provider: str,
    key: str,
    label: str | None = None,
    endpoint: ProviderEndpoint = NO_ENDPOINT,
    found: Sequence[Problem] = (),
) -> Credential:
    """Store a credential of the tenant for a provider; calls that start from now on use it. `found` are
    the problems of the request that were found while it was read."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    raise_per_value(found, _credential_problems(services, provider, key, label, endpoint))
    name = credential_name(provider, label)
    async with services.store.transaction(viewer.tenant_id) as work:
        stored = {credential.name for credential in await work.credentials.all(PROVIDER)}
        if name not in stored:
            _check_count(
                len(stored), MAX_PROVIDER_CREDENTIALS, "credentials for providers", "label"
            )
        return await work.credentials.set(PROVIDER, name, key, viewer.subject, endpoint=endpoint)


def _credential_problems(
    services: Services,
    provider: str,
    key: str | None,
    label: str | None,
    endpoint: ProviderEndpoint,
) -> Problems:
    yield from problems_of(check_provider, provider, ("provider",))
    if key is not None:
        yield from problems_of(check_key, key, ("key",))
    if label is not None:
        yield from problems_of(check_label, label, ("label",))
    yield from endpoint_problems(provider, endpoint, services.outbound_allowed)


def _check_count(count: int, maximum: int, what: str, field: str) -> None:
    if count >= maximum:
        raise InvalidInput(f"A tenant may have at most {maximum} {what}.", (field,))


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
        if name not in {secret.name for secret in secrets}:
            _check_count(len(secrets), MAX_SECRETS, "secrets", "name")
        return await work.credentials.set(SECRET, name, value, viewer.subject, hosts)


async def delete_credential(
    services: Services, viewer: Viewer, provider: str, label: str | None = None
) -> Credential:
    field = "provider" if label is None else "label"
    return await _delete(services, viewer, PROVIDER, credential_name(provider, label), field)


async def delete_secret(services: Services, viewer: Viewer, name: str) -> Credential:
    return await _delete(services, viewer, SECRET, name, "name")


async def test_credential(
    services: Services,
    viewer: Viewer,
    provider: str,
    key: str | None,
    label: str | None,
    endpoint: ProviderEndpoint,
    found: Sequence[Problem],
) -> KeyTestResult:
    """Test a key with its provider, at the given endpoint; without `key`, test the stored credential
    at its own endpoint."""
    viewer.require(Scope.CREDENTIALS_WRITE)
    await charge(services.limiter, f"keytest:{viewer.tenant_id}", TESTS_PER_MINUTE, "key tests")
    raise_per_value(found, _credential_problems(services, provider, key, label, endpoint))
    services.audit_notes.put(viewer.tenant_id, _test_note(provider, label, endpoint))
    if key is None:
        if endpoint != NO_ENDPOINT:
            # A stored key is only ever sent where it was stored for.
            raise InvalidInput(
                "Set key as well, because a stored key is tested at its own endpoint.", ("key",)
            )
        key, endpoint = await _stored_credential(services, viewer, provider, label)
    return await services.key_prober.test_key(provider, key, endpoint)


def _test_note(provider: str, label: str | None, endpoint: ProviderEndpoint) -> AuditNote:
    return AuditNote(
        kind=AuditKind.TESTED,
        target_kind="credential",
        target_name=credential_name(provider, label),
        details={} if endpoint.base_url is None else {"base_url": endpoint.base_url},
    )


async def _stored_credential(
    services: Services, viewer: Viewer, provider: str, label: str | None
) -> tuple[str, ProviderEndpoint]:
    name = credential_name(provider, label)
    async with services.store.transaction(viewer.tenant_id) as work:
        decrypted = await work.credentials.decrypt_all()
    key = decrypted.providers.get(name)
    if key is None:
        path: Path = ("provider",) if label is None else ("label",)
        raise NotFound(f"There is no key for {name}.", path)
    return key, decrypted.endpoints.get(name, NO_ENDPOINT)


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
