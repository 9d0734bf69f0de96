"""A workflow: a graph of agents, and the versions in which it is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import AGENT_NAME, IDENTIFIER, check_name, check_text
from domain.templating.validation import READABLE_NAMESPACES, condition_problems, template_problems
from domain.tools.model import ToolSpec
from domain.tools.transfers import TransferTarget, transfer_problems
from domain.workflows.agents import AgentSpec
from domain.workflows.answering import AnsweringSettings, answering_problems

WorkflowId = NewType("WorkflowId", UUID)
VersionId = NewType("VersionId", UUID)

CONNECTION_NAMESPACES = READABLE_NAMESPACES - {"params"}
"""The namespaces of conditions: no tool call is in progress when a connection is chosen."""
MAX_NODES = 100
MAX_CONNECTIONS = 1_000
MAX_CONDITION_CHARACTERS = 131_072
"""Characters of all conditions of a workflow together."""
MAX_KEYS = 100
"""Keys in `contextPassed`, and in `sharedContext`."""
MAX_REPEATS = 50
MAX_LAST_TURNS = 200
HANDOFF_PREFIX = "transfer_to_"
END_CALL = "end_call"
"""Names of the tools that a workflow adds itself: a hand-off tool for each outgoing connection, and
one that ends the call in exit nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The position of a node in an editor, in pixels."""

    x: float
    y: float


class EntryAction(StrEnum):
    """What happens when a conversation enters a node."""

    CONVERSE = "CONVERSE"
    """The agent speaks, then listens to the caller."""
    END_CALL = "END_CALL"
    """The agent speaks once, and the call ends."""
    ROUTE = "ROUTE"
    """The conversation moves on at once, after the greeting if the agent has one."""
    TRANSFER_CALL = "TRANSFER_CALL"
    """The caller is transferred to another number, after the greeting if the agent has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step of the workflow, in which one agent leads the conversation."""

    id: str
    agent: str
    is_entry: bool = False
    is_exit: bool = False
    skip_condition: str | None = None
    """While this condition is true, conversations skip the node. None: it is never skipped."""
    on_entry: EntryAction = EntryAction.CONVERSE
    transfer: TransferTarget | None = None
    """Where TRANSFER_CALL transfers the caller to. If that fails, the conversation takes the default
    connection; without one, the agent talks to the caller."""
    position: Position | None = None

    @property
    def ends_calls(self) -> bool:
        """Whether the call can end here."""
        return self.is_exit or self.on_entry in (EntryAction.END_CALL, EntryAction.TRANSFER_CALL)


class ContextPolicy(StrEnum):
    """How much of the conversation the next agent sees after a hand-off."""

    FULL = "FULL"
    LAST_N = "LAST_N"
    SUMMARY = "SUMMARY"
    VARIABLES_ONLY = "VARIABLES_ONLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection from one node to another, along which conversations are handed off.

    With a `condition`, it is taken without asking the model once the condition is true; otherwise
    the model chooses it, guided by `description`. If several conditions are true, the connection of
    the highest `priority` is taken, and among equal ones the first."""

    source: str
    target: str
    description: str = ""
    condition: str | None = None
    priority: int = 0
    is_default: bool = False
    """A conversation that skips the source, or is routed by it at once, takes this connection when
    no other is taken."""
    may_repeat: int = 1
    """How many times the connection may be taken in one call."""
    context_policy: ContextPolicy = ContextPolicy.FULL
    last_n: int = 10
    """The number of turns that LAST_N passes on."""
    context_passed: tuple[str, ...] = ()

    @property
    def tool_name(self) -> str:
        """The name of the hand-off tool by which the model takes this connection."""
        return f"{HANDOFF_PREFIX}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingChoice:
    """Whether voice calls are recorded, and the announcement that callers hear before the greeting;
    None is no announcement."""

    enabled: bool = False
    announcement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpec:
    """The editable part of a workflow. `name` is its slug."""

    name: str
    display_name: str | None = None
    description: str | None = None
    nodes: tuple[Node, ...] = ()
    connections: tuple[Connection, ...] = ()
    shared_context: tuple[str, ...] = ()
    recording: RecordingChoice | None = None
    answering: AnsweringSettings | None = None
    """What outbound phone calls do about machines that answer; None stands for the defaults."""

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
    """A workflow in its current state. `published` is the version that new calls run; None: it has
    not been published."""

    id: WorkflowId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: WorkflowSpec
    published: VersionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A workflow with every agent and tool it uses, all as of the same moment."""

    workflow: WorkflowSpec
    agents: Mapping[str, AgentSpec]
    tools: Mapping[str, ToolSpec]
    inherited: Mapping[str, tuple[str, ...]] | None = field(default=None, compare=False)
    """The fields of each agent that come from the defaults of the tenant; None in versions that are
    older than this field."""

    def agent_at(self, node: str) -> AgentSpec:
        return self.agents[self.workflow.node(node).agent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An immutable published snapshot; every call runs exactly one. `number` 0 marks a draft that a
    call was started on."""

    id: VersionId
    tenant_id: TenantId
    workflow_id: WorkflowId
    number: int
    checksum: str
    note: str | None
    published_at: datetime
    published_by: str
    snapshot: Snapshot


