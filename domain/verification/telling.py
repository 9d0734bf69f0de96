"""How findings are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.findings import Finding, FindingCode, Severity

Path = tuple[str, ...]
Edges = Mapping[str, Iterable[str]]


def error(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, path=path, message=message, fix=fix)


def warning(code: FindingCode, path: Path, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, path=path, message=message, fix=fix)


def reached(start: Iterable[str], edges: Edges) -> set[str]:
    """Everything that can be come to, the start included."""
    seen = set(start)
    todo = list(seen)
    while todo:
        fresh = [id for id in edges.get(todo.pop(), ()) if id not in seen]
        seen.update(fresh)
        todo.extend(fresh)
    return seen


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)
