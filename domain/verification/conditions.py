"""Findings about conditions that always hold, never hold, or are shadowed by an earlier condition.

Findings are proven: every combination of values that a condition can distinguish is tried. If there
are too many combinations, or the values depend on each other, the check is skipped. The conditions
of one node are indexed by the values that they require, so that only few pairs are compared."""

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
"""Maximum number of value combinations (models) that are tried for one proof."""
SAMPLES: tuple[Any, ...] = (None, True, False, "", "\x00", "~", [], ["~"], {}, {"~": 1}, 0, 0.5, -1)
"""One value of each type that differs from the literals of the condition."""
FLAG = (None, True, False)

Segments = tuple[str, ...]
Tests = Mapping[Segments, frozenset[Expression]]
"""For each path, the parts of conditions that test this path alone."""
Pins = Mapping[Segments, frozenset[Any]]
"""Paths of which a condition requires one of a few values in order to hold."""


def findings(snapshot: Snapshot, budget: WorkBudget) -> Iterator[Finding]:
    outgoing, cache = outgoing_connections(snapshot.workflow), _ConditionCache(budget)
    for index, node in enumerate(snapshot.workflow.nodes):
        if node.skip_condition is not None:
            condition = cache.get(node.skip_condition)
            yield from _constant_condition(condition, ("nodes", str(index), "skipCondition"))
        yield from _shadowed_conditions(outgoing.pop(node.id, []), cache, budget)


def _constant_condition(condition: _Condition, path: Segments) -> Iterator[Finding]:
    if condition.constant is True:
        yield warning(
            _C.ALWAYS_TRUE,
            path,
            f"The condition {quote(condition.text)} is always true.",
            "Write a condition that can be both true and false, or remove it.",
        )
    elif condition.constant is False:
        yield error(
            _C.NEVER_TRUE,
            path,
            f"The condition {quote(condition.text)} is never true, because it contradicts itself.",
            "Write a condition that can be both true and false, or remove it.",
        )


def _shadowed_conditions(
    outgoing: Sequence[tuple[int, Connection]], cache: _ConditionCache, budget: WorkBudget
) -> Iterator[Finding]:
    """Findings about the conditions of one node, in the order in which they are evaluated."""
    earlier = _EarlierConditions(budget)
    for index, connection in sorted(outgoing, key=lambda indexed: -indexed[1].priority):
        if connection.condition is None:
            continue
        path = ("connections", str(index), "condition")
        condition = cache.get(connection.condition)
        yield from _constant_condition(condition, path)
        shadowing = earlier.shadowed_by(condition)
        if shadowing is None:
            earlier.add(condition, connection)
        else:
            yield error(
                _C.SHADOWED,
                path,
                f"Whenever the condition {quote(condition.text)} is true, the earlier condition "
                f"{quote(str(shadowing.condition))} is true as well, and its connection to "
                f"{shadowing.target!r} is taken.",
                "Give this connection a higher priority, or remove it.",
            )


# ---- one condition -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition and the result of its analysis; `tests` is None if it cannot be analyzed."""

    text: str
    expression: Expression
    size: int
    tests: Tests | None = None
    constant: bool | None = None
    """The result for all values, if it is always the same; None otherwise."""
    witness: Mapping[Segments, Any] = field(default_factory=dict)
    """Values for which the condition holds; empty if none were found."""
    counterexample: Mapping[Segments, Any] = field(default_factory=dict)
    """Values for which the condition does not hold; if possible, each value alone falsifies it."""


class _ConditionCache:
    """The analyzed conditions of one workflow; each text is analyzed once."""

    def __init__(self, budget: WorkBudget) -> None:
        self._budget = budget
        self._cache: dict[str, _Condition] = {}

    def get(self, text: str) -> _Condition:
        if text not in self._cache:
            self._cache[text] = _analyze(text, self._budget)
        return self._cache[text]


def _analyze(text: str, budget: WorkBudget) -> _Condition:
    expression = parse(text)
    size = _size(expression)
    tests = _tests_of([expression])
    if tests is None:
        return _Condition(text, expression, size)
    models = _Models(tests, size, budget)
    results: set[bool] = set()
    witness: Mapping[Segments, Any] = {}
    counterexample: Mapping[Segments, Any] = {}
    for values, context in models:
        results.add(holds := is_truthy(evaluate(expression, context)))
        if holds:
            witness = witness or values
        else:
            counterexample = counterexample or values
        if len(results) == 2:
            break
    constant = results.pop() if len(results) == 1 and models.is_exhaustive else None
    counterexample = {**counterexample, **models.falsifying_values(expression, witness)}
    return _Condition(text, expression, size, tests, constant, witness, counterexample)


