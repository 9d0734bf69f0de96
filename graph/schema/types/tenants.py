"""The tenants of the installation, as its operators see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.lists import Count
from domain.common.quotas import QUOTA_NAMES
from domain.tenants import lifecycle as domain
from domain.tenants.lifecycle import TenantState
from graph.schema.scalars import Json
from graph.schema.types.common import Connection
from graph.schema.types.errors import NameTaken, NotFoundError, ValidationError
from graph.schema.types.inputs import Fields, InputReader, same
from graph.schema.types.lists import count_field
from resolvers.global_ids import global_id

NONE_IS_INSTALLATION = "0 is no limit; null is the limit of the installation."


@strawberry.type(
    description=(
        "Quotas of a tenant that differ from those of the installation. For each, "
        "0 is no limit, and null is the limit of the installation."
    )
)
class TenantQuotas:
    requests_per_minute: int | None = strawberry.field(
        description="Requests per minute of all keys and users together, weighted by their cost."
    )
    sockets: int | None = strawberry.field(description="WebSockets that may be open at once.")
    subscriptions: int | None = strawberry.field(
        description="Subscriptions that may be open at once."
    )
    agents: int | None = strawberry.field(description="Number of agents.")
    tools: int | None = strawberry.field(description="Number of tools.")
    workflows: int | None = strawberry.field(description="Number of workflows.")
    storage_megabytes: int | None = strawberry.field(
        description="Megabytes in the database and as recordings."
    )


@strawberry.type(
    name="ManagedTenant",
    description="A tenant of the installation, as its operators see it: none of its data.",
)
class ManagedTenantType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        tenant: Any = self
        return strawberry.ID(global_id("ManagedTenant", tenant.id))

    slug: str = strawberry.field(description="Short, unique name of the tenant.")
    name: str = strawberry.field(description="Display name of the tenant.")
    state: TenantState = strawberry.field(description="Whether it can use the installation.")
    created_at: datetime = strawberry.field(description="When the tenant was created (UTC).")
    suspended_at: datetime | None = strawberry.field(
        description="When the tenant was suspended (UTC); null when it is not suspended."
    )
    suspension_reason: str | None = strawberry.field(
        description="Why the tenant was suspended; null when it is not suspended."
    )
    delete_at: datetime | None = strawberry.field(
        description="When the tenant will be deleted (UTC); null when it will not be."
    )
    delete_requested_by: str | None = strawberry.field(
        description="Who requested the deletion: `user:…`, `key:…` or `command line`; or null."
    )

    @strawberry.field(description="Quotas of its own.", graphql_type=TenantQuotas)
    def quotas(self) -> Any:
        tenant: Any = self
        return TenantQuotas(**{name: tenant.quotas.get(name) for name in QUOTA_NAMES})


@strawberry.type(
    name="DeletedTenant", description="The proof that a tenant and all its data were deleted."
)
class DeletedTenantType:
    @strawberry.field(description="Globally unique, opaque id of the proof.")
    def id(self) -> strawberry.ID:
        tenant: Any = self
        return strawberry.ID(global_id("DeletedTenant", tenant.id))

    slug: str = strawberry.field(description="Short name that the tenant had.")
    requested_at: datetime | None = strawberry.field(
        description="When the deletion was requested (UTC)."
    )
    requested_by: str | None = strawberry.field(
        description="Who requested it: `user:…`, `key:…` or `command line`."
    )
    deleted_at: datetime = strawberry.field(description="When the last row was deleted (UTC).")
    counts: Json = strawberry.field(
        description="How many objects of each kind were deleted, as an object."
    )
    certificate: str = strawberry.field(
        description=(
            "The same facts as a JWT that this installation signed; `./studio admin "
            "verify-deletion` checks it and that nothing of the tenant is left."
        )
    )


@strawberry.type(description="One page of a list of tenants.")
class ManagedTenantConnection(Connection[ManagedTenantType]):
    total_count: Count = count_field()


@strawberry.type(description="One page of a list of deleted tenants.")
class DeletedTenantConnection(Connection[DeletedTenantType]):
    total_count: Count = count_field()


@strawberry.input(description="Filter for tenants; omitted fields match any tenant.")
class TenantFilter:
    slug: str | None = strawberry.field(default=None, description="The whole slug of one tenant.")
    search: str | None = strawberry.field(
        default=None, description="A part of the slug or of the name, in any case."
    )
    state: TenantState | None = strawberry.field(
        default=None, description="Whether the tenant can use the installation."
    )

    def filter(self) -> domain.TenantFilter:
        return domain.TenantFilter(slug=self.slug, search=self.search, state=self.state)


@strawberry.input(
    description="Quotas of a tenant; omitted ones stay as they are, and " + NONE_IS_INSTALLATION
)
class TenantQuotasInput:
    requests_per_minute: strawberry.Maybe[int | None] = strawberry.field(
        description="Requests per minute of all keys and users together."
    )
    sockets: strawberry.Maybe[int | None] = strawberry.field(
        description="WebSockets that may be open at once."
    )
    subscriptions: strawberry.Maybe[int | None] = strawberry.field(
        description="Subscriptions that may be open at once."
    )
    agents: strawberry.Maybe[int | None] = strawberry.field(description="Number of agents.")
    tools: strawberry.Maybe[int | None] = strawberry.field(description="Number of tools.")
    workflows: strawberry.Maybe[int | None] = strawberry.field(description="Number of workflows.")
    storage_megabytes: strawberry.Maybe[int | None] = strawberry.field(
        description="Megabytes in the database and as recordings."
    )

    def changes(self, reader: InputReader) -> Mapping[str, int | None]:
        return reader.changes(self, same(*QUOTA_NAMES), frozenset(QUOTA_NAMES))


@strawberry.input(description="A new tenant.")
class CreateTenantInput:
    slug: str = strawberry.field(
        description="Short, unique name: lower-case letters, digits and hyphens."
    )
    name: str = strawberry.field(description="Display name of the tenant.")
    quotas: TenantQuotasInput | None = strawberry.field(
        default=None, description="Quotas of its own; omit for those of the installation."
    )

    def own_quotas(self, reader: InputReader) -> Mapping[str, int | None]:
        return {} if self.quotas is None else self.quotas.changes(reader.at("quotas"))


@strawberry.input(
    description=(
        "Changes of a tenant; omitted fields stay as they are. There is no revision to expect: of two "
        "changes of one field, the later one counts."
    )
)
class UpdateTenantInput:
    id: strawberry.ID = strawberry.field(description="Global id of the tenant in `tenants`.")
    slug: strawberry.Maybe[str | None] = strawberry.field(description="New short, unique name.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="New display name.")
    quotas: strawberry.Maybe[TenantQuotasInput | None] = strawberry.field(
        description="Quotas to change; omitted ones stay as they are."
    )

    def changes(self, reader: InputReader) -> domain.TenantChanges:
        fields: Fields = {
            **same("slug", "name"),
            "quotas": ("quotas", TenantQuotasInput.changes),
        }
        return domain.TenantChanges(**reader.changes(self, fields))


@strawberry.input(description="The tenant to suspend.")
class SuspendTenantInput:
    id: strawberry.ID = strawberry.field(description="Global id of the tenant in `tenants`.")
    reason: str = strawberry.field(description="Why, for other operators.")


@strawberry.input(description="The tenant to resume.")
class ResumeTenantInput:
    id: strawberry.ID = strawberry.field(description="Global id of the tenant in `tenants`.")


@strawberry.input(description="The tenant to delete.")
class DeleteTenantInput:
    id: strawberry.ID = strawberry.field(description="Global id of the tenant in `tenants`.")
    confirm_slug: str = strawberry.field(description="The slug of the same tenant, as a safeguard.")
    grace_days: int | None = strawberry.field(
        default=None,
        description=(
            "Days until the data is deleted, at least 1; omit for TENANT_GRACE_DAYS of the "
            "installation. Until then `restoreTenant` cancels the deletion."
        ),
    )


@strawberry.input(description="The tenant to restore.")
class RestoreTenantInput:
    id: strawberry.ID = strawberry.field(description="Global id of the tenant in `tenants`.")


@strawberry.type(description="The tenant was created.")
class CreateTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The new tenant."
    )
    api_key_value: str = strawberry.field(
        description="An API key of an owner of the tenant, which is shown only now."
    )


@strawberry.type(description="The tenant was updated.")
class UpdateTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The tenant as it is now."
    )


@strawberry.type(
    description=(
        "The tenant was suspended: its credentials are refused, and its calls end within seconds."
    )
)
class SuspendTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The tenant as it is now."
    )


@strawberry.type(description="The tenant can use the installation again.")
class ResumeTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The tenant as it is now."
    )


@strawberry.type(description="The tenant cannot be used any more and will be deleted.")
class DeleteTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The tenant as it is now."
    )


@strawberry.type(description="The tenant will not be deleted.")
class RestoreTenantSuccess:
    tenant: domain.ManagedTenant = strawberry.field(
        graphql_type=ManagedTenantType, description="The tenant as it is now."
    )


CreateTenantResult = Annotated[
    CreateTenantSuccess | ValidationError | NameTaken,
    strawberry.union(
        "CreateTenantResult",
        description="Result of `createTenant`: the success type or one of the errors.",
    ),
]
UpdateTenantResult = Annotated[
    UpdateTenantSuccess | ValidationError | NameTaken | NotFoundError,
    strawberry.union(
        "UpdateTenantResult",
        description="Result of `updateTenant`: the success type or one of the errors.",
    ),
]
SuspendTenantResult = Annotated[
    SuspendTenantSuccess | ValidationError | NotFoundError,
    strawberry.union(
        "SuspendTenantResult",
        description="Result of `suspendTenant`: the success type or one of the errors.",
    ),
]
ResumeTenantResult = Annotated[
    ResumeTenantSuccess | NotFoundError,
    strawberry.union(
        "ResumeTenantResult",
        description="Result of `resumeTenant`: the success type or one of the errors.",
    ),
]
DeleteTenantResult = Annotated[
    DeleteTenantSuccess | ValidationError | NotFoundError,
    strawberry.union(
        "DeleteTenantResult",
        description="Result of `deleteTenant`: the success type or one of the errors.",
    ),
]
RestoreTenantResult = Annotated[
    RestoreTenantSuccess | NotFoundError,
    strawberry.union(
        "RestoreTenantResult",
        description="Result of `restoreTenant`: the success type or one of the errors.",
    ),
]
