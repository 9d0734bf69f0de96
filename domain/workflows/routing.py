"""Where a conversation goes by itself: conditions that hold, and nodes that are passed by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.templating import expressions
from domain.workflows.model import Connection, WorkflowSpec

Look = Callable[[str], Mapping[str, Any]]
"""What can be read at a node."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where one ends up, and which nodes were passed by on the way."""

    node: str
    skipped: tuple[str, ...] = ()


def due(workflow: WorkflowSpec, node: str, seen: Mapping[str, Any]) -> Connection | None:
    """The way out whose condition holds: of the highest priority, the first written."""
    ways = [c for c in workflow.ways_out(node) if c.condition is not None]
    ways.sort(key=lambda c: -c.priority)
    return next((c for c in ways if expressions.holds(str(c.condition), seen)), None)


def onward(workflow: WorkflowSpec, node: str, seen: Mapping[str, Any]) -> Connection | None:
    """The way past a node that is skipped: what is due, else the default, else the only way."""
    ways = workflow.ways_out(node)
    plain = [c for c in ways if c.condition is None]
    default = next((c for c in ways if c.is_default), None)
    return due(workflow, node, seen) or default or (plain[0] if len(plain) == 1 else None)


def land(workflow: WorkflowSpec, node: str, look: Look) -> Landing:
    """Passes skipped nodes by. One that leads nowhere is entered after all."""
    skipped: list[str] = []
    here = node
    while len(skipped) < len(workflow.nodes):
        condition = workflow.node(here).skip_condition
        if condition is None or not expressions.holds(condition, look(here)):
            break
        way = onward(workflow, here, look(here))
        if way is None or way.target in (*skipped, here):
            break
        skipped.append(here)
        here = way.target
    return Landing(here, tuple(skipped))
