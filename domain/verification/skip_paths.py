"""Nodes that are passed by: where a conversation goes then, and whether it still comes to an end."""

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
from domain.workflows.model import Connection, Node, Snapshot, WorkflowSpec

_C = FindingCode


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    workflow = snapshot.workflow
    out = outgoing_connections(workflow)
    for place, node in enumerate(workflow.nodes):
        placed = out[node.id]
        ways = [way for _, way in placed]
        yield from _defaults(node, placed)
        if node.skip_condition is not None:
            yield from _skip_target(place, node, ways)
    yield from _all_skipped(workflow)


def _defaults(node: Node, ways: Sequence[tuple[int, Connection]]) -> Iterator[Finding]:
    defaults = [str(place) for place, way in ways if way.is_default]
    if len(defaults) > 1:
        yield error(
            _C.MANY_DEFAULTS,
            ("connections", defaults[1], "isDefault"),
            f"{node.id!r} has {len(defaults)} default ways.",
            "Leave isDefault on one of them.",
        )
    if defaults and node.skip_condition is None:
        yield warning(
            _C.USELESS_DEFAULT,
            ("connections", defaults[0], "isDefault"),
            f"{node.id!r} is never passed by, so its default way is never taken as one.",
            "Remove isDefault, or give the node a skipCondition.",
        )


def _skip_target(place: int, node: Node, ways: Sequence[Connection]) -> Iterator[Finding]:
    """Passed by, a node needs one way that is taken without asking anybody."""
    plain = [way for way in ways if way.condition is None]
    if any(way.is_default for way in ways) or len(plain) == 1:
        return
    here = ("nodes", str(place), "skipCondition")
    if len(plain) > 1:
        yield error(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"When {node.id!r} is passed by, {len(plain)} ways lead on and none is the default.",
            "Set isDefault on one of them.",
        )
    elif ways:
        yield warning(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"When {node.id!r} is passed by and no condition holds, no way leads on: it is entered "
            "after all.",
            "Set isDefault on one of its connections.",
        )
    else:
        yield error(
            _C.SKIPPED_TO_NOWHERE,
            here,
            f"{node.id!r} has no way on, so it cannot be passed by.",
            "Connect it onward, or remove skipCondition.",
        )


def _all_skipped(workflow: WorkflowSpec) -> Iterator[Finding]:
    """With every skippable node passed by, each node that is left still comes to an exit."""
    left = [node for node in workflow.nodes if node.skip_condition is None]
    skippable = {node.id for node in workflow.nodes} - {node.id for node in left}
    if not skippable or not any(node.is_exit for node in workflow.nodes):
        return
    onward = {
        id: [c.target for _, c in ways] for id, ways in outgoing_connections(workflow).items()
    }
    exits = {node.id for node in left if node.is_exit}
    # A node that leads nowhere is entered after all, and one that is an exit may end the call.
    exits |= {n.id for n in workflow.nodes if n.is_exit and not onward[n.id]}
    back = reverse_edges(onward)
    leading_out = reachable([n.id for n in workflow.nodes if n.is_exit], back)
    leading_to_kept = reachable(exits, back)
    for place, node in enumerate(workflow.nodes):
        if node.id in skippable or node.id not in leading_out:
            continue
        if node.id not in leading_to_kept:
            yield error(
                _C.SKIPPED_DEAD_END,
                ("nodes", str(place)),
                f"When the nodes with a skipCondition are passed by, {node.id!r} leads to no exit.",
                "Connect it to an exit that is never passed by.",
            )
