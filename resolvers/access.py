"""The roles and the API keys of the tenant."""

from __future__ import annotations

from collections.abc import Sequence

from domain.tenants.api_keys import ApiKey
from domain.tenants.roles import NamedRole
from domain.use_cases import api_keys as key_use_cases
from domain.use_cases import roles as role_use_cases
from resolvers.context import Ctx
from resolvers.pagination import CountedPage, PageArguments, counted_page, parse_time


async def roles(info: Ctx) -> Sequence[NamedRole]:
    return await info.context.run(role_use_cases.list_roles)


async def api_keys(info: Ctx, page: PageArguments) -> CountedPage[ApiKey]:
    window = page.window("apiKeys", parse_time)
    listed = await info.context.run(key_use_cases.list_api_keys, window)
    return counted_page("apiKeys", listed, lambda: info.context.run(key_use_cases.count_api_keys))
