"""The members and the open invitations of the tenant."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import PersonId
from domain.ports import TokenPair
from domain.tenants.members import Invitation, Member, OpenInvitation, Session
from domain.use_cases import members as use_cases
from resolvers.context import Ctx
from resolvers.pagination import CountedPage, PageArguments, counted_page, parse_time


async def members(info: Ctx, page: PageArguments) -> CountedPage[Member]:
    window = page.window("members", parse_time)
    listed = await info.context.run(use_cases.list_members, window)
    return counted_page("members", listed, lambda: info.context.run(use_cases.count_members))


async def invitations(info: Ctx, page: PageArguments) -> CountedPage[Invitation]:
    window = page.window("invitations", parse_time)
    listed = await info.context.run(use_cases.list_invitations, window)
    return counted_page(
        "invitations", listed, lambda: info.context.run(use_cases.count_invitations)
    )


async def sessions(info: Ctx, member: PersonId) -> Sequence[Session]:
    return await info.context.run(use_cases.list_sessions_of_member, member)


async def received_invitation(info: Ctx, token: str) -> OpenInvitation | None:
    return await use_cases.read_invitation(info.context.services, token)


async def accept_invitation(
    info: Ctx, token: str, password: str | None, name: str | None, code: str | None
) -> TokenPair:
    context = info.context
    return await use_cases.accept_invitation(
        context.services, context.viewer, token, password, name, context.device, code=code
    )
