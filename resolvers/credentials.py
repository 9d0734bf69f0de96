"""Keys and secrets of the tenant, without their values."""

from __future__ import annotations

from collections.abc import Sequence

from domain.actions import credentials as actions
from domain.credentials import Credential, CredentialKind
from resolvers.context import Ctx


async def credentials(info: Ctx, kind: CredentialKind) -> Sequence[Credential]:
    return await actions.credentials_of(info.context.services, info.context.require(), kind)