def _size(expression: Expression) -> int:
    """The cost of an evaluation in work units; the items of a list count for an eighth each."""
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
    """The conditions that are evaluated before another one, indexed by the values they require."""

    def __init__(self, budget: WorkBudget) -> None:
        self._budget = budget
        self._conditions: list[tuple[_Condition, Connection]] = []
        self._always_true: list[int] = []
        self._by_value: defaultdict[tuple[Segments, Any], list[int]] = defaultdict(list)
        self._by_path: defaultdict[Segments, list[int]] = defaultdict(list)

    def add(self, condition: _Condition, connection: Connection) -> None:
        """Add a condition that is not shadowed itself; one that cannot shadow others is ignored."""
        if condition.tests is None or condition.constant is False:
            return
        index = len(self._conditions)
        self._conditions.append((condition, connection))
        pins = _pins(condition.expression)
        if condition.constant is True:
            self._always_true.append(index)
        elif pins:
            # The path with the fewest conditions so far, so that a later one has few candidates.
            path = min(pins, key=lambda path: sum(len(self._by_value[path, v]) for v in pins[path]))
            for value in pins[path]:
                self._by_value[path, value].append(index)
        else:
            for path in condition.tests:
                self._by_path[path].append(index)

    def shadowed_by(self, later: _Condition) -> Connection | None:
        """The first connection whose condition holds whenever `later` does; None if none does."""
        if not later.witness or later.constant is not None:
            return None
        for index in self._candidates(later):
            other, connection = self._conditions[index]
            if other.text == later.text:
                return connection
            if self._may_shadow(other, later) and self._shadows(other, later):
                return connection
        return None

    def _candidates(self, later: _Condition) -> Iterator[int]:
        """Indexes of the conditions that may shadow `later`, in order. A condition cannot shadow it
        if it requires a value of a path that `later` does not read, or if it shares no path with
        `later` and does not always hold."""
        candidates: list[Iterable[int]] = [self._always_true]
        for path, value in later.witness.items():
            candidates.append(self._by_path.get(path, ()))
            if (key := _key(value)) is not None:
                candidates.append(self._by_value.get((path, key), ()))
        last = -1
        for index in merge(*candidates):
            if index != last:
                yield index
            last = index

    def _may_shadow(self, other: _Condition, later: _Condition) -> bool:
        """False if an example proves that `other` does not shadow `later`: values for which `later`
        holds, and for the other paths the counterexample of `other`. This rules out most pairs."""
        self._budget.spend(other.size + len(later.witness))
        values = {**other.counterexample, **later.witness}
        return not _have_overlap(values) and is_truthy(evaluate(other.expression, _context(values)))

    def _shadows(self, other: _Condition, later: _Condition) -> bool:
        tests = _tests_of([other.expression, later.expression])
        if tests is None:
            return False
        models = _Models(tests, other.size + later.size, self._budget)
        for _, context in models:
            if is_truthy(evaluate(later.expression, context)) and not is_truthy(
                evaluate(other.expression, context)
            ):
                return False
        return models.is_exhaustive


def _pins(expression: Expression) -> Pins:
    match expression:
        case Compare("==", Path(segments), Literal(value)) | Compare(
            "==", Literal(value), Path(segments)
        ):
            return {segments: frozenset({_key(value)})}
        case Compare("in", Path(segments), Literal(tuple() as items)):
            return {segments: frozenset(map(_key, items))}
        case Path(segments) if segments[0] == "flags":
            return {segments: frozenset({_key(True)})}
        case Not(Path(segments)) if segments[0] == "flags":
            return {segments: frozenset({_key(None), _key(False)})}
        case And(parts):
            return _merge_pins([_pins(part) for part in parts])
        case Or(parts):
            each = [_pins(part) for part in parts]
            shared = set(each[0]).intersection(*each[1:])
            return {path: frozenset().union(*(pins[path] for pins in each)) for path in shared}
    return {}


def _merge_pins(each: Sequence[Pins]) -> Pins:
    merged: dict[Segments, frozenset[Any]] = {}
    for pins in each:
        for path, values in pins.items():
            merged[path] = merged[path] & values if path in merged else values
    return merged


def _key(value: Any) -> Any:
    """A key that is equal for values that conditions treat as equal: 1 equals 1.0, but not true."""
    return None if isinstance(value, list | dict) else (isinstance(value, bool), value)


# ---- models --------------------------------------------------------------------------------


