"""The tenants of the installation, and the proofs of their deletion."""

from __future__ import annotations

from domain.common.access import TenantId
from domain.ports import PageKey
from domain.tenants.lifecycle import DeletedTenant, ManagedTenant, TenantFilter
from domain.use_cases import tenants as use_cases
from resolvers.context import Ctx
from resolvers.global_ids import require_id
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page


def tenant_id(id: str) -> TenantId:
    return TenantId(require_id("ManagedTenant", id))


async def tenants(
    info: Ctx, filter: TenantFilter, first: int | None, after: str | None
) -> Page[ManagedTenant]:
    position = decode_cursor("tenants", after)
    page = await info.context.run(use_cases.list_tenants, filter, clamp_page_size(first), position)
    return keyset_page("tenants", page, lambda tenant: PageKey(tenant.created_at, tenant.id))


async def deleted_tenants(info: Ctx, first: int | None, after: str | None) -> Page[DeletedTenant]:
    position = decode_cursor("deleted_tenants", after)
    page = await info.context.run(use_cases.list_deleted_tenants, clamp_page_size(first), position)
    return keyset_page(
        "deleted_tenants", page, lambda tenant: PageKey(tenant.deleted_at, tenant.id)
    )
