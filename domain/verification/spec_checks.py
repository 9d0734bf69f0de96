"""Findings about stored specs that break current input rules, because they were saved earlier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from domain.common.findings import Finding, FindingCode
from domain.common.problems import MAX_PROBLEMS, Problems
from domain.tools.model import tool_problems
from domain.verification.reporting import error
from domain.workflows.agents import agent_problems
from domain.workflows.model import Snapshot, workflow_problems

FIX = "Change it so that it follows this rule, and save it."


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    yield from _broken_rules(workflow_problems(snapshot.workflow), FindingCode.INVALID_WORKFLOW)
    for name, agent in snapshot.agents.items():
        yield from _broken_rules(agent_problems(agent, ("agents", name)), FindingCode.INVALID_AGENT)
    for name, tool in snapshot.tools.items():
        yield from _broken_rules(tool_problems(tool, ("tools", name)), FindingCode.INVALID_TOOL)


def _broken_rules(problems: Problems, code: FindingCode) -> Iterator[Finding]:
    for problem in islice(problems, MAX_PROBLEMS):
        yield error(code, problem.path or (), problem.message, FIX)
