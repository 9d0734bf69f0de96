"""Members, their sessions and invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.lists import Count
from domain.tenants import members as domain
from graph.schema.types.accounts import (
    LoginSuccess,
    SessionType,
    TenantType,
)
from graph.schema.types.common import Connection, Node, instance_check
from graph.schema.types.errors import (
    AlreadyMember,
    InvalidCredentials,
    InvalidToken,
    LastOwner,
    NotFoundError,
    SecondFactorRequired,
    ValidationError,
)
from graph.schema.types.lists import count_field
from resolvers import members
from resolvers.context import Ctx
from resolvers.global_ids import global_id, member_id

ROLE = "Name of the role: `OWNER`, `ADMIN`, `EDITOR`, `OPERATOR`, `VIEWER`, or one of your tenant's own."


@strawberry.type(name="Member", description="A person in your tenant.")
class MemberType(Node):
    is_type_of = instance_check(domain.Member)

    @strawberry.field(description="Globally unique, opaque id of the person in your tenant.")
    def id(self, info: Ctx) -> strawberry.ID:
        member: Any = self
        return strawberry.ID(member_id(info.context.require().tenant_id, member.id))

    email: str = strawberry.field(description="E-mail address with which the person signs in.")
    name: str | None = strawberry.field(
        description="Name that the person chose; null when they chose none."
    )
    role: str = strawberry.field(description=ROLE)
    managed_by: str | None = strawberry.field(
        description=(
            "Name of the identity provider that sets the role at each sign-in; null when members set it."
        )
    )
    suspended_at: datetime | None = strawberry.field(
        description=(
            "Since when the member is kept out of the tenant (UTC); null for an active member."
        )
    )
    created_at: datetime = strawberry.field(
        description="When the person became a member of the tenant (UTC)."
    )
    last_used_at: datetime | None = strawberry.field(
        description=(
            "When the member last signed in to the tenant or refreshed a session in it (UTC); null for "
            "never."
        )
    )

    @strawberry.field(
        description=(
            "Sessions of the member in your tenant, the last used first; at most 100. Needs the scope "
            "`members:write`."
        ),
        graphql_type=list[SessionType] | None,
    )
    async def sessions(self, info: Ctx) -> Sequence[domain.Session]:
        member: Any = self
        return await members.sessions(info, member.id)


@strawberry.type(name="Invitation", description="An invitation that has not been accepted yet.")
class InvitationType:
    @strawberry.field(description="Globally unique, opaque id.")
    def id(self) -> strawberry.ID:
        invitation: Any = self
        return strawberry.ID(global_id("Invitation", invitation.id))

    email: str = strawberry.field(description="E-mail address that is invited.")
    role: str = strawberry.field(description="Name of the role that the person will have.")
    invited_by: str = strawberry.field(description="Who invited the person: `user:…` or `key:…`.")
    created_at: datetime = strawberry.field(description="When the person was invited (UTC).")
    expires_at: datetime = strawberry.field(
        description="Until when the invitation can be accepted (UTC)."
    )


@strawberry.type(description="What the holder of an invitation may know about it.")
class ReceivedInvitation:
    tenant: TenantType = strawberry.field(description="The tenant that the invitation is to.")
    email: str = strawberry.field(description="E-mail address that is invited.")
    role: str = strawberry.field(description="Name of the role that you will have.")
    expires_at: datetime = strawberry.field(
        description="Until when the invitation can be accepted (UTC)."
    )
    has_account: bool = strawberry.field(
        description=(
            "Whether the address has an account already. Then sign in with it, or send its password; "
            "otherwise choose a password."
        )
    )

    @staticmethod
    def from_domain(found: domain.OpenInvitation) -> ReceivedInvitation:
        tenant: Any = found.tenant
        return ReceivedInvitation(
            tenant=tenant,
            email=found.invitation.email,
            role=found.invitation.role,
            expires_at=found.invitation.expires_at,
            has_account=found.person_id is not None,
        )


@strawberry.type(description="One page of a list of members.")
class MemberConnection(Connection[MemberType]):
    total_count: Count = count_field()


@strawberry.type(description="One page of a list of invitations.")
class InvitationConnection(Connection[InvitationType]):
    total_count: Count = count_field()


# ---- inputs ------------------------------------------------------------------------------------


@strawberry.input(description="The person to invite, and the role they will have.")
class InviteMemberInput:
    email: str = strawberry.field(
        description="E-mail address to invite. An earlier invitation of it is withdrawn."
    )
    role: str = strawberry.field(description=f"{ROLE} You need all scopes of the role yourself.")


@strawberry.input(description="The invitation to withdraw.")
class WithdrawInvitationInput:
    id: strawberry.ID = strawberry.field(description="Global id of the invitation.")


@strawberry.input(description="The invitation to accept, and how you will sign in.")
class AcceptInvitationInput:
    token: str = strawberry.field(
        description="The token in the link of the invitation, after `#invitation=`."
    )
    password: str | None = strawberry.field(
        default=None,
        description=(
            "The password that you choose, or the one that you have if the address has an account. Omit "
            "it if you are signed in with that address."
        ),
    )
    name: str | None = strawberry.field(
        default=None, description="Your name, for a new account; at most 100 characters."
    )
    code: str | None = strawberry.field(
        default=None,
        description=(
            "Code of your authenticator app, or a recovery code; omit it until `SecondFactorRequired` "
            "asks for it."
        ),
    )


@strawberry.input(description="The member to change, and the new role.")
class ChangeMemberRoleInput:
    id: strawberry.ID = strawberry.field(description="Global id of the member.")
    role: str = strawberry.field(description=f"{ROLE} You need all scopes of the role yourself.")


@strawberry.input(description="The member to keep out of the tenant.")
class SuspendMemberInput:
    id: strawberry.ID = strawberry.field(description="Global id of the member.")


@strawberry.input(description="The suspended member to admit again.")
class ResumeMemberInput:
    id: strawberry.ID = strawberry.field(description="Global id of the member.")


@strawberry.input(description="The member to remove from the tenant.")
class RemoveMemberInput:
    id: strawberry.ID = strawberry.field(
        description="Global id of the member; your own, `viewer { memberId }`, to leave the tenant."
    )


@strawberry.input(description="The member whose sessions are to end.")
class EndSessionsOfMemberInput:
    id: strawberry.ID = strawberry.field(description="Global id of the member.")


@strawberry.input(description="The member who has forgotten the password.")
class CreatePasswordResetLinkInput:
    id: strawberry.ID = strawberry.field(description="Global id of the member.")


# ---- results -----------------------------------------------------------------------------------


@strawberry.type(description="The person was invited.")
class InviteMemberSuccess:
    invitation: domain.Invitation = strawberry.field(
        graphql_type=InvitationType, description="The new invitation to the tenant."
    )
    link: str | None = strawberry.field(
        description=(
            "The link to give to the person, which is shown only once; null when it is sent by e-mail."
        )
    )


@strawberry.type(description="The invitation was withdrawn.")
class WithdrawInvitationSuccess:
    invitation: domain.Invitation = strawberry.field(
        graphql_type=InvitationType, description="The invitation that was withdrawn."
    )


@strawberry.type(description="The role of the member was changed, which takes effect at once.")
class ChangeMemberRoleSuccess:
    member: domain.Member = strawberry.field(
        graphql_type=MemberType, description="The changed member."
    )


@strawberry.type(description="The member was suspended, and their sessions in the tenant ended.")
class SuspendMemberSuccess:
    member: domain.Member = strawberry.field(
        graphql_type=MemberType, description="The suspended member."
    )


@strawberry.type(description="The member may sign in to the tenant again.")
class ResumeMemberSuccess:
    member: domain.Member = strawberry.field(
        graphql_type=MemberType, description="The active member."
    )


@strawberry.type(description="The member was removed from the tenant.")
class RemoveMemberSuccess:
    member: domain.Member = strawberry.field(
        graphql_type=MemberType, description="The former member."
    )


@strawberry.type(description="The sessions of the member in your tenant ended.")
class EndSessionsOfMemberSuccess:
    ended: int = strawberry.field(description="Number of sessions that ended.")


@strawberry.type(description="The link to set a new password was created.")
class CreatePasswordResetLinkSuccess:
    link: str = strawberry.field(
        description=(
            "The link to give to the member, which is shown only once. It is valid once, for 30 minutes."
        )
    )


InviteMemberResult = Annotated[
    InviteMemberSuccess | ValidationError | AlreadyMember,
    strawberry.union(
        "InviteMemberResult",
        description="Result of `inviteMember`: the success type or one of the errors.",
    ),
]
WithdrawInvitationResult = Annotated[
    WithdrawInvitationSuccess | NotFoundError,
    strawberry.union(
        "WithdrawInvitationResult",
        description="Result of `withdrawInvitation`: the success type or one of the errors.",
    ),
]
AcceptInvitationResult = Annotated[
    LoginSuccess
    | ValidationError
    | InvalidToken
    | InvalidCredentials
    | AlreadyMember
    | SecondFactorRequired,
    strawberry.union(
        "AcceptInvitationResult",
        description="Result of `acceptInvitation`: the success type or one of the errors.",
    ),
]
ChangeMemberRoleResult = Annotated[
    ChangeMemberRoleSuccess | ValidationError | NotFoundError | LastOwner,
    strawberry.union(
        "ChangeMemberRoleResult",
        description="Result of `changeMemberRole`: the success type or one of the errors.",
    ),
]
SuspendMemberResult = Annotated[
    SuspendMemberSuccess | NotFoundError | LastOwner,
    strawberry.union(
        "SuspendMemberResult",
        description="Result of `suspendMember`: the success type or one of the errors.",
    ),
]
ResumeMemberResult = Annotated[
    ResumeMemberSuccess | NotFoundError,
    strawberry.union(
        "ResumeMemberResult",
        description="Result of `resumeMember`: the success type or one of the errors.",
    ),
]
RemoveMemberResult = Annotated[
    RemoveMemberSuccess | NotFoundError | LastOwner,
    strawberry.union(
        "RemoveMemberResult",
        description="Result of `removeMember`: the success type or one of the errors.",
    ),
]
EndSessionsOfMemberResult = Annotated[
    EndSessionsOfMemberSuccess | NotFoundError,
    strawberry.union(
        "EndSessionsOfMemberResult",
        description="Result of `endSessionsOfMember`: the success type or one of the errors.",
    ),
]
CreatePasswordResetLinkResult = Annotated[
    CreatePasswordResetLinkSuccess | NotFoundError,
    strawberry.union(
        "CreatePasswordResetLinkResult",
        description="Result of `createPasswordResetLink`: the success type or one of the errors.",
    ),
]
