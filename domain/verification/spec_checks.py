"""Parts that no longer keep the rules of input: they were saved when the rules were others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.common.errors import InvalidInput
from domain.common.findings import Finding, FindingCode
from domain.tools.model import check_tool
from domain.verification.reporting import Path, error
from domain.workflows.agents import check_agent
from domain.workflows.model import Snapshot, check_workflow

FIX = "Edit it so that it keeps the rule, and save it."


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
    except InvalidInput as broken:
        path: Path = broken.path
        yield error(code, path, broken.message, FIX)
