"""Findings about stored specs that break current input rules, because they were saved earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.common.errors import InvalidInput
from domain.common.findings import Finding, FindingCode
from domain.tools.model import check_tool
from domain.verification.reporting import Path, error
from domain.workflows.agents import check_agent
from domain.workflows.model import Snapshot, check_workflow

FIX = "Change it so that it follows this rule, and save it."


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    yield from _broken_rules(
        lambda: check_workflow(snapshot.workflow, ()), FindingCode.INVALID_WORKFLOW
    )
    for name, agent in snapshot.agents.items():
        path = ("agents", name)
        yield from _broken_rules(
            lambda a=agent, p=path: check_agent(a, p), FindingCode.INVALID_AGENT
        )
    for name, tool in snapshot.tools.items():
        path = ("tools", name)
        yield from _broken_rules(lambda t=tool, p=path: check_tool(t, p), FindingCode.INVALID_TOOL)


def _broken_rules(check: Callable[..., Any], code: FindingCode) -> Iterator[Finding]:
    try:
        check()
    except InvalidInput as problem:
        path: Path = problem.path or ()
        yield error(code, path, problem.message, FIX)
