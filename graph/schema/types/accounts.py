"""The viewer, and signing in and out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

import strawberry

from domain.common import access
from domain.common.access import Scope
from domain.ports import TokenPair
from domain.sign_in.ports import TotpState
from domain.tenants import members as domain
from domain.tenants.budgets import BudgetStatus
from graph.schema.types.errors import (
    InvalidCredentials,
    InvalidToken,
    NotFoundError,
    SecondFactorRequired,
    ValidationError,
)
from graph.schema.types.second_factor import SecondFactor
from graph.schema.types.usage import BudgetLevel
from resolvers import accounts, settings
from resolvers.context import Ctx
from resolvers.global_ids import global_id, member_id


@strawberry.type(name="Tenant", description="The organisation that owns all the data you can see.")
class TenantType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        tenant: Any = self
        return strawberry.ID(global_id("Tenant", tenant.id))

    slug: str = strawberry.field(description="Short, unique name of the tenant.")
    name: str = strawberry.field(description="Display name of the tenant.")


@strawberry.type(description="A person who signs in, to one tenant or to several.")
class Person:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        person: Any = self
        return strawberry.ID(global_id("Person", person.id))

    email: str = strawberry.field(description="E-mail address with which the person signs in.")
    name: str | None = strawberry.field(
        description="Name that the person chose; null when they chose none."
    )


@strawberry.type(description="A tenant that you may switch to.")
class Membership:
    tenant: TenantType = strawberry.field(description="The tenant that you belong to.")
    role: str = strawberry.field(description="Name of your role in the tenant.")
    last_used_at: datetime | None = strawberry.field(
        description=(
            "When you last signed in to the tenant or refreshed a session in it (UTC); null for never."
        )
    )


@strawberry.type(name="Session", description="One sign-in of a person to a tenant, on one device.")
class SessionType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        session: Any = self
        return strawberry.ID(global_id("Session", session.id))

    tenant: TenantType = strawberry.field(description="The tenant that the session is in.")

    @strawberry.field(
        description=(
            "What the program that signed in calls itself, which it may choose freely; null when it "
            "sent no `User-Agent`."
        )
    )
    def user_agent(self) -> str | None:
        session: Any = self
        return session.device.user_agent or None

    @strawberry.field(
        description=(
            "IP address from which the session was started or last refreshed; null when it is unknown."
        )
    )
    def address(self) -> str | None:
        session: Any = self
        return session.device.address or None

    created_at: datetime = strawberry.field(description="When the person signed in (UTC).")
    last_used_at: datetime = strawberry.field(
        description="When the session was started or last refreshed (UTC)."
    )
    ends_at: datetime | None = strawberry.field(
        description=(
            "When the session ends although it is refreshed (UTC); null when refreshing prolongs it."
        )
    )

    @strawberry.field(description="Whether this request belongs to the session.")
    def is_current(self, info: Ctx) -> bool:
        session: Any = self
        return bool(info.context.require().session_id == session.id)


@strawberry.type(description="The authenticated user or API key.")
class Viewer:
    tenant: TenantType = strawberry.field(description="The tenant that the credential belongs to.")
    subject: str = strawberry.field(description="Identity of the credential: `user:…` or `key:…`.")
    email: str | None = strawberry.field(
        description="E-mail address of the user; null for an API key."
    )
    scopes: list[Scope] = strawberry.field(description="Scopes that the credential grants.")
    person: access.Person | None = strawberry.field(
        graphql_type=Person | None, description="The signed-in person; null for an API key."
    )

    @strawberry.field(
        description="Global id of the person as a `Member` of the tenant; null for an API key."
    )
    def member_id(self) -> strawberry.ID | None:
        viewer: Any = self
        if viewer.person is None:
            return None
        return strawberry.ID(member_id(viewer.tenant.id, viewer.person.id))

    @strawberry.field(
        description="Tenants that you belong to, the oldest membership first; empty for an API key.",
        graphql_type=list[Membership],
    )
    async def memberships(self, info: Ctx) -> Sequence[domain.Membership]:
        return await accounts.memberships(info)

    @strawberry.field(
        description=(
            "Your sessions in all tenants, the last used first; at most 100. Empty for an API key."
        ),
        graphql_type=list[SessionType],
    )
    async def sessions(self, info: Ctx) -> Sequence[domain.Session]:
        return await accounts.sessions(info)

    @strawberry.field(
        description=(
            "Whether you sign in with a second factor; null for an API key, and if an identity provider "
            "signed you in."
        ),
        graphql_type=SecondFactor | None,
    )
    async def second_factor(self, info: Ctx) -> TotpState | None:
        return await accounts.second_factor(info)

    @strawberry.field(
        description=(
            "Budgets of your tenant and the quotas that the operator of the installation set for it, "
            "and what is left of each."
        ),
        graphql_type=list[BudgetLevel] | None,
    )
    async def limits(self, info: Ctx) -> Sequence[BudgetStatus]:
        return await settings.limits(info)


@strawberry.input(description="E-mail address and password of the user who signs in.")
class LoginInput:
    email: str = strawberry.field(description="E-mail address of the user.")
    password: str = strawberry.field(description="Password of the user.")
    tenant: str | None = strawberry.field(
        default=None,
        description=("Slug of the tenant to sign in to; omit for the one that the user used last."),
    )
    code: str | None = strawberry.field(
        default=None,
        description=(
            "Code of your authenticator app, or a recovery code; omit it until `SecondFactorRequired` "
            "asks for it."
        ),
    )


@strawberry.input(description="The session to refresh or to end.")
class SessionInput:
    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")


@strawberry.input(description="The tenant to switch to.")
class SwitchTenantInput:
    id: strawberry.ID = strawberry.field(
        description="Global id of a tenant in `viewer { memberships }`."
    )


@strawberry.input(description="The session of yours that is to end.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="Global id of the session.")


@strawberry.input(description="Which of your sessions are to end.")
class EndSessionsInput:
    keep_current: bool = strawberry.field(
        default=True, description="Whether the session of this request continues."
    )


@strawberry.input(description="What others see of you.")
class UpdateProfileInput:
    name: str | None = strawberry.field(
        description="Your name, at most 100 characters; null for none."
    )


@strawberry.input(description="Your password, and the new one.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The password that you have.")
    new_password: str = strawberry.field(
        description="The new password: 15 to 1,024 characters that are hard to guess."
    )


@strawberry.input(description="Who has forgotten the password.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="E-mail address of the user.")


@strawberry.input(description="The link that you received, and the new password.")
class ResetPasswordInput:
    token: str = strawberry.field(description="The token in the link, after `#reset=`.")
    new_password: str = strawberry.field(
        description="The new password: 15 to 1,024 characters that are hard to guess."
    )


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

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls(access=pair.access, refresh=pair.refresh, expires_at=pair.expires_at)


@strawberry.type(description="The session has ended.")
class LogoutSuccess:
    done: bool = strawberry.field(
        description="Always true; a failure is reported as an error instead."
    )


LoginResult = Annotated[
    LoginSuccess | InvalidCredentials | ValidationError | SecondFactorRequired,
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


@strawberry.type(description="The session ended, which takes effect within a second.")
class EndSessionSuccess:
    done: bool = strawberry.field(
        description="Always true; a failure is reported as an error instead."
    )


@strawberry.type(description="Sessions ended, which takes effect within a second.")
class EndSessionsSuccess:
    ended: int = strawberry.field(description="Number of sessions that ended.")


@strawberry.type(description="Your profile was changed.")
class UpdateProfileSuccess:
    person: access.Person = strawberry.field(
        graphql_type=Person, description="The changed profile."
    )


@strawberry.type(description="The password was changed, and your other sessions ended.")
class ChangePasswordSuccess:
    done: bool = strawberry.field(
        description="Always true; a failure is reported as an error instead."
    )


@strawberry.type(
    description="If a user has the address, a link to set a new password is sent to it."
)
class RequestPasswordResetSuccess:
    done: bool = strawberry.field(
        description="Always true; it does not reveal whether a user has the address."
    )


@strawberry.type(description="The password was set, and all sessions of the user ended.")
class ResetPasswordSuccess:
    done: bool = strawberry.field(
        description="Always true; a failure is reported as an error instead."
    )


SwitchTenantResult = Annotated[
    LoginSuccess | NotFoundError | InvalidCredentials,
    strawberry.union(
        "SwitchTenantResult",
        description="Result of `switchTenant`: the success type or one of the errors.",
    ),
]
EndSessionResult = Annotated[
    EndSessionSuccess | NotFoundError,
    strawberry.union(
        "EndSessionResult",
        description="Result of `endSession`: the success type or one of the errors.",
    ),
]
UpdateProfileResult = Annotated[
    UpdateProfileSuccess | ValidationError,
    strawberry.union(
        "UpdateProfileResult",
        description="Result of `updateProfile`: the success type or one of the errors.",
    ),
]
ChangePasswordResult = Annotated[
    ChangePasswordSuccess | InvalidCredentials | ValidationError,
    strawberry.union(
        "ChangePasswordResult",
        description="Result of `changePassword`: the success type or one of the errors.",
    ),
]
RequestPasswordResetResult = Annotated[
    RequestPasswordResetSuccess | ValidationError,
    strawberry.union(
        "RequestPasswordResetResult",
        description="Result of `requestPasswordReset`: the success type or one of the errors.",
    ),
]
ResetPasswordResult = Annotated[
    ResetPasswordSuccess | InvalidToken | ValidationError,
    strawberry.union(
        "ResetPasswordResult",
        description="Result of `resetPassword`: the success type or one of the errors.",
    ),
]