class _Models:
    """The combinations of values that the tests can distinguish, up to MAX_MODELS."""

    def __init__(self, tests: Tests, size: int, budget: WorkBudget) -> None:
        self._values = {path: _values(path, each, budget) for path, each in tests.items()}
        self._work = size + len(tests)
        self._budget = budget
        self.is_exhaustive = math.prod(map(len, self._values.values())) <= MAX_MODELS

    def __iter__(self) -> Iterator[tuple[Mapping[Segments, Any], Mapping[str, Any]]]:
        values_of = self._values.values()
        # For most conditions, these two already show that they can be true and can be false.
        extremes = ([values[0] for values in values_of], [values[-1] for values in values_of])
        for values in chain(extremes, islice(product(*values_of), MAX_MODELS)):
            self._budget.spend(self._work)
            model = dict(zip(self._values, values, strict=True))
            yield model, _context(model)

    def falsifying_values(
        self, expression: Expression, model: Mapping[Segments, Any]
    ) -> Mapping[Segments, Any]:
        """Values that each falsify the expression when put into `model`, for which it holds."""
        falsifying = {}
        for path in model:
            for value in self._values[path]:
                self._budget.spend(self._work)
                if not is_truthy(evaluate(expression, _context({**model, path: value}))):
                    falsifying[path] = value
                    break
        return falsifying


def _tests_of(conditions: Sequence[Expression]) -> Tests | None:
    """The tests of each path; None if the values of the paths are not independent of each other."""
    tests: defaultdict[Segments, set[Expression]] = defaultdict(set)
    for condition in conditions:
        for path, test in _tests_in(condition):
            if test is None:
                return None
            tests[path].add(test)
    if _have_overlap(tests):
        return None
    return {path: frozenset(tests[path]) for path in sorted(tests)}


def _have_overlap(paths: Iterable[Segments]) -> bool:
    """Whether one path is inside another."""
    return any(b[: len(a)] == a for a, b in pairwise(sorted(paths)))


def _tests_in(expression: Expression) -> Iterator[tuple[Segments, Expression | None]]:
    """Each part that tests a single path. The part is None if a few values cannot cover its
    outcomes: when it compares two paths, or searches inside a value."""
    match expression:
        case Path(segments) | IsEmpty(Path(segments)):
            yield segments, expression
        case Compare("in", Path(segments), Literal(tuple())):
            yield segments, expression
        case Compare(op, Path(segments), Literal()) if op != "in":
            yield segments, expression
        case Compare(op, left, right):
            if op == "in" or (any(paths_in(left)) and any(paths_in(right))):
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
    """One value for each outcome of the tests; first the values for which most tests hold."""
    checks = [_check(test) for test in tests]
    literals = [value for _, values in checks for value in values]
    candidates = FLAG if path[0] == "flags" else chain(literals, SAMPLES, _neighbors(literals))
    by_outcome: dict[tuple[bool, ...], Any] = {}
    for value in candidates:
        budget.spend(len(checks))
        by_outcome.setdefault(tuple([check(value) for check, _ in checks]), value)
        if len(by_outcome) == 1 << len(checks):
            break  # All outcomes are covered.
    return [by_outcome[outcome] for outcome in sorted(by_outcome, key=sum, reverse=True)]


def _check(test: Expression) -> tuple[Callable[[Any], bool], Sequence[Any]]:
    """The test as a function of a value, and the literals that it contains."""
    match test:
        case Path():
            return is_truthy, ()
        case IsEmpty():
            return is_empty, ()
        case Compare("in", Path(), Literal(tuple() as items)):
            keys = frozenset(map(_key, items))
            return lambda value: _key(value) in keys, items
        case Compare(op, Path(), right):
            literal = evaluate(right, {})
            return lambda value: compare(op, value, literal), _flat(literal)
        case Compare(op, left, Path()):
            literal = evaluate(left, {})
            return lambda value: compare(op, literal, value), _flat(literal)
    raise AssertionError(test)


def _flat(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _neighbors(literals: Sequence[Any]) -> Iterator[Any]:
    """Values below, above and between the given literals."""
    numbers = sorted({v for v in literals if _is_number(v)})
    if numbers:
        yield from (numbers[0] - 1, numbers[-1] + 1)
        yield from ((a + b) / 2 for a, b in pairwise(numbers))
    yield from (text + "\x00" for text in literals if isinstance(text, str))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _context(values: Mapping[Segments, Any]) -> Mapping[str, Any]:
    context: dict[str, Any] = {}
    for segments, value in values.items():
        parent = context
        for segment in segments[:-1]:
            parent = parent.setdefault(segment, {})
        parent[segments[-1]] = value
    return context