def check_workflow(
    spec: WorkflowSpec, path: Path = (), found: Iterable[Problem] = ()
) -> WorkflowSpec:
    """Return the spec. Raises `InvalidInput` with all problems, after those already `found`.

    Whether the graph is sound is checked by verification."""
    raise_per_value(found, workflow_problems(spec, path))
    return spec


def workflow_problems(spec: WorkflowSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_name, spec.name, (*path, "slug"), AGENT_NAME)
    yield from problems_of(check_text, spec.display_name, (*path, "name"), max_length=120)
    yield from problems_of(check_text, spec.description, (*path, "description"), max_length=2_000)
    too_large = tuple(_size_problems(spec, path))
    yield from too_large
    if too_large:
        return
    for index, node in enumerate(spec.nodes):
        yield from _node_problems(node, (*path, "nodes", str(index)))
    for index, connection in enumerate(spec.connections):
        yield from _connection_problems(connection, (*path, "connections", str(index)))
    yield from _key_problems(spec.shared_context, (*path, "sharedContext"))
    if spec.recording is not None and spec.recording.announcement is not None:
        here, announcement = (*path, "recording", "announcement"), spec.recording.announcement
        yield from problems_of(check_text, announcement, here, max_length=2_000, min_length=1)
        yield from template_problems(announcement, here, CONNECTION_NAMESPACES)
    if spec.answering is not None:
        yield from answering_problems(spec.answering, (*path, "answering"))


def _node_problems(node: Node, path: Path) -> Problems:
    yield from problems_of(check_name, node.id, (*path, "id"), IDENTIFIER)
    yield from problems_of(check_name, node.agent, (*path, "agent"), AGENT_NAME)
    if node.skip_condition is not None:
        yield from condition_problems(
            node.skip_condition, (*path, "skipCondition"), CONNECTION_NAMESPACES
        )
    yield from _transfer_problems(node, (*path, "transfer"))


def _transfer_problems(node: Node, path: Path) -> Problems:
    transfers = node.on_entry is EntryAction.TRANSFER_CALL
    if node.transfer is not None:
        yield from transfer_problems(node.transfer, path, CONNECTION_NAMESPACES)
    if transfers and node.transfer is None:
        yield InvalidInput("onEntry: TRANSFER_CALL needs transfer, with the number.", path)
    elif node.transfer is not None and not transfers:
        yield InvalidInput(
            "transfer has no effect without onEntry: TRANSFER_CALL; set it, or omit transfer.", path
        )


def _connection_problems(connection: Connection, path: Path) -> Problems:
    yield from problems_of(
        check_text, connection.description, (*path, "description"), max_length=2_000
    )
    if connection.condition is not None:
        yield from condition_problems(
            connection.condition, (*path, "condition"), CONNECTION_NAMESPACES
        )
    if not 1 <= connection.may_repeat <= MAX_REPEATS:
        yield InvalidInput(f"mayRepeat must be between 1 and {MAX_REPEATS}.", (*path, "mayRepeat"))
    if not 1 <= connection.last_n <= MAX_LAST_TURNS:
        yield InvalidInput(f"lastN must be between 1 and {MAX_LAST_TURNS}.", (*path, "lastN"))
    if not abs(connection.priority) <= MAX_CONNECTIONS:
        yield InvalidInput(
            f"priority must be between -{MAX_CONNECTIONS} and {MAX_CONNECTIONS}.",
            (*path, "priority"),
        )
    yield from _key_problems(connection.context_passed, (*path, "contextPassed"))


def _size_problems(spec: WorkflowSpec, path: Path) -> Problems:
    """Whether the workflow is too large for its conditions to be parsed."""
    if len(spec.nodes) > MAX_NODES:
        yield InvalidInput(f"A workflow may have at most {MAX_NODES} nodes.", (*path, "nodes"))
    if len(spec.connections) > MAX_CONNECTIONS:
        yield InvalidInput(
            f"A workflow may have at most {MAX_CONNECTIONS} connections.", (*path, "connections")
        )
    length = sum(len(node.skip_condition or "") for node in spec.nodes)
    length += sum(len(connection.condition or "") for connection in spec.connections)
    if length > MAX_CONDITION_CHARACTERS:
        yield InvalidInput(
            f"The conditions of a workflow may have at most {MAX_CONDITION_CHARACTERS} characters "
            f"in total, not {length}. Let tools set flags, and test the flags instead.",
            (*path, "connections"),
        )


def _key_problems(keys: Sequence[str], path: Path) -> Problems:
    if len(keys) > MAX_KEYS:
        yield InvalidInput(f"{path[-1]} may have at most {MAX_KEYS} keys, not {len(keys)}.", path)
        return
    for index, key in enumerate(keys):
        yield from problems_of(check_name, key, (*path, str(index)), IDENTIFIER)
