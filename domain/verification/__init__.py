"""Verification of workflows: reports all findings at once, each with its path and how to fix it.

An ERROR is certain to fail in a call; a WARNING may be intentional."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.common.findings import Finding, FindingCode
from domain.tenants.settings import TenantSettings
from domain.tools.model import ToolSpec
from domain.verification import (
    agents,
    conditions,
    graph,
    skip_paths,
    spec_checks,
    tools,
    variable_flow,
)
from domain.verification.work import DRAFT, PUBLISH, Effort, TooMuchWork, WorkBudget
from domain.workflows.agents import AgentSpec
from domain.workflows.model import Snapshot, WorkflowSpec

__all__ = ["DRAFT", "PUBLISH", "Effort", "build_snapshot", "verify"]

WORK_PER_FINDING = 70
"""The work of creating a finding and of sending it to a client."""


def verify(
    snapshot: Snapshot,
    settings: TenantSettings | None = None,
    keys: frozenset[str] | None = None,
    effort: Effort = PUBLISH,
) -> tuple[Finding, ...]:
    """Findings in a stable order: by rule, then by place in the config.

    Without `settings`, references to endpoints, MCP servers and settings are not checked; without
    `keys`, the names of the providers that have an API key, missing keys are not reported. If
    `effort` is exceeded, the last finding is TOO_COMPLEX: the others are true but may be
    incomplete."""
    budget = WorkBudget(effort.max_work)
    findings: list[Finding] = []
    try:
        for finding in _rules(snapshot, settings, keys, budget):
            findings.append(finding)
            budget.spend(WORK_PER_FINDING)
    except TooMuchWork:
        findings.append(_too_complex(effort))
    return tuple(findings)


def _rules(
    snapshot: Snapshot,
    settings: TenantSettings | None,
    keys: frozenset[str] | None,
    budget: WorkBudget,
) -> Iterator[Finding]:
    broken = tuple(spec_checks.findings(snapshot))
    yield from graph.findings(snapshot)
    if not broken:
        yield from skip_paths.findings(snapshot)
        yield from conditions.findings(snapshot, budget)
    yield from agents.findings(snapshot, settings, keys)
    yield from broken
    if not broken:
        yield from tools.findings(snapshot, settings)
        yield from variable_flow.findings(snapshot, settings, budget)


def _too_complex(effort: Effort) -> Finding:
    return Finding(
        code=FindingCode.TOO_COMPLEX,
        severity=effort.severity,
        path=("connections",),
        message="The workflow is too complex to be verified completely; it may have more problems.",
        fix="Fix the other findings, and use fewer or simpler conditions on each node.",
    )


def build_snapshot(
    spec: WorkflowSpec, agents: Mapping[str, AgentSpec], tools: Mapping[str, ToolSpec]
) -> Snapshot:
    """The workflow together with the agents and tools that it uses, out of those given."""
    used_agents = {n.agent: agents[n.agent] for n in spec.nodes if n.agent in agents}
    used_tools = {tool for agent in used_agents.values() for tool in agent.tools}
    return Snapshot(
        workflow=spec,
        agents=dict(sorted(used_agents.items())),
        tools={name: tools[name] for name in sorted(used_tools) if name in tools},
    )
