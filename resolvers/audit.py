"""The audit log, its signed end, and for how long it is kept."""

from __future__ import annotations

from domain.audit.model import AuditEntry, AuditFilter, SignedHead
from domain.common.errors import InvalidInput
from domain.ports import PageKey
from domain.use_cases import audit as use_cases
from resolvers.context import Ctx
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page

LIST = "audit_log"


async def entries(
    info: Ctx, filter: AuditFilter, first: int | None, after: str | None
) -> Page[AuditEntry]:
    key = decode_cursor(LIST, after)
    try:
        page = await info.context.run(use_cases.list_entries, filter, clamp_page_size(first), key)
    except InvalidInput as error:
        raise error.within("filter") from None
    return keyset_page(LIST, page, lambda entry: PageKey(entry.at, entry.id))


async def head(info: Ctx) -> SignedHead:
    return await info.context.run(use_cases.sign_newest)


async def retention_days(info: Ctx) -> int:
    return await info.context.run(use_cases.get_retention_days)
