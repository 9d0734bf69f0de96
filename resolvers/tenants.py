"""The tenants of the installation, and the proofs of their deletion."""

from __future__ import annotations

from domain.common.access import TenantId
from domain.tenants.lifecycle import DeletedTenant, ManagedTenant, TenantFilter
from domain.use_cases import tenants as use_cases
from resolvers.context import Ctx
from resolvers.global_ids import require_id
from resolvers.pagination import CountedPage, PageArguments, counted_page, parse_time


def tenant_id(id: str) -> TenantId:
    return TenantId(require_id("ManagedTenant", id))


async def tenants(
    info: Ctx, filter: TenantFilter, page: PageArguments
) -> CountedPage[ManagedTenant]:
    window = page.window("tenants", parse_time)
    listed = await info.context.run(use_cases.list_tenants, window, filter)
    return counted_page(
        "tenants", listed, lambda: info.context.run(use_cases.count_tenants, filter)
    )


async def deleted_tenants(info: Ctx, page: PageArguments) -> CountedPage[DeletedTenant]:
    window = page.window("deletedTenants", parse_time)
    listed = await info.context.run(use_cases.list_deleted_tenants, window)
    return counted_page(
        "deletedTenants", listed, lambda: info.context.run(use_cases.count_deleted_tenants)
    )
