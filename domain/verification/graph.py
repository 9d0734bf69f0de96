"""The shape of the graph: where calls begin, where they can go, and where they are done."""

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
)
from domain.workflows.model import HANDOFF_PREFIX, Snapshot

MAX_TOOL_NAME_LENGTH = 64
"""Longer names of functions are refused by models' APIs."""

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
            "No node is the entry, so a call would not know where to begin.",
            "Set isEntry on the node that takes the call.",
        )
    if len(entries) > 1:
        yield error(
            _C.MANY_ENTRIES,
            ("nodes",),
            f"{len(entries)} nodes are the entry: {', '.join(entries)}.",
            "Leave isEntry on one of them.",
        )
    if nodes and not any(n.is_exit for n in nodes):
        yield error(
            _C.NO_EXIT,
            ("nodes",),
            "No node is an exit, so the workflow has no place where a call is done.",
            "Set isExit on the node where conversations finish.",
        )


def _nodes(snapshot: Snapshot) -> Iterator[Finding]:
    seen = Counter(n.id for n in snapshot.workflow.nodes)
    for place, node in enumerate(snapshot.workflow.nodes):
        if seen[node.id] > 1:
            yield error(
                _C.DUPLICATE_NODE,
                ("nodes", str(place), "id"),
                f"The id {node.id!r} stands {seen[node.id]} times.",
                "Give every node its own id.",
            )
        if node.agent not in snapshot.agents:
            yield error(
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
                yield error(
                    _C.UNKNOWN_NODE,
                    ("connections", str(place), end),
                    f"There is no node {id!r}.",
                    "Name a node of this workflow.",
                )
        if connection.source == connection.target:
            yield error(
                _C.SELF_CONNECTION,
                ("connections", str(place)),
                f"{connection.source!r} is connected to itself.",
                "Remove it: an agent that has the word keeps it.",
            )
        if len(connection.tool_name) > MAX_TOOL_NAME_LENGTH and connection.condition is None:
            yield error(
                _C.HANDOFF_NAME_TOO_LONG,
                ("connections", str(place), "target"),
                f"{connection.tool_name!r} is too long for the name of a tool.",
                f"Give the node an id of at most {MAX_TOOL_NAME_LENGTH - len(HANDOFF_PREFIX)} letters.",
            )
        if seen[connection.source, connection.target] > 1:
            yield error(
                _C.DUPLICATE_CONNECTION,
                ("connections", str(place)),
                f"{connection.source} and {connection.target} are joined more than once.",
                "Keep one connection and say in its description when it is taken.",
            )


def _reach(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    forward = {
        id: [c.target for _, c in ways] for id, ways in outgoing_connections(workflow).items()
    }
    entries = [n.id for n in workflow.nodes if n.is_entry]
    exits = [n.id for n in workflow.nodes if n.is_exit]
    known, leading_out = reachable(entries, forward), reachable(exits, reverse_edges(forward))
    for place, node in enumerate(workflow.nodes):
        if entries and node.id not in known:
            yield error(
                _C.UNREACHABLE_NODE,
                ("nodes", str(place)),
                f"No connection leads from the entry to {node.id!r}.",
                "Connect it, or remove it.",
            )
        elif exits and node.id not in leading_out:
            yield error(
                _C.DEAD_END,
                ("nodes", str(place)),
                f"From {node.id!r} no connection leads to an exit.",
                "Connect it onward, or set isExit on it.",
            )


def _cycles(snapshot: Snapshot) -> Iterator[Finding]:
    """A ring of connections is meant only where one of them may be taken more than once."""
    workflow = snapshot.workflow
    once = transitive_closure(
        {
            id: [c.target for _, c in ways if c.may_repeat == 1 and c.target != id]
            for id, ways in outgoing_connections(workflow).items()
        }
    )
    told: set[str] = set()
    for place, connection in enumerate(workflow.connections):
        source, target = connection.source, connection.target
        if connection.may_repeat > 1 or source in told or source == target or source not in once:
            continue
        if source not in once.get(target, ()):
            continue
        ring = [id for id in once[target] if source in once[id]]
        told.update(ring)
        yield error(
            _C.UNMARKED_CYCLE,
            ("connections", str(place)),
            f"A conversation could go round and round: {join_names(sorted(ring))}.",
            "Set mayRepeat on the connection that leads back: how often a call may take it.",
        )
