"""How findings are made, and what several rules ask of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.common.findings import Finding, FindingCode, Severity
from domain.workflows.model import Connection, WorkflowSpec

Path = tuple[str, ...]
Edges = Mapping[str, Iterable[str]]

MAX_QUOTE_LENGTH = 200
"""Characters of a condition that a message repeats."""


def error(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, path=path, message=message, fix=fix)


def warning(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, path=path, message=message, fix=fix)


def reachable(start: Iterable[str], edges: Edges) -> set[str]:
    """Everything that can be come to, the start included."""
    seen = set(start)
    todo = list(seen)
    while todo:
        fresh = {id for id in edges.get(todo.pop(), ()) if id not in seen}
        seen.update(fresh)
        todo.extend(fresh)
    return seen


def transitive_closure(edges: Edges) -> dict[str, set[str]]:
    """For every node what can be reached from it, itself included.

    Warshall's algorithm on sets of bits: the square of the number of nodes, however many edges."""
    places = {id: place for place, id in enumerate(edges)}
    bits = [
        sum({1 << places[target] for target in targets if target in places}) | 1 << places[id]
        for id, targets in edges.items()
    ]
    for middle in range(len(bits)):
        for place, seen in enumerate(bits):
            if seen >> middle & 1:
                bits[place] = seen | bits[middle]
    return {
        id: {n for n, at in places.items() if bits[place] >> at & 1} for id, place in places.items()
    }


def outgoing_connections(workflow: WorkflowSpec) -> dict[str, list[tuple[int, Connection]]]:
    """The connections out of each node, with their places, found in one pass."""
    found: dict[str, list[tuple[int, Connection]]] = {node.id: [] for node in workflow.nodes}
    for place, way in enumerate(workflow.connections):
        if way.source in found:
            found[way.source].append((place, way))
    return found


def reverse_edges(edges: Edges) -> dict[str, list[str]]:
    """The same edges the other way round."""
    found: dict[str, list[str]] = {id: [] for id in edges}
    for source, targets in edges.items():
        for target in targets:
            found.setdefault(target, []).append(source)
    return found


def join_names(names: Iterable[str]) -> str:
    return ", ".join(names)


def quote(text: str) -> str:
    """A condition in a message: long ones would make the answer far longer than the question."""
    return repr(text if len(text) <= MAX_QUOTE_LENGTH else f"{text[:MAX_QUOTE_LENGTH]}…")
