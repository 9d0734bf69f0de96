"""Findings about nodes that are skipped or route at once: where the conversation continues, and
whether it still can end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.common.findings import Finding, FindingCode
from domain.verification.reporting import (
    error,
    outgoing_connections,
    reachable,
    reverse_edges,
    warning,
)
from domain.workflows.model import Connection, EntryAction, Node, Snapshot, WorkflowSpec

_C = FindingCode
USES_DEFAULT = frozenset({EntryAction.ROUTE, EntryAction.TRANSFER_CALL})
"""What may take the default connection of a node that is not skipped."""


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    outgoing = outgoing_connections(workflow)
    for index, node in enumerate(workflow.nodes):
        yield from _defaults(node, outgoing[node.id])
        if node.skip_condition is not None:
            connections = [connection for _, connection in outgoing[node.id]]
            yield from _skip_target(index, node, connections)
        if node.on_entry is EntryAction.ROUTE:
            yield from _route_target(index, node, [c for _, c in outgoing[node.id]])
    yield from _all_skipped(workflow)


def _defaults(node: Node, outgoing: Sequence[tuple[int, Connection]]) -> Iterator[Finding]:
    defaults = [str(index) for index, connection in outgoing if connection.is_default]
    if len(defaults) > 1:
        yield error(
            _C.MANY_DEFAULTS,
            ("connections", defaults[1], "isDefault"),
            f"The node {node.id!r} has {len(defaults)} default connections.",
            "Keep isDefault on only one of them.",
        )
    if defaults and node.skip_condition is None and node.on_entry not in USES_DEFAULT:
        yield warning(
            _C.USELESS_DEFAULT,
            ("connections", defaults[0], "isDefault"),
            f"The node {node.id!r} is never skipped and does not route at once or transfer calls, so "
            "its default connection has no effect.",
            "Remove isDefault, or give the node a skipCondition or onEntry: ROUTE.",
        )


def _route_target(index: int, node: Node, connections: Sequence[Connection]) -> Iterator[Finding]:
    """A node that routes at once needs a connection that can always be taken."""
    here = ("nodes", str(index), "onEntry")
    if not connections:
        yield error(
            _C.ROUTES_TO_NOWHERE,
            here,
            f"The node {node.id!r} routes at once, but has no outgoing connection.",
            "Add an outgoing connection, or change onEntry.",
        )
    elif all(c.condition is not None and not c.is_default for c in connections):
        yield warning(
            _C.ROUTES_TO_NOWHERE,
            here,
            f"When none of the conditions at the node {node.id!r} holds, its agent talks with the "
            "caller.",
            "Set isDefault on one of its connections.",
        )


def _skip_target(index: int, node: Node, connections: Sequence[Connection]) -> Iterator[Finding]:
    """A skipped node needs one connection that is taken without a choice by the model."""
    unconditional = [c for c in connections if c.condition is None]
    if any(c.is_default for c in connections) or len(unconditional) == 1:
        return
    here = ("nodes", str(index), "skipCondition")
    if len(unconditional) > 1:
        yield error(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"When the node {node.id!r} is skipped, {len(unconditional)} connections lead onward "
            "and none of them is the default.",
            "Set isDefault on one of them.",
        )
    elif connections:
        yield warning(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"When the node {node.id!r} is skipped and none of its connections' conditions holds, "
            "the node is entered anyway.",
            "Set isDefault on one of its connections.",
        )
    else:
        yield error(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"The node {node.id!r} has no outgoing connection, so it cannot be skipped.",
            "Add an outgoing connection, or remove skipCondition.",
        )


def _all_skipped(workflow: WorkflowSpec) -> Iterator[Finding]:
    """Even if every skippable node is skipped, each remaining node must lead to an exit."""
    remaining = [node for node in workflow.nodes if node.skip_condition is None]
    skippable = {node.id for node in workflow.nodes} - {node.id for node in remaining}
    if not skippable or not any(node.ends_calls for node in workflow.nodes):
        return
    onward = {
        id: [c.target for _, c in outgoing]
        for id, outgoing in outgoing_connections(workflow).items()
    }
    exits = {node.id for node in remaining if node.ends_calls}
    # A skipped node without outgoing connections is entered anyway; as an exit it can end the call.
    exits |= {n.id for n in workflow.nodes if n.ends_calls and not onward[n.id]}
    back = reverse_edges(onward)
    to_any_exit = reachable([n.id for n in workflow.nodes if n.ends_calls], back)
    to_remaining_exit = reachable(exits, back)
    for index, node in enumerate(workflow.nodes):
        if node.id in skippable or node.id not in to_any_exit:
            continue
        if node.id not in to_remaining_exit:
            yield error(
                _C.SKIPPED_DEAD_END,
                ("nodes", str(index)),
                f"When all nodes with a skipCondition are skipped, no path leads from {node.id!r} "
                "to an exit.",
                "Add a connection that leads to an exit without a skipCondition.",
            )
