"""The queries of roles and API keys."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from domain.tenants.api_keys import ApiKey
from domain.tenants.roles import NamedRole
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.api_keys import ApiKeyConnection
from graph.schema.types.roles import RoleType
from resolvers import access
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments


@strawberry.type(description="Operations that read data.")
class AccessQuery:
    @strawberry.field(
        description="Roles that users and API keys can have: the built-in ones, then your own by name.",
        graphql_type=list[RoleType] | None,
    )
    async def roles(self, info: Ctx) -> Sequence[NamedRole]:
        return await access.roles(info)

    @strawberry.field(
        description="API keys of your tenant, newest first, without their values.",
        graphql_type=ApiKeyConnection | None,
    )
    async def api_keys(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[ApiKey]:
        return await access.api_keys(info, PageArguments(first, after, last, before))
