"""The mutations of the audit log."""

from __future__ import annotations

import strawberry

from domain.use_cases import audit
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import audit as a
from graph.schema.types.lists import TimeRange
from resolvers.context import Ctx


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class AuditMutation:
    @mutation("Change for how long the audit log of your tenant is kept.")
    async def set_audit_retention(
        self, info: Ctx, input: Input[a.SetAuditRetentionInput]
    ) -> a.SetAuditRetentionResult:
        days = await info.context.run(audit.set_retention_days, input.days)
        return a.SetAuditRetentionSuccess(retention=a.AuditRetention(days=days))

    @mutation("Get a link to an export of the audit log.")
    async def create_audit_export(
        self, info: Ctx, input: Input[a.CreateAuditExportInput]
    ) -> a.CreateAuditExportResult:
        at = input.at or TimeRange()
        export = await info.context.run(audit.create_export, at.since, at.until)
        return a.CreateAuditExportSuccess.of(export)
