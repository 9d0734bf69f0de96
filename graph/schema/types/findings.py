"""The results of verification."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from domain.common import findings as domain
from domain.common.findings import FindingCode, Severity
from graph.requests.docs_links import finding_docs


@strawberry.type(description="One problem that verification found in a workflow.")
class Finding:
    code: FindingCode = strawberry.field(
        description="Machine-readable, stable code of the problem."
    )
    severity: Severity = strawberry.field(description="Whether the problem prevents publishing.")
    path: list[str] = strawberry.field(description="Path to the problem in the configuration.")
    message: str = strawberry.field(description="Human-readable description of the problem.")
    fix: str = strawberry.field(description="How to fix the problem.")

    @strawberry.field(
        description=(
            "Where the documentation explains the problem with an example: a path on the host of the API, "
            "which serves the page, such as `/docs/findings#no_entry`."
        )
    )
    def docs(self) -> str:
        return finding_docs(self.code)


@strawberry.type(description="All findings of a verification.")
class VerificationReport:
    findings: Sequence[domain.Finding] = strawberry.field(
        graphql_type=list[Finding], description="The findings, in a stable order."
    )

    @strawberry.field(description="Whether the workflow can be published, that is, has no errors.")
    def ok(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)
