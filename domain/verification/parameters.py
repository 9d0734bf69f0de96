"""Findings about the parameters of tools: values in the schema that the schema does not accept."""

from __future__ import annotations

from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.json_schema.validator import declared_value_problems
from domain.tools.model import ToolSpec
from domain.verification.reporting import error
from domain.verification.work import WorkBudget

WORK_PER_VALUE = 5


def findings(name: str, tool: ToolSpec, budget: WorkBudget) -> Iterator[Finding]:
    for pointer, problem in declared_value_problems(tool.parameters):
        budget.spend(WORK_PER_VALUE)
        if problem is not None:
            yield error(
                FindingCode.WRONG_PARAMETER_VALUE,
                ("tools", name, "parameters", *pointer),
                f"The value can never be used: {problem}.",
                "Correct the value, or the type of the parameter.",
            )
