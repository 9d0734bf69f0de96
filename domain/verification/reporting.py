"""Constructors of findings, and graph functions that several rules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.common.findings import Finding, FindingCode, Severity
from domain.workflows.model import Connection, WorkflowSpec

Path = tuple[str, ...]
Edges = Mapping[str, Iterable[str]]

MAX_QUOTE_LENGTH = 200
"""Maximum number of characters of a condition that a message quotes."""


def error(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, path=path, message=message, fix=fix)


def warning(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, path=path, message=message, fix=fix)


def reachable(start: Iterable[str], edges: Edges) -> set[str]:
    """Everything that can be reached from `start`, which is included."""
    seen = set(start)
    todo = list(seen)
    while todo:
        new = {id for id in edges.get(todo.pop(), ()) if id not in seen}
        seen.update(new)
        todo.extend(new)
    return seen


def transitive_closure(edges: Edges) -> dict[str, set[str]]:
    """The nodes that can be reached from each node, which is included.

    Warshall's algorithm on bit sets: quadratic in the number of nodes, for any number of edges."""
    positions = {id: position for position, id in enumerate(edges)}
    bits = [
        sum({1 << positions[t] for t in targets if t in positions}) | 1 << positions[id]
        for id, targets in edges.items()
    ]
    for middle in range(len(bits)):
        for position, row in enumerate(bits):
            if row >> middle & 1:
                bits[position] = row | bits[middle]
    return {
        id: {n for n, bit in positions.items() if bits[position] >> bit & 1}
        for id, position in positions.items()
    }


def outgoing_connections(workflow: WorkflowSpec) -> dict[str, list[tuple[int, Connection]]]:
    """The outgoing connections of each node, with their indexes in the workflow."""
    outgoing: dict[str, list[tuple[int, Connection]]] = {node.id: [] for node in workflow.nodes}
    for index, connection in enumerate(workflow.connections):
        if connection.source in outgoing:
            outgoing[connection.source].append((index, connection))
    return outgoing


def reverse_edges(edges: Edges) -> dict[str, list[str]]:
    reversed_edges: dict[str, list[str]] = {id: [] for id in edges}
    for source, targets in edges.items():
        for target in targets:
            reversed_edges.setdefault(target, []).append(source)
    return reversed_edges


def join_names(names: Iterable[str]) -> str:
    return ", ".join(names)


def quote(text: str) -> str:
    """Quote a condition, shortened so that findings do not become far larger than the input."""
    return repr(text if len(text) <= MAX_QUOTE_LENGTH else f"{text[:MAX_QUOTE_LENGTH]}…")
