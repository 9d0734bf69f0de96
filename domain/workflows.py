"""A workflow: agents joined into a graph, and the versions it is published as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from domain.access import TenantId
from domain.agents import AgentSpec
from domain.errors import InvalidInput, Path
from domain.names import AGENT_NAME, IDENTIFIER, check_name, check_text
from domain.tools import ToolSpec

WorkflowId = NewType("WorkflowId", UUID)
VersionId = NewType("VersionId", UUID)

MOST_NODES = 100
MOST_CONNECTIONS = 1_000
HANDOFF_PREFIX = "transfer_to_"
END_CALL = "end_call"
"""Tools that a workflow brings itself: one per way out, and one in exit nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an editor draws a node, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place in the workflow, held by an agent."""

    id: str
    agent: str
    is_entry: bool = False
    is_exit: bool = False
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A way from one node to another. The model is told `description`: when to take it."""

    source: str
    target: str
    description: str = ""
    context_passed: tuple[str, ...] = ()

    @property
    def tool_name(self) -> str:
        """The name under which the model sees this way out of its node."""
        return f"{HANDOFF_PREFIX}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpec:
    """Everything of a workflow that people edit. `name` is its slug."""

    name: str
    display_name: str | None = None
    description: str | None = None
    nodes: tuple[Node, ...] = ()
    connections: tuple[Connection, ...] = ()
    shared_context: tuple[str, ...] = ()

    @property
    def entry(self) -> Node:
        return next(node for node in self.nodes if node.is_entry)

    def node(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)

    def ways_out(self, id: str) -> tuple[Connection, ...]:
        return tuple(c for c in self.connections if c.source == id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow as it stands now; `published` is the version that calls run."""

    id: WorkflowId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: WorkflowSpec
    published: VersionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A workflow with every agent and tool it uses, as they were at one moment."""

    workflow: WorkflowSpec
    agents: Mapping[str, AgentSpec]
    tools: Mapping[str, ToolSpec]

    def agent_of(self, node: str) -> AgentSpec:
        return self.agents[self.workflow.node(node).agent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published snapshot: never changes. A call runs exactly one. `number` 0 is a draft."""

    id: VersionId
    tenant_id: TenantId
    workflow_id: WorkflowId
    number: int
    checksum: str
    note: str | None
    published_at: datetime
    published_by: str
    snapshot: Snapshot


def check_workflow(spec: WorkflowSpec, path: Path = ("input",)) -> WorkflowSpec:
    """The spec itself, or `InvalidInput` naming the first field that breaks a rule.

    Whether the graph makes sense is a matter of verification, not of input."""
    check_name(spec.name, (*path, "slug"), AGENT_NAME)
    check_text(spec.display_name, (*path, "name"), most=120)
    check_text(spec.description, (*path, "description"), most=2_000)
    if len(spec.nodes) > MOST_NODES:
        raise InvalidInput(f"A workflow may have {MOST_NODES} nodes.", (*path, "nodes"))
    if len(spec.connections) > MOST_CONNECTIONS:
        raise InvalidInput(
            f"A workflow may have {MOST_CONNECTIONS} connections.", (*path, "connections")
        )
    for place, node in enumerate(spec.nodes):
        check_name(node.id, (*path, "nodes", str(place), "id"), IDENTIFIER)
        check_name(node.agent, (*path, "nodes", str(place), "agent"), AGENT_NAME)
    for place, connection in enumerate(spec.connections):
        here = (*path, "connections", str(place))
        check_text(connection.description, (*here, "description"), most=2_000)
    for place, key in enumerate(spec.shared_context):
        check_name(key, (*path, "sharedContext", str(place)), IDENTIFIER)
    return spec
