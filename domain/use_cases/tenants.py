"""Managing the tenants of the installation, for its operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.common.access import Scope, TenantId, Viewer
from domain.common.errors import InvalidInput, NotFound, Path, Problem
from domain.common.lists import Count, ListPage, Window
from domain.common.problems import problems_of, raise_all, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import Services
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
    services: Services, viewer: Viewer, window: Window, filter: TenantFilter
) -> ListPage[ManagedTenant]:
    viewer.require(Scope.INSTALLATION_MANAGE)
    check_text(filter.search, ("filter", "search"), max_length=MAX_SEARCH_LENGTH)
    return await services.tenants.page(viewer.subject, window, filter)


async def count_tenants(services: Services, viewer: Viewer, filter: TenantFilter) -> Count:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return Count(await services.tenants.count(viewer.subject, filter))


async def list_deleted_tenants(
    services: Services, viewer: Viewer, window: Window
) -> ListPage[DeletedTenant]:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return await services.tenants.deleted_page(viewer.subject, window)


async def count_deleted_tenants(services: Services, viewer: Viewer) -> Count:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return Count(await services.tenants.count_deleted(viewer.subject))


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
    raise_per_value(problems_of(check_reason, reason), problems_of(_check_other, viewer, id))
    return _existing(await services.tenants.suspend(viewer.subject, id, reason))


async def resume_tenant(services: Services, viewer: Viewer, id: TenantId) -> ManagedTenant:
    viewer.require(Scope.INSTALLATION_MANAGE)
    return _existing(await services.tenants.resume(viewer.subject, id))


async def delete_tenant(
    services: Services, viewer: Viewer, id: TenantId, confirm_slug: str, grace_days: int | None
) -> ManagedTenant:
    """Suspend the tenant now, and delete it with all its data after the days of grace."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    days = services.grace_days if grace_days is None else grace_days
    found = await services.tenants.page(viewer.subject, Window(1), TenantFilter(id=id))
    tenant = found.items[0] if found.items else None
    raise_per_value(
        problems_of(check_grace_days, days, MIN_GRACE_DAYS),
        problems_of(_check_other, viewer, id),
        problems_of(_check_confirmation, tenant, confirm_slug),
    )
    return _existing(await services.tenants.delete(viewer.subject, id, days))


async def restore_tenant(services: Services, viewer: Viewer, id: TenantId) -> ManagedTenant:
    """Cancel the deletion of a tenant, as long as it has not begun."""
    viewer.require(Scope.INSTALLATION_MANAGE)
    return _existing(await services.tenants.restore(viewer.subject, id))


def _existing(tenant: ManagedTenant | None, path: Path = ("id",)) -> ManagedTenant:
    if tenant is None:
        raise NotFound("There is no such tenant, or its deletion has begun.", path)
    return tenant


def _check_confirmation(tenant: ManagedTenant | None, slug: str) -> None:
    if _existing(tenant).slug != slug:
        raise InvalidInput(
            "confirmSlug must repeat the slug of the tenant that is to be deleted.",
            ("confirmSlug",),
        )


def _check_other(viewer: Viewer, id: TenantId) -> None:
    """An operator who suspended their own tenant could not undo it."""
    if viewer.tenant_id == id:
        raise InvalidInput(
            "This is your own tenant; use the command line of the installation for it.", ("id",)
        )
