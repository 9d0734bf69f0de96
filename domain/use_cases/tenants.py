"""Managing the tenants of the installation, for its operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.common.access import Scope, TenantId, Viewer
from domain.common.errors import InvalidInput, NotFound, Path, Problem
from domain.common.problems import raise_all, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import PageKey, PageSlice, Services
from domain.tenants.lifecycle import (
    MAX_SEARCH_LENGTH,
    DeletedTenant,
    ManagedTenant,
    TenantChanges,
    TenantFilter,
    check_grace_days,
    check_reason,
    tenant_problems,
)

MIN_GRACE_DAYS = 1
"""A client of the API cannot delete a tenant at once; the command line of the installation can."""


async def list_tenants(
    services: Services, viewer: Viewer, filter: TenantFilter, first: int, after: PageKey | None
) -> PageSlice[ManagedTenant]:
    viewer.require(Scope.INSTALLATION_MANAGE)
    check_text(filter.search, ("search",), max_length=MAX_SEARCH_LENGTH)
    return await services.tenants.page(viewer.subject, filter, first, after)


async def list_deleted_tenants(
    services: Services, viewer: Viewer, first: int, after: PageKey | None
) -> PageSlice[DeletedTenant]:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return await services.tenants.deleted(viewer.subject, first, after)


async def create_tenant(
    services: Services, viewer: Viewer, slug: str, name: str, quotas: Mapping[str, int | None]
) -> tuple[ManagedTenant, str]:
    """Create a tenant. Returns it with an API key of an owner, which is shown once."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    raise_all(tenant_problems(TenantChanges(slug=slug, name=name, quotas=quotas)))
    own = {quota: value for quota, value in quotas.items() if value is not None}
    return await services.tenants.create(viewer.subject, slug, name, own)


async def update_tenant(
    services: Services,
    viewer: Viewer,
    id: TenantId,
    changes: TenantChanges,
    found: Sequence[Problem] = (),
) -> ManagedTenant:
    viewer.require(Scope.INSTALLATION_MANAGE)
    raise_per_value((*found, *tenant_problems(changes)))
    return _existing(await services.tenants.update(viewer.subject, id, changes))


async def suspend_tenant(
    services: Services, viewer: Viewer, id: TenantId, reason: str
) -> ManagedTenant:
    """End the calls and connections of the tenant and refuse its credentials until it is resumed."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    check_reason(reason)
    _check_other(viewer, id)
    return _existing(await services.tenants.suspend(viewer.subject, id, reason))


async def resume_tenant(services: Services, viewer: Viewer, id: TenantId) -> ManagedTenant:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return _existing(await services.tenants.suspend(viewer.subject, id, None))


async def delete_tenant(
    services: Services, viewer: Viewer, id: TenantId, confirm_slug: str, grace_days: int | None
) -> ManagedTenant:
    """Suspend the tenant now, and delete it with all its data after the days of grace."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    days = services.grace_days if grace_days is None else grace_days
    check_grace_days(days, MIN_GRACE_DAYS)
    _check_other(viewer, id)
    found = await services.tenants.page(viewer.subject, TenantFilter(id=id), 1, None)
    tenant = _existing(found.items[0] if found.items else None)
    if tenant.slug != confirm_slug:
        raise InvalidInput(
            "confirmSlug must repeat the slug of the tenant that is to be deleted.",
            ("confirmSlug",),
        )
    return _existing(await services.tenants.delete(viewer.subject, id, days))


async def restore_tenant(services: Services, viewer: Viewer, id: TenantId) -> ManagedTenant:
    """Cancel the deletion of a tenant, as long as it has not begun."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    return _existing(await services.tenants.delete(viewer.subject, id, None))


def _existing(tenant: ManagedTenant | None, path: Path = ("id",)) -> ManagedTenant:
    if tenant is None:
        raise NotFound("There is no such tenant, or its deletion has begun.", path)
    return tenant


def _check_other(viewer: Viewer, id: TenantId) -> None:
    """An operator who suspended their own tenant could not undo it."""
    if viewer.tenant_id == id:
        raise InvalidInput(
            "This is your own tenant; use the command line of the installation for it.", ("id",)
        )
