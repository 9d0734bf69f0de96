"""The roles and the API keys of the tenant."""

from __future__ import annotations

from collections.abc import Sequence

from domain.ports import PageKey
from domain.tenants.api_keys import ApiKey
from domain.tenants.roles import NamedRole
from domain.use_cases import api_keys as key_use_cases
from domain.use_cases import roles as role_use_cases
from resolvers.context import Ctx
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page


async def roles(info: Ctx) -> Sequence[NamedRole]:
    return await info.context.run(role_use_cases.list_roles)


async def api_keys(info: Ctx, first: int | None, after: str | None) -> Page[ApiKey]:
    key = decode_cursor("apiKeys", after)
    page = await info.context.run(key_use_cases.list_api_keys, clamp_page_size(first), key)
    return keyset_page("apiKeys", page, lambda each: PageKey(each.created_at, each.id))
