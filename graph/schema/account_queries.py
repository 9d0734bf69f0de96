"""The queries about the members of a tenant and its invitations."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.tenants.members import Invitation, Member
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.members import (
    InvitationConnection,
    MemberConnection,
    ReceivedInvitation,
)
from resolvers import members
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments


@strawberry.type(description="Operations that read data.")
class AccountQuery:
    @strawberry.field(
        description="Members of your tenant, the oldest first.",
        graphql_type=MemberConnection | None,
    )
    async def members(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[Member]:
        return await members.members(info, PageArguments(first, after, last, before))

    @strawberry.field(
        description="Open invitations to your tenant, the oldest first.",
        graphql_type=InvitationConnection | None,
    )
    async def invitations(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[Invitation]:
        return await members.invitations(info, PageArguments(first, after, last, before))

    @strawberry.field(
        description=(
            "An invitation that you received; null when it was used or withdrawn, or has expired. Needs "
            "no credential."
        )
    )
    async def received_invitation(
        self,
        info: Ctx,
        token: Annotated[
            str,
            strawberry.argument(
                description="The token in the link of the invitation, after `#invitation=`."
            ),
        ],
    ) -> ReceivedInvitation | None:
        found = await members.received_invitation(info, token)
        return None if found is None else ReceivedInvitation.from_domain(found)
