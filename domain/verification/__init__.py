"""Verification of workflows: reports all findings at once, each with its path and how to fix it.

An ERROR is certain to fail in a call; a WARNING may be intentional."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.common.findings import Finding, FindingCode
from domain.tenants.settings import TenantSettings
from domain.tools.model import ToolSpec
from domain.tools.network_allow_list import AllowList
from domain.verification import (
    addresses,
    agents,
    answering,
    conditions,
    graph,
    skip_paths,
    spec_checks,
    telephony,
    tools,
    variable_flow,
)
from domain.verification.telephony import TelephonyFacts
from domain.verification.work import DRAFT, PUBLISH, Effort, TooMuchWork, WorkBudget
from domain.workflows.agents import AgentSpec
from domain.workflows.model import Snapshot, WorkflowSpec

__all__ = [
    "DRAFT",
    "PUBLISH",
    "Effort",
    "TelephonyFacts",
    "build_snapshot",
    "verify",
    "verify_tools",
]

WORK_PER_FINDING = 70
"""The work of creating a finding and of sending it to a client."""


def verify(
    snapshot: Snapshot,
    settings: TenantSettings | None = None,
    keys: frozenset[str] | None = None,
    effort: Effort = PUBLISH,
    allowed: AllowList | None = None,
    telephony_facts: TelephonyFacts | None = None,
) -> tuple[Finding, ...]:
    """Findings in a stable order: by rule, then by place in the config.

    Without `settings`, references to endpoints, MCP servers and settings are not checked; without
    `keys`, the names of the providers that have an API key, missing keys are not reported. Without
    `allowed`, the operator's list of private addresses is not known; without `telephony_facts`, the
    need for a telephone is not checked. If `effort` is exceeded, the last finding is TOO_COMPLEX: the
    others are true but may be incomplete."""
    budget = WorkBudget(effort.max_work)
    rules = _rules(snapshot, settings, keys, budget, allowed, telephony_facts)
    return _within_budget(rules, budget, effort)


def verify_tools(
    specs: Mapping[str, ToolSpec], settings: TenantSettings | None
) -> tuple[Finding, ...]:
    """The findings about tools that do not depend on the workflows that use them."""
    budget = WorkBudget(PUBLISH.max_work)
    return _within_budget(_rules_of_tools(specs, settings, budget), budget, PUBLISH)


def _within_budget(
    rules: Iterator[Finding], budget: WorkBudget, effort: Effort
) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    try:
        for finding in rules:
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
    allowed: AllowList | None,
    telephony_facts: TelephonyFacts | None,
) -> Iterator[Finding]:
    broken = tuple(spec_checks.findings(snapshot))
    yield from graph.findings(snapshot)
    if not broken:
        yield from skip_paths.findings(snapshot)
        yield from conditions.findings(snapshot, budget)
    yield from agents.findings(snapshot, settings, keys)
    yield from answering.findings(snapshot.workflow)
    yield from broken
    if not broken:
        yield from tools.findings(snapshot, settings, budget)
        yield from addresses.findings(snapshot.tools, settings, allowed)
        yield from telephony.findings(snapshot, telephony_facts)
        yield from variable_flow.findings(snapshot, settings, budget)


def _rules_of_tools(
    specs: Mapping[str, ToolSpec], settings: TenantSettings | None, budget: WorkBudget
) -> Iterator[Finding]:
    for name, spec in specs.items():
        yield from tools.tool_findings(name, spec, settings, budget)
    yield from addresses.findings(specs, settings, None)


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
