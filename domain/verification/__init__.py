"""Is a workflow sound? Every finding at once, each with where it is and how to mend it.

An ERROR is what would go wrong for certain; a WARNING may be meant."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agents import AgentSpec
from domain.findings import Finding
from domain.tenants import TenantSettings
from domain.tools import ToolSpec
from domain.verification import agents, conditions, forms, graph, reads, skips, tools
from domain.workflows import Snapshot, WorkflowSpec


def verify(
    snapshot: Snapshot,
    settings: TenantSettings | None = None,
    keys: frozenset[str] | None = None,
) -> tuple[Finding, ...]:
    """Findings in a stable order: by rule, then by place in the config.

    Without `settings` it is not asked what they name; without `keys`, the providers for which there
    is a key, it is not asked whether there is one."""
    broken = tuple(forms.findings(snapshot))
    found = [*graph.findings(snapshot)]
    if not broken:
        found += skips.findings(snapshot)
        found += conditions.findings(snapshot)
    found += agents.findings(snapshot, settings, keys)
    found += broken
    if not broken:
        found += tools.findings(snapshot, settings)
        found += reads.findings(snapshot, settings)
    return tuple(found)


def used_by(
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
