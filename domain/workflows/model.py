"""A workflow: agents joined into a graph, and the versions it is published as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import AGENT_NAME, IDENTIFIER, check_name, check_text
from domain.templating.validation import READABLE_NAMESPACES, check_condition, check_template
from domain.tools.model import ToolSpec
from domain.workflows.agents import AgentSpec

WorkflowId = NewType("WorkflowId", UUID)
VersionId = NewType("VersionId", UUID)

CONNECTION_NAMESPACES = READABLE_NAMESPACES - {"params"}
"""No tool is being used where the way is chosen."""
MAX_NODES = 100
MAX_CONNECTIONS = 1_000
MAX_CONDITION_CHARACTERS = 131_072
"""Of all conditions of a workflow together."""
MAX_KEYS = 100
"""Of `contextPassed` and of `sharedContext`."""
MAX_REPEATS = 50
MAX_LAST_TURNS = 200
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
    skip_condition: str | None = None
    """While it holds, conversations pass this node by."""
    position: Position | None = None


class ContextPolicy(StrEnum):
    """How much of the conversation so far the next agent is shown."""

    FULL = "FULL"
    LAST_N = "LAST_N"
    SUMMARY = "SUMMARY"
    VARIABLES_ONLY = "VARIABLES_ONLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A way from one node to another.

    With a `condition` it is taken without asking the model, once that holds; else the model is told
    `description`: when to take it. Of several whose condition holds, the one of the highest
    `priority` is taken, and of equal ones the first."""

    source: str
    target: str
    description: str = ""
    condition: str | None = None
    priority: int = 0
    is_default: bool = False
    """Where a conversation goes that passes the source by, when no condition holds."""
    may_repeat: int = 1
    """How often it may be taken in one call."""
    context_policy: ContextPolicy = ContextPolicy.FULL
    last_n: int = 10
    """Turns, for LAST_N."""
    context_passed: tuple[str, ...] = ()

    @property
    def tool_name(self) -> str:
        """The name under which the model sees this way out of its node."""
        return f"{HANDOFF_PREFIX}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingChoice:
    """Whether voice calls are recorded, and what callers are told of it before the greeting."""

    enabled: bool = False
    announcement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpec:
    """Everything of a workflow that people edit. `name` is its slug."""

    name: str
    display_name: str | None = None
    description: str | None = None
    nodes: tuple[Node, ...] = ()
    connections: tuple[Connection, ...] = ()
    shared_context: tuple[str, ...] = ()
    recording: RecordingChoice | None = None

    @property
    def is_recorded(self) -> bool:
        return self.recording is not None and self.recording.enabled

    @property
    def entry(self) -> Node:
        return next(node for node in self.nodes if node.is_entry)

    def node(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)

    def outgoing(self, id: str) -> tuple[Connection, ...]:
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

    def agent_at(self, node: str) -> AgentSpec:
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
    check_text(spec.display_name, (*path, "name"), max_length=120)
    check_text(spec.description, (*path, "description"), max_length=2_000)
    if len(spec.nodes) > MAX_NODES:
        raise InvalidInput(f"A workflow may have {MAX_NODES} nodes.", (*path, "nodes"))
    if len(spec.connections) > MAX_CONNECTIONS:
        raise InvalidInput(
            f"A workflow may have {MAX_CONNECTIONS} connections.", (*path, "connections")
        )
    _check_conditions(spec, path)
    for place, node in enumerate(spec.nodes):
        check_name(node.id, (*path, "nodes", str(place), "id"), IDENTIFIER)
        check_name(node.agent, (*path, "nodes", str(place), "agent"), AGENT_NAME)
        if node.skip_condition is not None:
            check_condition(
                node.skip_condition,
                (*path, "nodes", str(place), "skipCondition"),
                CONNECTION_NAMESPACES,
            )
    for place, connection in enumerate(spec.connections):
        here = (*path, "connections", str(place))
        check_text(connection.description, (*here, "description"), max_length=2_000)
        if connection.condition is not None:
            check_condition(connection.condition, (*here, "condition"), CONNECTION_NAMESPACES)
        if not 1 <= connection.may_repeat <= MAX_REPEATS:
            raise InvalidInput(f"mayRepeat is 1 to {MAX_REPEATS}.", (*here, "mayRepeat"))
        if not 1 <= connection.last_n <= MAX_LAST_TURNS:
            raise InvalidInput(f"lastN is 1 to {MAX_LAST_TURNS}.", (*here, "lastN"))
        if not abs(connection.priority) <= MAX_CONNECTIONS:
            raise InvalidInput("priority is a small number.", (*here, "priority"))
        _check_keys(connection.context_passed, (*here, "contextPassed"))
        for number, name in enumerate(connection.context_passed):
            check_name(name, (*here, "contextPassed", str(number)), IDENTIFIER)
    _check_keys(spec.shared_context, (*path, "sharedContext"))
    for place, key in enumerate(spec.shared_context):
        check_name(key, (*path, "sharedContext", str(place)), IDENTIFIER)
    if spec.recording is not None and spec.recording.announcement is not None:
        here = (*path, "recording", "announcement")
        check_text(spec.recording.announcement, here, max_length=2_000, min_length=1)
        check_template(spec.recording.announcement, here, CONNECTION_NAMESPACES)
    return spec


def _check_conditions(spec: WorkflowSpec, path: Path) -> None:
    """Before any of them is read."""
    long = sum(len(node.skip_condition or "") for node in spec.nodes)
    long += sum(len(way.condition or "") for way in spec.connections)
    if long > MAX_CONDITION_CHARACTERS:
        raise InvalidInput(
            f"The conditions of a workflow may have {MAX_CONDITION_CHARACTERS} characters "
            f"together, not {long}. Let tools set flags, and ask for those.",
            (*path, "connections"),
        )


def _check_keys(keys: Sequence[str], path: Path) -> None:
    if len(keys) > MAX_KEYS:
        raise InvalidInput(f"{path[-1]} may have {MAX_KEYS} keys, not {len(keys)}.", path)
