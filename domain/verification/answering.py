"""Findings about what outbound phone calls say to machines that answer."""

from __future__ import annotations

from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.verification.reporting import error, warning
from domain.workflows.answering import NEEDED_TEXTS
from domain.workflows.model import WorkflowSpec


def findings(workflow: WorkflowSpec) -> Iterator[Finding]:
    answering = workflow.answering
    if answering is None:
        return
    for name, (field, action) in NEEDED_TEXTS.items():
        text, is_needed = getattr(answering, name), getattr(answering, field) is action
        path = ("answering", name)
        if is_needed and text is None:
            yield error(
                FindingCode.NO_ANSWERING_TEXT,
                path,
                f"{field} is {action}, but there is no {name}.",
                f"Set {name}, or choose another {field}.",
            )
        elif text is not None and not is_needed:
            yield warning(
                FindingCode.UNUSED_ANSWERING_TEXT,
                path,
                f"The {name} has no effect, because {field} is not {action}.",
                f"Set {field} to {action}, or remove the {name}.",
            )
