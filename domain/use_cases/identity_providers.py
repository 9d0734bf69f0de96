"""Setting up the identity providers of a tenant. Client secrets can be written but never read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from domain.common.access import ROLE_SCOPES, Role, Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, Problem
from domain.common.problems import problems_of
from domain.ports import Services, UnitOfWork
from domain.sign_in.identity_providers import (
    MAX_PROVIDERS,
    IdentityProvider,
    IdentityProviderId,
    IdentityProviderSpec,
    ProviderClient,
    check_client_secret,
    check_identity_provider,
)

CLIENT_SECRET = "client_secret"
"""The change that is not one of the spec."""


async def create_identity_provider(
    services: Services, viewer: Viewer, spec: IdentityProviderSpec, client_secret: str | None
) -> IdentityProvider:
    _require_owner(viewer)
    problems = list(problems_of(check_client_secret, client_secret, ("clientSecret",)))
    async with services.store.transaction(viewer.tenant_id) as work:
        await _check_spec(work, spec, problems)
    await _check_metadata(services, viewer, spec)
    async with services.store.transaction(viewer.tenant_id) as work:
        await _keep_roles(work, spec)
        if await work.identity_providers.count() >= MAX_PROVIDERS:
            raise InvalidInput(
                f"A tenant may have at most {MAX_PROVIDERS} identity providers.", ("name",)
            )
        provider = await work.identity_providers.add(spec)
        if client_secret is None:
            return provider
        return await work.identity_providers.set_client_secret(provider.id, client_secret)


async def update_identity_provider(
    services: Services,
    viewer: Viewer,
    id: IdentityProviderId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> IdentityProvider:
    """Change the fields in `changes`, of which `client_secret` is one. The issuer stays: another one has
    other users, and the links of the old ones would be theirs."""
    _require_owner(viewer)
    secret = changes.get(CLIENT_SECRET)
    problems = [*found, *problems_of(check_client_secret, secret, ("clientSecret",))]
    async with services.store.transaction(viewer.tenant_id) as work:
        spec = (await _existing(work, id)).spec
        changed = replace(spec, **{n: v for n, v in changes.items() if n != CLIENT_SECRET})
        await _check_spec(work, changed, problems)
        await _keep_roles(work, changed)
        provider = await work.identity_providers.save(id, changed, expected_revision)
        await work.identity_providers.move_managed_roles(
            spec.name, changed.name if changed.manages_roles else None
        )
        if CLIENT_SECRET not in changes:
            return provider
        return await work.identity_providers.set_client_secret(id, changes[CLIENT_SECRET])


async def delete_identity_provider(
    services: Services, viewer: Viewer, id: IdentityProviderId
) -> IdentityProvider:
    """Delete a provider and end the sessions that it vouched for. Its users remain."""
    viewer.require(Scope.IDENTITY_PROVIDERS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        provider = await _existing(work, id)
        await work.identity_providers.delete(id)
        await work.identity_providers.move_managed_roles(provider.spec.name, None)
        return provider


def _require_owner(viewer: Viewer) -> None:
    """A provider may vouch for any member of the tenant, and so gives all that its owners may do."""
    viewer.require(Scope.IDENTITY_PROVIDERS_WRITE).require_all(ROLE_SCOPES[Role.OWNER])


async def _existing(work: UnitOfWork, id: UUID) -> IdentityProvider:
    provider = await work.identity_providers.get(id)
    if provider is None:
        raise NotFound("There is no such identity provider.", ("id",))
    return provider


async def _check_metadata(services: Services, viewer: Viewer, spec: IdentityProviderSpec) -> None:
    """Read the metadata outside of any transaction, because the provider may be slow."""
    client = ProviderClient(
        id=IdentityProviderId(uuid4()), tenant_id=viewer.tenant_id, spec=spec, client_secret=None
    )
    await services.single_sign_on.client.check_metadata(client)


async def _check_spec(
    work: UnitOfWork, spec: IdentityProviderSpec, found: Sequence[Problem]
) -> None:
    check_identity_provider(spec, {role.spec.name for role in await work.roles.all()}, found)


async def _keep_roles(work: UnitOfWork, spec: IdentityProviderSpec) -> None:
    """Keep the roles that the provider gives from being changed or deleted until the commit."""
    for role, path in spec.given_roles:
        await work.roles.scopes_of(role, path)
