"""Queries and mutations for operators of the installation."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.tenants import lifecycle
from domain.use_cases import tenants as use_cases
from graph.schema.arguments import After, Before, First, Input, Last
from graph.schema.error_paths import mutation
from graph.schema.types import tenants as t
from graph.schema.types.inputs import InputReader
from resolvers import tenants
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments


@strawberry.type(description="Operations that read data.")
class InstallationQuery:
    @strawberry.field(
        description="Tenants of the installation, newest first; only for its operators.",
        graphql_type=t.ManagedTenantConnection | None,
    )
    async def tenants(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        filter: Annotated[
            t.TenantFilter | None,
            strawberry.argument(description="Filter; omit to return all tenants."),
        ] = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[lifecycle.ManagedTenant]:
        given = lifecycle.EVERY_TENANT if filter is None else filter.filter()
        return await tenants.tenants(info, given, PageArguments(first, after, last, before))

    @strawberry.field(
        description="Proofs that tenants were deleted, newest first; only for operators.",
        graphql_type=t.DeletedTenantConnection | None,
    )
    async def deleted_tenants(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[lifecycle.DeletedTenant]:
        return await tenants.deleted_tenants(info, PageArguments(first, after, last, before))


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class InstallationMutation:
    @mutation("Create a tenant, and an API key of its owner; only for operators.")
    async def create_tenant(
        self, info: Ctx, input: Input[t.CreateTenantInput]
    ) -> t.CreateTenantResult:
        quotas = input.own_quotas(InputReader())
        tenant, key = await info.context.run(
            use_cases.create_tenant, input.slug, input.name, quotas
        )
        return t.CreateTenantSuccess(tenant=tenant, api_key_value=key)

    @mutation("Rename a tenant or change its quotas; only for operators.")
    async def update_tenant(
        self, info: Ctx, input: Input[t.UpdateTenantInput]
    ) -> t.UpdateTenantResult:
        id, reader = tenants.tenant_id(input.id), InputReader()
        changes = input.changes(reader)
        tenant = await reader.run(info.context, use_cases.update_tenant, id, changes)
        return t.UpdateTenantSuccess(tenant=tenant)

    @mutation(
        "Suspend a tenant: refuse its credentials, and end its connections and calls; only for "
        "operators."
    )
    async def suspend_tenant(
        self, info: Ctx, input: Input[t.SuspendTenantInput]
    ) -> t.SuspendTenantResult:
        tenant = await info.context.run(
            use_cases.suspend_tenant, tenants.tenant_id(input.id), input.reason
        )
        return t.SuspendTenantSuccess(tenant=tenant)

    @mutation("Let a suspended tenant use the installation again; only for operators.")
    async def resume_tenant(
        self, info: Ctx, input: Input[t.ResumeTenantInput]
    ) -> t.ResumeTenantResult:
        tenant = await info.context.run(use_cases.resume_tenant, tenants.tenant_id(input.id))
        return t.ResumeTenantSuccess(tenant=tenant)

    @mutation(
        "Delete a tenant with all its data after a time of grace, in which it cannot be used; only for "
        "operators."
    )
    async def delete_tenant(
        self, info: Ctx, input: Input[t.DeleteTenantInput]
    ) -> t.DeleteTenantResult:
        tenant = await info.context.run(
            use_cases.delete_tenant,
            tenants.tenant_id(input.id),
            input.confirm_slug,
            input.grace_days,
        )
        return t.DeleteTenantSuccess(tenant=tenant)

    @mutation("Cancel the deletion of a tenant during its time of grace; only for operators.")
    async def restore_tenant(
        self, info: Ctx, input: Input[t.RestoreTenantInput]
    ) -> t.RestoreTenantResult:
        tenant = await info.context.run(use_cases.restore_tenant, tenants.tenant_id(input.id))
        return t.RestoreTenantSuccess(tenant=tenant)
