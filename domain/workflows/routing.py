"""Routing without the model: connections whose condition is true, and nodes that are skipped. All
functions are pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.templating import expressions
from domain.workflows.model import Connection, WorkflowSpec

ContextAtNode = Callable[[str], Mapping[str, Any]]
"""Returns the values that conditions and templates can read at a node."""


@dataclass(frozen=True, slots=True)
class ResolvedNode:
    """The node that a conversation enters, and the nodes skipped on the way to it."""

    node: str
    skipped: tuple[str, ...] = ()


def triggered_connection(
    workflow: WorkflowSpec, node: str, values: Mapping[str, Any]
) -> Connection | None:
    """The outgoing connection whose condition is true; of several, the one of the highest priority,
    then the first."""
    conditional = [c for c in workflow.outgoing(node) if c.condition is not None]
    conditional.sort(key=lambda c: -c.priority)
    return next(
        (c for c in conditional if expressions.evaluate_bool(str(c.condition), values)), None
    )


def skip_connection(
    workflow: WorkflowSpec, node: str, values: Mapping[str, Any]
) -> Connection | None:
    """The connection past a skipped node: the triggered one, else the default, else the only one
    without a condition."""
    return (
        triggered_connection(workflow, node, values)
        or default_connection(workflow, node)
        or _only(choices(workflow, node))
    )


def forced_connection(workflow: WorkflowSpec, node: str) -> Connection | None:
    """The connection that a node which routes at once takes when no condition is true and the model
    has nothing to choose between; None if it has."""
    open_to_choice = choices(workflow, node)
    return _only(open_to_choice) if open_to_choice else default_connection(workflow, node)


def default_connection(workflow: WorkflowSpec, node: str) -> Connection | None:
    return next((c for c in workflow.outgoing(node) if c.is_default), None)


def choices(workflow: WorkflowSpec, node: str) -> list[Connection]:
    """The connections that the model may choose: those without a condition."""
    return [c for c in workflow.outgoing(node) if c.condition is None]


def _only(connections: list[Connection]) -> Connection | None:
    return connections[0] if len(connections) == 1 else None


def resolve_node(workflow: WorkflowSpec, node: str, context_at: ContextAtNode) -> ResolvedNode:
    """Follow connections past skipped nodes. A skipped node that leads nowhere is entered anyway."""
    skipped: list[str] = []
    here = node
    while len(skipped) < len(workflow.nodes):
        condition = workflow.node(here).skip_condition
        if condition is None or not expressions.evaluate_bool(condition, context_at(here)):
            break
        connection = skip_connection(workflow, here, context_at(here))
        if connection is None or connection.target in (*skipped, here):
            break
        skipped.append(here)
        here = connection.target
    return ResolvedNode(here, tuple(skipped))
