"""The credentials of the tenant, without their values."""

from __future__ import annotations

from collections.abc import Sequence

from domain.tenants.credentials import Credential, CredentialKind
from domain.use_cases import credentials as use_cases
from resolvers.context import Ctx


async def credentials(info: Ctx, kind: CredentialKind) -> Sequence[Credential]:
    return await info.context.run(use_cases.list_credentials, kind)
