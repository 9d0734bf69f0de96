"""The viewer of a request, their sessions and their tenants, and signing in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.common.access import Person, Scope, SessionId, Tenant, TenantId
from domain.ports import TokenPair
from domain.sign_in.ports import TotpState
from domain.tenants.members import Membership, Session
from domain.use_cases import accounts as use_cases
from domain.use_cases import second_factor as second_factor_use_cases
from domain.use_cases import sign_in as sign_in_use_cases
from domain.use_cases.sign_in import FinishedSignIn
from resolvers.context import Ctx
from resolvers.global_ids import require_id


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    tenant: Tenant
    subject: str
    person: Person | None
    scopes: list[Scope]

    @property
    def email(self) -> str | None:
        return self.person.email if self.person else None


async def viewer(info: Ctx) -> ViewerInfo:
    viewer = info.context.require()
    accounts = info.context.services.accounts
    id = viewer.person_id
    return ViewerInfo(
        tenant=await accounts.tenant(viewer.tenant_id),
        subject=viewer.subject,
        person=await accounts.person(id) if id is not None else None,
        scopes=sorted(viewer.scopes),
    )


async def memberships(info: Ctx) -> Sequence[Membership]:
    if info.context.require().person_id is None:
        return []
    return await info.context.run(use_cases.list_memberships)


async def sessions(info: Ctx) -> Sequence[Session]:
    if info.context.require().person_id is None:
        return []
    return await info.context.run(use_cases.list_sessions)


async def second_factor(info: Ctx) -> TotpState | None:
    viewer = info.context.require()
    if viewer.person_id is None or viewer.is_confined:
        return None
    return await info.context.run(second_factor_use_cases.second_factor)


async def login(
    info: Ctx, email: str, password: str, tenant: str | None, code: str | None
) -> TokenPair:
    context = info.context
    _, pair = await use_cases.login(
        context.services, email, password, context.device, tenant, code=code
    )
    return pair


async def finish_sign_in(
    info: Ctx, handoff: str, verifier: str, invitation: str | None
) -> FinishedSignIn:
    context = info.context
    return await sign_in_use_cases.finish_sign_in(
        context.services, handoff, verifier, context.device, invitation
    )


async def refresh_session(info: Ctx, token: str) -> TokenPair:
    return await info.context.services.accounts.refresh(token, info.context.device)


async def logout(info: Ctx, token: str) -> None:
    await info.context.services.accounts.sign_out(token)


async def switch_tenant(info: Ctx, id: str) -> TokenPair:
    tenant = TenantId(require_id("Tenant", id))
    return await info.context.run(use_cases.switch_tenant, tenant, info.context.device)


async def end_session(info: Ctx, id: str) -> None:
    await info.context.run(use_cases.end_session, SessionId(require_id("Session", id)))
