"""Is a workflow sound? Every finding at once, each with where it is and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from domain.agents import AgentSpec
from domain.catalogue import names
from domain.findings import Finding, FindingCode, Severity
from domain.providers import ProviderKind
from domain.tools import ToolSpec
from domain.workflows import END_CALL, HANDOFF_PREFIX, Snapshot, WorkflowSpec

_C = FindingCode


def verify(snapshot: Snapshot) -> tuple[Finding, ...]:
    """Findings in a stable order: by rule, then by place in the config."""
    rules: tuple[Callable[[Snapshot], Iterator[Finding]], ...] = (
        _entries_and_exits,
        _nodes,
        _connections,
        _reach,
        _agents,
    )
    return tuple(finding for rule in rules for finding in rule(snapshot))


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


def _entries_and_exits(snapshot: Snapshot) -> Iterator[Finding]:
    nodes = snapshot.workflow.nodes
    entries = [n.id for n in nodes if n.is_entry]
    if not entries:
        yield _error(
            _C.NO_ENTRY,
            ("nodes",),
            "No node is the entry, so a call would not know where to begin.",
            "Set isEntry on the node that takes the call.",
        )
    if len(entries) > 1:
        yield _error(
            _C.MANY_ENTRIES,
            ("nodes",),
            f"{len(entries)} nodes are the entry: {', '.join(entries)}.",
            "Leave isEntry on one of them.",
        )
    if nodes and not any(n.is_exit for n in nodes):
        yield _error(
            _C.NO_EXIT,
            ("nodes",),
            "No node is an exit, so the workflow has no place where a call is done.",
            "Set isExit on the node where conversations finish.",
        )


def _nodes(snapshot: Snapshot) -> Iterator[Finding]:
    seen = Counter(n.id for n in snapshot.workflow.nodes)
    for place, node in enumerate(snapshot.workflow.nodes):
        if seen[node.id] > 1:
            yield _error(
                _C.DUPLICATE_NODE,
                ("nodes", str(place), "id"),
                f"The id {node.id!r} stands {seen[node.id]} times.",
                "Give every node its own id.",
            )
        if node.agent not in snapshot.agents:
            yield _error(
                _C.UNKNOWN_AGENT,
                ("nodes", str(place), "agent"),
                f"There is no agent named {node.agent!r}.",
                "Create that agent, or name one that exists.",
            )


def _connections(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    ids = {n.id for n in workflow.nodes}
    seen = Counter((c.source, c.target) for c in workflow.connections)
    for place, connection in enumerate(workflow.connections):
        for end in ("source", "target"):
            id = getattr(connection, end)
            if id not in ids:
                yield _error(
                    _C.UNKNOWN_NODE,
                    ("connections", str(place), end),
                    f"There is no node {id!r}.",
                    "Name a node of this workflow.",
                )
        if seen[connection.source, connection.target] > 1:
            yield _error(
                _C.DUPLICATE_CONNECTION,
                ("connections", str(place)),
                f"{connection.source} and {connection.target} are joined more than once.",
                "Keep one connection and say in its description when it is taken.",
            )


def _reach(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    forward = {n.id: [c.target for c in workflow.ways_out(n.id)] for n in workflow.nodes}
    backward = {
        n.id: [c.source for c in workflow.connections if c.target == n.id] for n in workflow.nodes
    }
    entries = [n.id for n in workflow.nodes if n.is_entry]
    exits = [n.id for n in workflow.nodes if n.is_exit]
    reached, leading_out = _closure(entries, forward), _closure(exits, backward)
    for place, node in enumerate(workflow.nodes):
        if entries and node.id not in reached:
            yield _error(
                _C.UNREACHABLE_NODE,
                ("nodes", str(place)),
                f"No connection leads from the entry to {node.id!r}.",
                "Connect it, or remove it.",
            )
        elif exits and node.id not in leading_out:
            yield _error(
                _C.DEAD_END,
                ("nodes", str(place)),
                f"From {node.id!r} no connection leads to an exit.",
                "Connect it onward, or set isExit on it.",
            )


def _agents(snapshot: Snapshot) -> Iterator[Finding]:
    known = names(ProviderKind.LLM)
    for name, agent in snapshot.agents.items():
        if agent.llm is None:
            yield _error(
                _C.NO_MODEL,
                ("agents", name, "llm"),
                f"{name!r} has no model, and the settings have none for all.",
                "Choose a model for it, or a default for all agents.",
            )
        elif agent.llm.provider not in known:
            yield _error(
                _C.UNKNOWN_PROVIDER,
                ("agents", name, "llm", "provider"),
                f"There is no model provider {agent.llm.provider!r}.",
                f"Choose one of {', '.join(sorted(known))}.",
            )
        for tool in agent.tools:
            if tool not in snapshot.tools:
                yield _error(
                    _C.UNKNOWN_TOOL,
                    ("agents", name, "tools"),
                    f"There is no tool named {tool!r}.",
                    "Create that tool, or take it off the agent.",
                )
            if tool == END_CALL or tool.startswith(HANDOFF_PREFIX):
                yield _error(
                    _C.TOOL_NAME_CLASH,
                    ("agents", name, "tools"),
                    f"{tool!r} is a name that workflows use themselves.",
                    f"Rename the tool: {END_CALL} and {HANDOFF_PREFIX}… are kept.",
                )


def _closure(start: list[str], edges: Mapping[str, list[str]]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        fresh = [id for id in edges.get(todo.pop(), []) if id not in seen]
        seen.update(fresh)
        todo.extend(fresh)
    return seen


def _error(code: FindingCode, path: tuple[str, ...], message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, path=path, message=message, fix=fix)
