"""What verification has to say."""

from __future__ import annotations

import strawberry

from domain.common.findings import FindingCode, Severity


@strawberry.type(description="One thing that is wrong with a workflow.")
class Finding:
    code: FindingCode = strawberry.field(description="What it is, as a stable name.")
    severity: Severity = strawberry.field(description="Whether it stops publishing.")
    path: list[str] = strawberry.field(description="Where it is in the config.")
    message: str = strawberry.field(description="What is wrong.")
    fix: str = strawberry.field(description="How to mend it.")

    @strawberry.field(description="The page that explains it, with an example.")
    def docs(self) -> str:
        return f"docs/findings.md#{self.code.value.lower()}"


@strawberry.type(description="Everything that verification found.")
class VerificationReport:
    findings: list[Finding] = strawberry.field(description="In a stable order.")

    @strawberry.field(description="Whether the workflow could be published.")
    def ok(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)
