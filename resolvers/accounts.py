"""The viewer of a request, and sign-in and sign-out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.common.access import Scope, Tenant, UserId
from domain.ports import TokenPair
from domain.tenants.members import Device
from domain.use_cases import accounts as use_cases
from domain.use_cases import sign_in as sign_in_use_cases
from domain.use_cases.sign_in import FinishedSignIn
from resolvers.context import Ctx


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    tenant: Tenant
    subject: str
    email: str | None
    scopes: list[Scope]


async def viewer(info: Ctx) -> ViewerInfo:
    viewer = info.context.require()
    accounts = info.context.services.accounts
    kind, _, id = viewer.subject.partition(":")
    user = await accounts.user(viewer.tenant_id, UserId(UUID(id))) if kind == "user" else None
    return ViewerInfo(
        tenant=await accounts.tenant(viewer.tenant_id),
        subject=viewer.subject,
        email=user.email if user else None,
        scopes=sorted(viewer.scopes),
    )


async def login(info: Ctx, email: str, password: str) -> TokenPair:
    context = info.context
    return (await use_cases.login(context.services, email, password, context.client_ip))[1]


async def finish_sign_in(info: Ctx, handoff: str, verifier: str) -> FinishedSignIn:
    context = info.context
    device = Device(address=context.client_ip)
    return await sign_in_use_cases.finish_sign_in(context.services, handoff, verifier, device)


async def refresh_session(info: Ctx, token: str) -> TokenPair:
    return await info.context.services.accounts.refresh(token)


async def logout(info: Ctx, token: str) -> None:
    await info.context.services.accounts.sign_out(token)
