"""Conditions that always hold, never hold, or never get their turn.

Proven, not guessed: every way in which the values that a condition reads can matter to it is tried,
and where these are too many, or hang together, nothing is said. What the conditions of one node
cannot have to do with each other is found by the values that they ask for, so that only few pairs
are compared."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice, pairwise, product
from typing import Any

from domain.common.findings import Finding, FindingCode
from domain.templating.expressions import (
    And,
    Compare,
    Expression,
    IsEmpty,
    Literal,
    Not,
    Or,
    Path,
    compare,
    evaluate,
    is_empty,
    is_truthy,
    parse,
    paths_in,
)
from domain.verification.reporting import error, outgoing_connections, quote, warning
from domain.verification.work import WorkBudget
from domain.workflows.model import Connection, Snapshot

_C = FindingCode

MAX_MODELS = 5_000
"""Combinations of values that are tried to prove one thing."""
SAMPLES: tuple[Any, ...] = (None, True, False, "", "\x00", "~", [], ["~"], {}, {"~": 1}, 0, 0.5, -1)
"""One of each kind, as none of what is written out."""
FLAG = (None, True, False)

Segments = tuple[str, ...]
Tests = Mapping[Segments, frozenset[Expression]]
"""The parts of conditions that look at one path, by that path."""
Pins = Mapping[Segments, frozenset[Any]]
"""Paths that must have one of a few values, or a condition does not hold."""


def findings(snapshot: Snapshot, budget: WorkBudget) -> Iterator[Finding]:
    ways, judged = outgoing_connections(snapshot.workflow), _ConditionCache(budget)
    for place, node in enumerate(snapshot.workflow.nodes):
        if node.skip_condition is not None:
            condition = judged.get(node.skip_condition)
            yield from _constant_condition(condition, ("nodes", str(place), "skipCondition"))
        yield from _shadowed_conditions(ways.pop(node.id, []), judged, budget)


def _constant_condition(condition: _Condition, path: Segments) -> Iterator[Finding]:
    if condition.constant is True:
        yield warning(
            _C.ALWAYS_TRUE,
            path,
            f"{quote(condition.text)} holds whatever the values are.",
            "Say when it is to hold, or do without it.",
        )
    elif condition.constant is False:
        yield error(
            _C.NEVER_TRUE,
            path,
            f"{quote(condition.text)} never holds: it contradicts itself.",
            "Say when it is to hold, or do without it.",
        )


def _shadowed_conditions(
    ways: Sequence[tuple[int, Connection]], judged: _ConditionCache, budget: WorkBudget
) -> Iterator[Finding]:
    """The conditions of one node, in the order in which they are looked at."""
    before = _EarlierConditions(budget)
    for place, way in sorted(ways, key=lambda placed: -placed[1].priority):
        if way.condition is None:
            continue
        path = ("connections", str(place), "condition")
        condition = judged.get(way.condition)
        yield from _constant_condition(condition, path)
        hider = before.shadowed_by(condition)
        if hider is None:
            before.add(condition, way)
        else:
            yield error(
                _C.SHADOWED,
                path,
                f"Whenever {quote(condition.text)} holds, {quote(str(hider.condition))} does as "
                f"well, and leads to {hider.target!r} first.",
                "Give this one a higher priority, or remove it.",
            )


# ---- one condition -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition and what was found out about it; one that cannot be judged has no `tests`."""

    text: str
    expression: Expression
    size: int
    tests: Tests | None = None
    constant: bool | None = None
    """What it comes to whatever the values are, where that is so."""
    witness: Mapping[Segments, Any] = field(default_factory=dict)
    """Values for which it holds, where such were found."""
    counterexample: Mapping[Segments, Any] = field(default_factory=dict)
    """Values for which it does not hold; where one is enough, each would be by itself."""


class _ConditionCache:
    """The conditions of one workflow, each text judged once."""

    def __init__(self, budget: WorkBudget) -> None:
        self._budget = budget
        self._known: dict[str, _Condition] = {}

    def get(self, text: str) -> _Condition:
        if text not in self._known:
            self._known[text] = _analyze(text, self._budget)
        return self._known[text]


def _analyze(text: str, budget: WorkBudget) -> _Condition:
    expression = parse(text)
    size = _size(expression)
    tests = _tests_of([expression])
    if tests is None:
        return _Condition(text, expression, size)
    models = _Models(tests, size, budget)
    truths: set[bool] = set()
    witness: Mapping[Segments, Any] = {}
    denial: Mapping[Segments, Any] = {}
    for values, seen in models:
        truths.add(holds := is_truthy(evaluate(expression, seen)))
        if holds:
            witness = witness or values
        else:
            denial = denial or values
        if len(truths) == 2:
            break
    verdict = truths.pop() if len(truths) == 1 and models.is_exhaustive else None
    denial = {**denial, **models.falsifying_values(expression, witness)}
    return _Condition(text, expression, size, tests, verdict, witness, denial)


