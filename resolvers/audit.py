"""The audit log, its signed end, and for how long it is kept."""

from __future__ import annotations

from domain.audit.model import AuditEntry, AuditFilter, SignedHead
from domain.common.errors import InvalidInput
from domain.use_cases import audit as use_cases
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments, list_page, parse_time


async def entries(info: Ctx, filter: AuditFilter, page: PageArguments) -> Page[AuditEntry]:
    window = page.window("auditLog", parse_time)
    try:
        listed, since = await info.context.run(use_cases.list_entries, window, filter)
    except InvalidInput as error:
        raise error.within("filter") from None
    return list_page("auditLog", listed, since)


async def head(info: Ctx) -> SignedHead:
    return await info.context.run(use_cases.sign_newest)


async def retention_days(info: Ctx) -> int:
    return await info.context.run(use_cases.get_retention_days)
