"""Findings about the parameters of tools: values in the schema that the schema does not accept."""

from __future__ import annotations

from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.json_schema.validator import declared_values
from domain.tools.model import ToolSpec
from domain.verification.reporting import error
from domain.verification.work import WorkBudget


def findings(name: str, tool: ToolSpec, budget: WorkBudget) -> Iterator[Finding]:
    for declared in declared_values(tool.parameters):
        budget.spend(declared.work)
        if declared.problem is not None:
            yield error(
                FindingCode.WRONG_PARAMETER_VALUE,
                ("tools", name, "parameters", *declared.pointer),
                f"The value can never be used: {declared.problem}.",
                "Correct the value, or the type of the parameter.",
            )
