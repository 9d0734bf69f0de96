"""Is a workflow sound? Every finding at once, each with where it is and how to mend it.

An ERROR is what would go wrong for certain; a WARNING may be meant."""

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
"""To make one and to show it to a client."""


def verify(
    snapshot: Snapshot,
    settings: TenantSettings | None = None,
    keys: frozenset[str] | None = None,
    effort: Effort = PUBLISH,
) -> tuple[Finding, ...]:
    """Findings in a stable order: by rule, then by place in the config.

    Without `settings` it is not asked what they name; without `keys`, the providers for which there
    is a key, it is not asked whether there is one. Where the effort does not suffice, the last
    finding says so: then every other one is true, but they may not be all."""
    budget = WorkBudget(effort.max_work)
    found: list[Finding] = []
    try:
        for finding in _rules(snapshot, settings, keys, budget):
            found.append(finding)
            budget.spend(WORK_PER_FINDING)
    except TooMuchWork:
        found.append(_too_complex(effort))
    return tuple(found)


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
        message="The workflow is too complex to be verified completely: there may be more to find.",
        fix="Mend what was found, and give nodes fewer or simpler conditions.",
    )


def build_snapshot(
    spec: WorkflowSpec, agents: Mapping[str, AgentSpec], tools: Mapping[str, ToolSpec]
) -> Snapshot:
    """The workflow with those of the given agents and tools that it refers to."""
    chosen = {n.agent: agents[n.agent] for n in spec.nodes if n.agent in agents}
    wanted = {tool for agent in chosen.values() for tool in agent.tools}
    return Snapshot(
        workflow=spec,
        agents=dict(sorted(chosen.items())),
        tools={name: tools[name] for name in sorted(wanted) if name in tools},
    )
