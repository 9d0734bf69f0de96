"""Who is asking; signing in and out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.common.access import Scope, Tenant, UserId
from domain.ports import TokenPair
from domain.use_cases import accounts as actions
from resolvers.context import Ctx


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    tenant: Tenant
    subject: str
    email: str | None
    scopes: list[Scope]


async def viewer(info: Ctx) -> ViewerInfo:
    who = info.context.require()
    accounts = info.context.services.accounts
    kind, _, id = who.subject.partition(":")
    user = await accounts.user(who.tenant_id, UserId(UUID(id))) if kind == "user" else None
    return ViewerInfo(
        tenant=await accounts.tenant(who.tenant_id),
        subject=who.subject,
        email=user.email if user else None,
        scopes=sorted(who.scopes),
    )


async def login(info: Ctx, email: str, password: str) -> TokenPair:
    context = info.context
    return (await actions.login(context.services, email, password, context.client_ip))[1]


async def refresh_session(info: Ctx, token: str) -> TokenPair:
    return await info.context.services.accounts.refresh(token)


async def logout(info: Ctx, token: str) -> None:
    await info.context.services.accounts.sign_out(token)
