"""Findings about the graph of a workflow: entries, exits, connections, reachability and cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.verification.reporting import (
    error,
    join_names,
    outgoing_connections,
    reachable,
    reverse_edges,
    transitive_closure,
    warning,
)
from domain.workflows.model import HANDOFF_PREFIX, EntryAction, Snapshot, WorkflowSpec

MAX_TOOL_NAME_LENGTH = 64
"""Providers of language models reject longer tool names."""

_C = FindingCode


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    yield from _entries_and_exits(snapshot)
    yield from _nodes(snapshot)
    yield from _connections(snapshot)
    yield from _reach(snapshot)
    yield from _cycles(snapshot)


def _entries_and_exits(snapshot: Snapshot) -> Iterator[Finding]:
    nodes = snapshot.workflow.nodes
    entries = [n.id for n in nodes if n.is_entry]
    if not entries:
        yield error(
            _C.NO_ENTRY,
            ("nodes",),
            "No node is the entry, so calls have nowhere to start.",
            "Set isEntry on the node that answers the call.",
        )
    if len(entries) > 1:
        yield error(
            _C.MANY_ENTRIES,
            ("nodes",),
            f"{len(entries)} nodes are marked as the entry: {', '.join(entries)}.",
            "Keep isEntry on only one of them.",
        )
    if nodes and not any(n.ends_calls for n in nodes):
        yield error(
            _C.NO_EXIT,
            ("nodes",),
            "No node is an exit, so no agent can end the call.",
            "Set isExit on the node where conversations end, or let it end the call with onEntry.",
        )


def _nodes(snapshot: Snapshot) -> Iterator[Finding]:
    seen = Counter(n.id for n in snapshot.workflow.nodes)
    for index, node in enumerate(snapshot.workflow.nodes):
        if seen[node.id] > 1:
            yield error(
                _C.DUPLICATE_NODE,
                ("nodes", str(index), "id"),
                f"The id {node.id!r} is used by {seen[node.id]} nodes.",
                "Give each node a unique id.",
            )
        if node.agent not in snapshot.agents:
            yield error(
                _C.UNKNOWN_AGENT,
                ("nodes", str(index), "agent"),
                f"There is no agent named {node.agent!r}.",
                "Create the agent, or use an existing one.",
            )


def _connections(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    ids = {n.id for n in workflow.nodes}
    last = _last_nodes(workflow)
    seen = Counter((c.source, c.target) for c in workflow.connections)
    for index, connection in enumerate(workflow.connections):
        for end in ("source", "target"):
            id = getattr(connection, end)
            if id not in ids:
                yield error(
                    _C.UNKNOWN_NODE,
                    ("connections", str(index), end),
                    f"There is no node with the id {id!r}.",
                    "Use the id of a node of this workflow.",
                )
        if connection.source in last:
            yield warning(
                _C.NEVER_TAKEN,
                ("connections", str(index)),
                f"The call ends at the node {connection.source!r}, so the connection is never taken.",
                "Remove the connection, or change onEntry of the node.",
            )
        if connection.source == connection.target:
            yield error(
                _C.SELF_CONNECTION,
                ("connections", str(index)),
                f"The node {connection.source!r} is connected to itself, and a node cannot hand "
                "off to itself.",
                "Remove the connection.",
            )
        if len(connection.tool_name) > MAX_TOOL_NAME_LENGTH and connection.condition is None:
            yield error(
                _C.HANDOFF_NAME_TOO_LONG,
                ("connections", str(index), "target"),
                f"The hand-off tool name {connection.tool_name!r} is longer than "
                f"{MAX_TOOL_NAME_LENGTH} characters.",
                f"Give the node an id of at most {MAX_TOOL_NAME_LENGTH - len(HANDOFF_PREFIX)} "
                "characters.",
            )
        if seen[connection.source, connection.target] > 1:
            yield error(
                _C.DUPLICATE_CONNECTION,
                ("connections", str(index)),
                f"{connection.source!r} and {connection.target!r} are connected more than once.",
                "Keep one connection, and state in its description when to take it.",
            )


def _last_nodes(workflow: WorkflowSpec) -> set[str]:
    """The nodes that a conversation never leaves."""
    return {
        n.id
        for n in workflow.nodes
        if n.on_entry is EntryAction.END_CALL and n.skip_condition is None
    }


def _reach(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    last = _last_nodes(workflow)
    forward = {
        id: [] if id in last else [c.target for _, c in outgoing]
        for id, outgoing in outgoing_connections(workflow).items()
    }
    entries = [n.id for n in workflow.nodes if n.is_entry]
    exits = [n.id for n in workflow.nodes if n.ends_calls]
    from_entry, to_exit = reachable(entries, forward), reachable(exits, reverse_edges(forward))
    for index, node in enumerate(workflow.nodes):
        if entries and node.id not in from_entry:
            yield error(
                _C.UNREACHABLE_NODE,
                ("nodes", str(index)),
                f"No path leads from the entry to the node {node.id!r}.",
                "Add a connection that leads to it, or remove the node.",
            )
        elif exits and node.id not in to_exit:
            yield error(
                _C.DEAD_END,
                ("nodes", str(index)),
                f"No path leads from the node {node.id!r} to an exit.",
                "Add a connection that leads to an exit, or set isExit on the node.",
            )


def _cycles(snapshot: Snapshot) -> Iterator[Finding]:
    """A cycle is allowed only if one of its connections may be taken more than once."""
    workflow = snapshot.workflow
    once = transitive_closure(
        {
            id: [c.target for _, c in outgoing if c.may_repeat == 1 and c.target != id]
            for id, outgoing in outgoing_connections(workflow).items()
        }
    )
    reported: set[str] = set()
    for index, connection in enumerate(workflow.connections):
        source, target = connection.source, connection.target
        if (
            connection.may_repeat > 1
            or source in reported
            or source == target
            or source not in once
        ):
            continue
        if source not in once.get(target, ()):
            continue
        cycle = [id for id in once[target] if source in once[id]]
        reported.update(cycle)
        yield error(
            _C.UNMARKED_CYCLE,
            ("connections", str(index)),
            f"The conversation could repeat these nodes without end: {join_names(sorted(cycle))}.",
            "Set mayRepeat on the connection that leads back: how often a call may take it.",
        )
