"""Identity providers, and the ways to sign in."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import Scope
from domain.common.lists import Window
from domain.sign_in.identity_providers import MAX_PROVIDERS, IdentityProvider, SignInOption
from domain.use_cases import sign_in as use_cases
from resolvers.context import Ctx


async def identity_providers(info: Ctx) -> Sequence[IdentityProvider]:
    viewer = info.context.require(Scope.IDENTITY_PROVIDERS_READ)
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        return (await work.identity_providers.page(Window(MAX_PROVIDERS))).items


async def sign_in_options(info: Ctx, tenant: str) -> Sequence[SignInOption]:
    return await use_cases.sign_in_options(info.context.services, tenant)
