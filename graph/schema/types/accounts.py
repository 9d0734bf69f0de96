"""Who is asking; signing in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from graph.schema.types.common import as_graphql
from graph.schema.types.errors import InvalidCredentials, ValidationError
from graph.schema.types.usage import BudgetLevel
from resolvers import settings
from resolvers.context import Ctx
from resolvers.global_ids import global_id


@strawberry.type(name="Tenant", description="The organisation that owns everything you see.")
class TenantType:
    @strawberry.field(description="Unique over all types; opaque.")
    def id(self) -> strawberry.ID:
        tenant: Any = self
        return strawberry.ID(global_id("Tenant", tenant.id))

    slug: str = strawberry.field(description="Its short name.")
    name: str = strawberry.field(description="For people.")


@strawberry.type(description="Whoever holds the credential of this request.")
class Viewer:
    tenant: TenantType = strawberry.field(description="The tenant it belongs to.")
    subject: str = strawberry.field(description="user:… or key:….")
    email: str | None = strawberry.field(description="Of a user.")
    scopes: list[Scope] = strawberry.field(description="What it may do.")

    @strawberry.field(description="The budgets of your tenant, and what is left of them.")
    async def limits(self, info: Ctx) -> list[BudgetLevel] | None:
        return as_graphql(list(await settings.limits(info)))


@strawberry.input(description="Who signs in.")
class LoginInput:
    email: str = strawberry.field(description="The address.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="A session to go on with, or to end.")
class SessionInput:
    refresh_token: str = strawberry.field(description="The newest refresh token.")


@strawberry.type(description="Signed in.")
class LoginSuccess:
    access: str = strawberry.field(
        name="accessToken", description="Send it as `Authorization: Bearer …`."
    )
    refresh: str = strawberry.field(
        name="refreshToken",
        description="Good once, for the next pair of tokens. If that answer is lost, the same token "
        "gives the same next refresh token for 30 seconds. Any other second use ends the session.",
    )
    expires_at: datetime = strawberry.field(
        description="When the access token ends, if its session does not end before (UTC)."
    )


@strawberry.type(description="Signed out.")
class LogoutSuccess:
    done: bool = strawberry.field(description="True.")


LoginResult = Annotated[
    LoginSuccess | InvalidCredentials | ValidationError,
    strawberry.union("LoginResult", description="What became of login."),
]
RefreshSessionResult = Annotated[
    LoginSuccess | InvalidCredentials,
    strawberry.union("RefreshSessionResult", description="What became of refreshSession."),
]
