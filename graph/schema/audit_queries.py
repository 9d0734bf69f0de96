"""The queries of the audit log."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.audit.model import AuditEntry
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.audit import (
    AuditEntryConnection,
    AuditFilter,
    AuditHead,
    AuditRetention,
    filter_of,
)
from resolvers import audit
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments


@strawberry.type(description="Operations that read data.")
class AuditQuery:
    @strawberry.field(
        description=(
            "The audit log of your tenant, newest entries first. Some filters cover only the last 31 days "
            "unless they give a time; `since` of the page says so."
        ),
        graphql_type=AuditEntryConnection | None,
    )
    async def audit_log(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        filter: Annotated[
            AuditFilter | None,
            strawberry.argument(description="Filter; omit to return all entries."),
        ] = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[AuditEntry]:
        page = PageArguments(first, after, last, before)
        return await audit.entries(info, filter_of(filter), page)

    @strawberry.field(description="The newest entry of the audit log of your tenant, signed.")
    async def audit_head(self, info: Ctx) -> AuditHead | None:
        return AuditHead.of(await audit.head(info))

    @strawberry.field(description="For how long the audit log of your tenant is kept.")
    async def audit_retention(self, info: Ctx) -> AuditRetention | None:
        return AuditRetention(days=await audit.retention_days(info))