def _size(expression: Expression) -> int:
    """How long it takes to evaluate, in parts; the items of a list are looked at quickly."""
    match expression:
        case Compare(_, left, right):
            return 1 + _size(left) + _size(right)
        case And(parts) | Or(parts):
            return 1 + sum(map(_size, parts))
        case Not(inner) | IsEmpty(inner):
            return 1 + _size(inner)
        case Literal(tuple() as items):
            return 1 + len(items) // 8
    return 1


# ---- the conditions of one node ------------------------------------------------------------


class _EarlierConditions:
    """The conditions that are looked at first, found by what a later one may share with them."""

    def __init__(self, budget: WorkBudget) -> None:
        self._budget = budget
        self._conditions: list[tuple[_Condition, Connection]] = []
        self._always_true: list[int] = []
        self._by_value: defaultdict[tuple[Segments, Any], list[int]] = defaultdict(list)
        self._by_path: defaultdict[Segments, list[int]] = defaultdict(list)

    def add(self, condition: _Condition, way: Connection) -> None:
        """Unless it can hide nothing: what is hidden itself leaves hiding to its hider."""
        if condition.tests is None or condition.constant is False:
            return
        place = len(self._conditions)
        self._conditions.append((condition, way))
        pins = _pins(condition.expression)
        if condition.constant is True:
            self._always_true.append(place)
        elif pins:
            # Where the fewest others are, so that a later one meets few that it must look at.
            path = min(pins, key=lambda path: sum(len(self._by_value[path, v]) for v in pins[path]))
            for value in pins[path]:
                self._by_value[path, value].append(place)
        else:
            for path in condition.tests:
                self._by_path[path].append(place)

    def shadowed_by(self, later: _Condition) -> Connection | None:
        """The first that holds whenever `later` does."""
        if not later.witness or later.constant is not None:
            return None
        for place in self._candidates(later):
            other, way = self._conditions[place]
            if other.text == later.text:
                return way
            if self._may_shadow(other, later) and self._shadows(other, later):
                return way
        return None

    def _candidates(self, later: _Condition) -> Iterator[int]:
        """In their order. A condition that needs a value at a path which `later` does not read
        cannot hide it, nor can one that shares no path with it, unless that one always holds."""
        found: list[Iterable[int]] = [self._always_true]
        for path, value in later.witness.items():
            found.append(self._by_path.get(path, ()))
            if (key := _key(value)) is not None:
                found.append(self._by_value.get((path, key), ()))
        last = -1
        for place in merge(*found):
            if place != last:
                yield place
            last = place

    def _may_shadow(self, other: _Condition, later: _Condition) -> bool:
        """Most of those that do not are found out by one example: where `later` holds, and what
        only the other one reads is what makes that fail."""
        self._budget.spend(other.size + len(later.witness))
        values = {**other.counterexample, **later.witness}
        return not _have_overlap(values) and is_truthy(evaluate(other.expression, _context(values)))

    def _shadows(self, other: _Condition, later: _Condition) -> bool:
        tests = _tests_of([other.expression, later.expression])
        if tests is None:
            return False
        models = _Models(tests, other.size + later.size, self._budget)
        for _, seen in models:
            if is_truthy(evaluate(later.expression, seen)) and not is_truthy(
                evaluate(other.expression, seen)
            ):
                return False
        return models.is_exhaustive


def _pins(expression: Expression) -> Pins:
    match expression:
        case Compare("==", Path(steps), Literal(value)) | Compare(
            "==", Literal(value), Path(steps)
        ):
            return {steps: frozenset({_key(value)})}
        case Compare("in", Path(steps), Literal(tuple() as items)):
            return {steps: frozenset(map(_key, items))}
        case Path(steps) if steps[0] == "flags":
            return {steps: frozenset({_key(True)})}
        case Not(Path(steps)) if steps[0] == "flags":
            return {steps: frozenset({_key(None), _key(False)})}
        case And(parts):
            return _merged([_pins(part) for part in parts])
        case Or(parts):
            each = [_pins(part) for part in parts]
            shared = set(each[0]).intersection(*each[1:])
            return {path: frozenset().union(*(pins[path] for pins in each)) for path in shared}
    return {}


def _merged(each: Sequence[Pins]) -> Pins:
    found: dict[Segments, frozenset[Any]] = {}
    for pins in each:
        for path, values in pins.items():
            found[path] = found[path] & values if path in found else values
    return found


def _key(value: Any) -> Any:
    """Equal for values that are the same to a condition: 1 is 1.0, but neither is true."""
    return None if isinstance(value, list | dict) else (isinstance(value, bool), value)


# ---- models --------------------------------------------------------------------------------


