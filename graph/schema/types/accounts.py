"""The viewer, and signing in and out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.tenants.budgets import BudgetStatus
from graph.schema.types.errors import InvalidCredentials, ValidationError
from graph.schema.types.usage import BudgetLevel
from resolvers import settings
from resolvers.context import Ctx
from resolvers.global_ids import global_id


@strawberry.type(name="Tenant", description="The organisation that owns all the data you can see.")
class TenantType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        tenant: Any = self
        return strawberry.ID(global_id("Tenant", tenant.id))

    slug: str = strawberry.field(description="Short, unique name of the tenant.")
    name: str = strawberry.field(description="Display name of the tenant.")


@strawberry.type(description="The authenticated user or API key.")
class Viewer:
    tenant: TenantType = strawberry.field(description="The tenant that the credential belongs to.")
    subject: str = strawberry.field(description="Identity of the credential: `user:…` or `key:…`.")
    email: str | None = strawberry.field(
        description="Email address of the user; null for an API key."
    )
    scopes: list[Scope] = strawberry.field(description="Scopes that the credential grants.")

    @strawberry.field(
        description=(
            "Budgets of your tenant and the quotas that the operator of the installation set for it, "
            "and what is left of each."
        ),
        graphql_type=list[BudgetLevel] | None,
    )
    async def limits(self, info: Ctx) -> Sequence[BudgetStatus]:
        return await settings.limits(info)


@strawberry.input(description="Email address and password of the user who signs in.")
class LoginInput:
    email: str = strawberry.field(description="Email address of the user.")
    password: str = strawberry.field(description="Password of the user.")


@strawberry.input(description="The session to refresh or to end.")
class SessionInput:
    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")


@strawberry.type(description="A pair of tokens for a signed-in session.")
class LoginSuccess:
    access: str = strawberry.field(
        name="accessToken", description="Access token; send it as `Authorization: Bearer …`."
    )
    refresh: str = strawberry.field(
        name="refreshToken",
        description=(
            "Refresh token, valid once, for the next pair of tokens. If that response "
            "is lost, the same token returns the same next refresh token for 30 "
            "seconds. Any other second use ends the session."
        ),
    )
    expires_at: datetime = strawberry.field(
        description="When the access token expires (UTC), unless its session ends earlier."
    )


@strawberry.type(description="The session has ended.")
class LogoutSuccess:
    done: bool = strawberry.field(
        description="Always true; a failure is reported as an error instead."
    )


LoginResult = Annotated[
    LoginSuccess | InvalidCredentials | ValidationError,
    strawberry.union(
        "LoginResult", description="Result of `login`: the success type or one of the errors."
    ),
]
RefreshSessionResult = Annotated[
    LoginSuccess | InvalidCredentials,
    strawberry.union(
        "RefreshSessionResult",
        description="Result of `refreshSession`: the success type or one of the errors.",
    ),
]
