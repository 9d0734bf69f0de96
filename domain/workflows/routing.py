"""Where a conversation goes by itself: conditions that hold, and nodes that are passed by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.templating import expressions
from domain.workflows.model import Connection, WorkflowSpec

ContextAtNode = Callable[[str], Mapping[str, Any]]
"""What can be read at a node."""


@dataclass(frozen=True, slots=True)
class ResolvedNode:
    """Where one ends up, and which nodes were passed by on the way."""

    node: str
    skipped: tuple[str, ...] = ()


def triggered_connection(
    workflow: WorkflowSpec, node: str, seen: Mapping[str, Any]
) -> Connection | None:
    """The way out whose condition holds: of the highest priority, the first written."""
    ways = [c for c in workflow.outgoing(node) if c.condition is not None]
    ways.sort(key=lambda c: -c.priority)
    return next((c for c in ways if expressions.evaluate_bool(str(c.condition), seen)), None)


def skip_connection(
    workflow: WorkflowSpec, node: str, seen: Mapping[str, Any]
) -> Connection | None:
    """The way past a node that is skipped: what is due, else the default, else the only way."""
    ways = workflow.outgoing(node)
    plain = [c for c in ways if c.condition is None]
    default = next((c for c in ways if c.is_default), None)
    return (
        triggered_connection(workflow, node, seen)
        or default
        or (plain[0] if len(plain) == 1 else None)
    )


def resolve_node(workflow: WorkflowSpec, node: str, context_at: ContextAtNode) -> ResolvedNode:
    """Passes skipped nodes by. One that leads nowhere is entered after all."""
    skipped: list[str] = []
    here = node
    while len(skipped) < len(workflow.nodes):
        condition = workflow.node(here).skip_condition
        if condition is None or not expressions.evaluate_bool(condition, context_at(here)):
            break
        way = skip_connection(workflow, here, context_at(here))
        if way is None or way.target in (*skipped, here):
            break
        skipped.append(here)
        here = way.target
    return ResolvedNode(here, tuple(skipped))
