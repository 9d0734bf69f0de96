"""The queries of identity providers and of the ways to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from domain.sign_in.identity_providers import IdentityProvider, SignInOption
from graph.schema.types.identity_providers import IdentityProviderType, SignInOptionType
from resolvers import sign_in
from resolvers.context import Ctx


@strawberry.type(description="Operations that read data.")
class SignInQuery:
    @strawberry.field(
        description="Identity providers of your tenant, newest first.",
        graphql_type=list[IdentityProviderType] | None,
    )
    async def identity_providers(self, info: Ctx) -> Sequence[IdentityProvider]:
        return await sign_in.identity_providers(info)

    @strawberry.field(
        description=(
            "Identity providers with which users of a tenant can sign in. It needs no credential, and is "
            "empty for a tenant that does not exist."
        ),
        graphql_type=list[SignInOptionType] | None,
    )
    async def sign_in_options(
        self,
        info: Ctx,
        tenant: Annotated[str, strawberry.argument(description="Slug of the tenant.")],
    ) -> Sequence[SignInOption]:
        return await sign_in.sign_in_options(info, tenant)
