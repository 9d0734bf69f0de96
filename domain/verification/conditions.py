"""Conditions that always hold, never hold, or never get their turn.

Proven, not guessed: every way in which the values that a condition reads can matter to it is tried,
and where these are too many, or hang together, nothing is said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

from domain.expressions import (
    And,
    Compare,
    Expression,
    IsEmpty,
    Literal,
    Not,
    Or,
    Path,
    parse,
    paths_in,
    truth,
    value_of,
)
from domain.findings import Finding, FindingCode
from domain.verification.telling import error, warning
from domain.workflows import Connection, Snapshot

_C = FindingCode

MOST_MODELS = 5_000
MOST_IN_ALL = 200_000
"""Evaluations for one workflow: beyond it, nothing more is claimed."""
SAMPLES: tuple[Any, ...] = (None, True, False, "", "\x00", "~", [], ["~"], {}, {"~": 1}, 0, 0.5, -1)
"""One of each kind, as none of what is written out."""

FLAG = (None, True, False)

Steps = tuple[str, ...]


class _Budget:
    def __init__(self) -> None:
        self.left = MOST_IN_ALL


def findings(snapshot: Snapshot) -> Iterator[Finding]:
    workflow, budget = snapshot.workflow, _Budget()
    for place, node in enumerate(workflow.nodes):
        if node.skip_condition is not None:
            yield from _alone(node.skip_condition, ("nodes", str(place), "skipCondition"), budget)
        yield from _in_turn(snapshot, node.id, budget)


def _alone(text: str, path: Steps, budget: _Budget) -> Iterator[Finding]:
    values = set(_values_of([parse(text)], budget))
    if values == {(True,)}:
        yield warning(
            _C.ALWAYS_TRUE,
            path,
            f"{text!r} holds whatever the values are.",
            "Say when it is to hold, or do without it.",
        )
    elif values == {(False,)}:
        yield error(
            _C.NEVER_TRUE,
            path,
            f"{text!r} never holds: it contradicts itself.",
            "Say when it is to hold, or do without it.",
        )


def _in_turn(snapshot: Snapshot, node: str, budget: _Budget) -> Iterator[Finding]:
    """The conditions of one node, in the order in which they are looked at."""
    ways = [
        (place, way)
        for place, way in enumerate(snapshot.workflow.connections)
        if way.source == node and way.condition is not None
    ]
    ways.sort(key=lambda placed: -placed[1].priority)
    before: list[Connection] = []
    for place, way in ways:
        path = ("connections", str(place), "condition")
        own = list(_alone(str(way.condition), path, budget))
        yield from own
        hider = None if own else _hider(way, before, budget)
        if hider is not None:
            yield error(
                _C.SHADOWED,
                path,
                f"Whenever {way.condition!r} holds, {hider.condition!r} does as well, and leads to "
                f"{hider.target!r} first.",
                "Give this one a higher priority, or remove it.",
            )
        before.append(way)


def _hider(way: Connection, before: Sequence[Connection], budget: _Budget) -> Connection | None:
    later = parse(str(way.condition))
    for other in before:
        pairs = set(_values_of([parse(str(other.condition)), later], budget))
        if pairs and (False, True) not in pairs:
            return other
    return None


def _values_of(conditions: Sequence[Expression], budget: _Budget) -> Iterator[tuple[bool, ...]]:
    """What they come to together, in every model; nothing when that cannot be known."""
    domains = _domains(conditions)
    if domains is None:
        return
    count = math.prod(len(values) for values in domains.values())
    if count > MOST_MODELS or count > budget.left:
        return
    budget.left -= count
    for values in product(*domains.values()):
        context = _context(zip(domains, values, strict=True))
        yield tuple(truth(value_of(each, context)) for each in conditions)


def _domains(conditions: Sequence[Expression]) -> Mapping[Steps, Sequence[Any]] | None:
    """For each path the values that can matter; None where paths hang together."""
    paths = sorted({path for each in conditions for path in paths_in(each)})
    if any(b[: len(a)] == a for a, b in pairwise(paths)):
        return None
    written: list[Any] = []
    for each in conditions:
        if not _collect(each, written):
            return None
    values = _around(written)
    return {path: FLAG if path[0] == "flags" else values for path in paths}


def _collect(expression: Expression, written: list[Any]) -> bool:
    """The literals; False where the values cannot be told apart by a few: when two paths are held
    against each other, or something is looked for inside of a value."""
    match expression:
        case Literal(value):
            written.append(value)
        case Compare(sign, left, right):
            within = any(True for _ in paths_in(right))
            if within and (sign == "in" or any(True for _ in paths_in(left))):
                return False
            return _collect(left, written) and _collect(right, written)
        case And(parts) | Or(parts):
            return all(_collect(part, written) for part in parts)
        case Not(inner) | IsEmpty(inner):
            return _collect(inner, written)
        case Path():
            pass
    return True


def _around(written: Sequence[Any]) -> list[Any]:
    """The values written out, those beside and between them, and one of each kind."""
    flat = [v for value in written for v in (value if isinstance(value, tuple) else (value,))]
    numbers = sorted({v for v in flat if isinstance(v, int | float) and not isinstance(v, bool)})
    texts = sorted({v for v in flat if isinstance(v, str)})
    found: list[Any] = [*SAMPLES, *numbers, *texts]
    found += [numbers[0] - 1, numbers[-1] + 1] if numbers else []
    found += [(a + b) / 2 for a, b in pairwise(numbers)]
    found += [text + "\x00" for text in texts]
    unique: list[Any] = []
    for value in found:
        if not any(type(value) is type(other) and value == other for other in unique):
            unique.append(value)
    return unique


def _context(values: Iterator[tuple[Steps, Any]] | Any) -> Mapping[str, Any]:
    context: dict[str, Any] = {}
    for steps, value in values:
        here = context
        for step in steps[:-1]:
            here = here.setdefault(step, {})
        here[steps[-1]] = value
    return context