class _Models:
    """Every combination of values that the tests can tell apart, but for what is too many."""

    def __init__(self, tests: Tests, size: int, budget: WorkBudget) -> None:
        self._values = {path: _values(path, each, budget) for path, each in tests.items()}
        self._work = size + len(tests)
        self._budget = budget
        self.is_exhaustive = math.prod(map(len, self._values.values())) <= MAX_MODELS

    def __iter__(self) -> Iterator[tuple[Mapping[Segments, Any], Mapping[str, Any]]]:
        values_of = self._values.values()
        # These two already show of most conditions that they may hold and may fail.
        extremes = ([values[0] for values in values_of], [values[-1] for values in values_of])
        for values in chain(extremes, islice(product(*values_of), MAX_MODELS)):
            self._budget.spend(self._work)
            model = dict(zip(self._values, values, strict=True))
            yield model, _context(model)

    def falsifying_values(
        self, expression: Expression, model: Mapping[Segments, Any]
    ) -> Mapping[Segments, Any]:
        """Values of which each alone makes what the model is an example of fail."""
        found = {}
        for path in model:
            for value in self._values[path]:
                self._budget.spend(self._work)
                if not is_truthy(evaluate(expression, _context({**model, path: value}))):
                    found[path] = value
                    break
        return found


def _tests_of(conditions: Sequence[Expression]) -> Tests | None:
    """None where the values of paths cannot be chosen for each by itself."""
    found: defaultdict[Segments, set[Expression]] = defaultdict(set)
    for condition in conditions:
        for path, test in _tests_in(condition):
            if test is None:
                return None
            found[path].add(test)
    if _have_overlap(found):
        return None
    return {path: frozenset(found[path]) for path in sorted(found)}


def _have_overlap(paths: Iterable[Segments]) -> bool:
    """Whether one leads to something inside of another."""
    return any(b[: len(a)] == a for a, b in pairwise(sorted(paths)))


def _tests_in(expression: Expression) -> Iterator[tuple[Segments, Expression | None]]:
    """Each part that looks at one path. None for one whose outcome cannot be told by a few values:
    where two paths are held against each other, or something is looked for inside of a value."""
    match expression:
        case Path(steps) | IsEmpty(Path(steps)):
            yield steps, expression
        case Compare("in", Path(steps), Literal(tuple())):
            yield steps, expression
        case Compare(sign, Path(steps), Literal()) if sign != "in":
            yield steps, expression
        case Compare(sign, left, right):
            if sign == "in" or (any(paths_in(left)) and any(paths_in(right))):
                yield (), None
            elif isinstance(left, Path):
                yield left.segments, expression
            elif isinstance(right, Path):
                yield right.segments, expression
            else:
                yield from _tests_in(left)
                yield from _tests_in(right)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _tests_in(part)
        case Not(inner) | IsEmpty(inner):
            yield from _tests_in(inner)


def _values(path: Segments, tests: Iterable[Expression], budget: WorkBudget) -> Sequence[Any]:
    """One value of each kind that the tests can tell apart; first what most of them hold for."""
    checks = [_check(test) for test in tests]
    written = [value for _, values in checks for value in values]
    candidates = FLAG if path[0] == "flags" else chain(written, SAMPLES, _neighbors(written))
    found: dict[tuple[bool, ...], Any] = {}
    for value in candidates:
        budget.spend(len(checks))
        found.setdefault(tuple([check(value) for check, _ in checks]), value)
        if len(found) == 1 << len(checks):
            break  # There is no other kind.
    return [found[outcome] for outcome in sorted(found, key=sum, reverse=True)]


def _check(test: Expression) -> tuple[Callable[[Any], bool], Sequence[Any]]:
    """What the test asks of a value, and the values that are written in it."""
    match test:
        case Path():
            return is_truthy, ()
        case IsEmpty():
            return is_empty, ()
        case Compare("in", Path(), Literal(tuple() as items)):
            keys = frozenset(map(_key, items))
            return lambda value: _key(value) in keys, items
        case Compare(sign, Path(), right):
            held = evaluate(right, {})
            return lambda value: compare(sign, value, held), _flat(held)
        case Compare(sign, left, Path()):
            held = evaluate(left, {})
            return lambda value: compare(sign, held, value), _flat(held)
    raise AssertionError(test)


def _flat(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _neighbors(written: Sequence[Any]) -> Iterator[Any]:
    """The values beside and between those that are written out."""
    numbers = sorted({v for v in written if _is_number(v)})
    if numbers:
        yield from (numbers[0] - 1, numbers[-1] + 1)
        yield from ((a + b) / 2 for a, b in pairwise(numbers))
    yield from (text + "\x00" for text in written if isinstance(text, str))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _context(values: Mapping[Segments, Any]) -> Mapping[str, Any]:
    context: dict[str, Any] = {}
    for steps, value in values.items():
        here = context
        for step in steps[:-1]:
            here = here.setdefault(step, {})
        here[steps[-1]] = value
    return context
