"""The members and the open invitations of the tenant."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import PersonId
from domain.ports import PageKey, TokenPair
from domain.tenants.members import Invitation, Member, OpenInvitation, Session
from domain.use_cases import members as use_cases
from resolvers.context import Ctx
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page


async def members(info: Ctx, first: int | None, after: str | None) -> Page[Member]:
    position = decode_cursor("members", after)
    page = await info.context.run(use_cases.list_members, clamp_page_size(first), position)
    return keyset_page("members", page, lambda member: PageKey(member.created_at, member.id))


async def invitations(info: Ctx, first: int | None, after: str | None) -> Page[Invitation]:
    position = decode_cursor("invitations", after)
    page = await info.context.run(use_cases.list_invitations, clamp_page_size(first), position)
    return keyset_page("invitations", page, lambda item: PageKey(item.created_at, item.id))


async def sessions(info: Ctx, member: PersonId) -> Sequence[Session]:
    return await info.context.run(use_cases.list_sessions_of_member, member)


async def received_invitation(info: Ctx, token: str) -> OpenInvitation | None:
    return await use_cases.read_invitation(info.context.services, token)


async def accept_invitation(
    info: Ctx, token: str, password: str | None, name: str | None
) -> TokenPair:
    context = info.context
    return await use_cases.accept_invitation(
        context.services, context.viewer, token, password, name, context.device
    )
