"""Arguments that a model gives, judged by the schema of the tool (see `domain.json_schema.schema`).

What is judged is counted, and there is an end to it: whatever the schema and the arguments are
like, it takes milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from domain.common.json_values import has_more_items, json_problem
from domain.json_schema.schema import REFERENCE_PREFIX, compile_pattern

MAX_ARGUMENTS_LENGTH = 32_768
MAX_ARGUMENT_VALUES = 3_000
MAX_VALIDATION_STEPS = 3_000
MAX_MATCH_COST = 700_000
"""Characters times the size of the pattern."""
TOO_MANY = "The arguments have too many parts to be judged."

JsonPointer = tuple[str, ...]
Problems = Iterator[tuple[JsonPointer, str]]


def validation_problem(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    """Why these arguments are not acceptable, for the model to mend."""
    problem = storage_problem(arguments)
    if problem is not None:
        return problem
    try:
        first = next(_Validator(schema).problems(schema, arguments, ()), None)
    except _LimitExceeded:
        return TOO_MANY
    if first is None:
        return None
    way, problem = first
    return f"{'/'.join(way) or 'arguments'}: {problem}"


def storage_problem(arguments: Mapping[str, Any]) -> str | None:
    """Why they are nothing that can be kept, whatever the schema."""
    if has_more_items(arguments, MAX_ARGUMENT_VALUES):
        return TOO_MANY
    why = json_problem(arguments, MAX_ARGUMENTS_LENGTH)
    return None if why is None else f"The arguments are {why}."


class _LimitExceeded(Exception):
    """Judging these would take too long."""


class _Validator:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions = schema.get("$defs", {})
        self._steps = 0
        self._match_cost = 0

    def problems(self, schema: Any, value: Any, way: JsonPointer) -> Problems:
        """In the order of the keywords; found one by one, as far as they are asked for."""
        self.spend(1)
        if schema is False:
            yield way, f"{describe(value)} is not allowed"
        if isinstance(schema, bool):
            return
        for name, wanted in schema.items():
            judge = KEYWORD_VALIDATORS.get(name)
            if judge is not None:
                self.spend(1)
                yield from judge(self, wanted, value, way, schema)

    def accepts(self, schema: Any, value: Any) -> bool:
        return next(self.problems(schema, value, ()), None) is None

    def resolve_reference(self, reference: str) -> Any:
        return self._definitions[reference.removeprefix(REFERENCE_PREFIX)]

    def matches(self, pattern: str, text: str) -> bool:
        found = compile_pattern(pattern)
        self._match_cost += len(text) * found.programsize
        if self._match_cost > MAX_MATCH_COST:
            raise _LimitExceeded
        return found.search(text) is not None

    def json_equal(self, left: Any, right: Any) -> bool:
        """Equal as JSON: 1 is 1.0, but neither is true."""
        if isinstance(left, bool) or isinstance(right, bool):
            return left is right
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            self.spend(len(left))
            return left.keys() == right.keys() and all(
                self.json_equal(left[k], right[k]) for k in left
            )
        if isinstance(left, list | tuple) and isinstance(right, list | tuple):
            self.spend(len(left))
            return len(left) == len(right) and all(map(self.json_equal, left, right))
        return bool(left == right)

    def hash_key(self, value: Any) -> Any:
        """The same for the same values."""
        self.spend(1)
        match value:
            case bool():
                return ("bool", value)
            case Mapping():
                return ("object", frozenset((k, self.hash_key(v)) for k, v in value.items()))
            case list() | tuple():
                return ("array", tuple(map(self.hash_key, value)))
        return value

    def spend(self, judgements: int) -> None:
        self._steps += judgements
        if self._steps > MAX_VALIDATION_STEPS:
            raise _LimitExceeded


# ---- what each keyword says ------------------------------------------------------------------


def describe(value: Any) -> str:
    """Short, however large the value is."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if is_number(value) and abs(value) > 1e300:
        return "a huge number"
    if isinstance(value, str) and len(value) > 80:
        return repr(value[:80]) + "…"
    return json.dumps(value, ensure_ascii=False)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: is_number(value) and value == value // 1,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}


def _type(_: _Validator, wanted: Any, value: Any, way: JsonPointer, __: Any) -> Problems:
    named = [wanted] if isinstance(wanted, str) else wanted
    if not any(TYPES[name](value) for name in named):
        yield way, f"{describe(value)} is not of type {' or '.join(named)}"


def _enum(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if isinstance(value, str):
        found = value in wanted
    else:
        judge.spend(len(wanted) // 4)
        found = any(judge.json_equal(value, one) for one in wanted)
    if not found:
        yield way, f"{describe(value)} is not one of {', '.join(map(describe, wanted[:20]))}"


def _const(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if not judge.json_equal(value, wanted):
        yield way, f"{describe(wanted)} was expected"


def _pattern(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if isinstance(value, str) and not judge.matches(wanted, value):
        yield way, f"{describe(value)} does not match {wanted!r}"


def _multiple_of(_: _Validator, wanted: Any, value: Any, way: JsonPointer, __: Any) -> Problems:
    if is_number(value) and Fraction(repr(value)) % Fraction(repr(wanted)):
        yield way, f"{describe(value)} is not a multiple of {wanted}"


def _bound(
    kind: Any, size: Callable[[Any], Any], bad: Callable[[Any, Any], bool], words: str
) -> Any:
    def judged(_: _Validator, wanted: Any, value: Any, way: JsonPointer, __: Any) -> Problems:
        if isinstance(value, kind) and not isinstance(value, bool) and bad(size(value), wanted):
            yield way, f"{describe(value)} {words} {wanted}"

    return judged


def _unique_items(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if (
        wanted
        and isinstance(value, list | tuple)
        and len(value) != len(set(map(judge.hash_key, value)))
    ):
        yield way, f"{describe(value)} has the same item twice"


def _items(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, schema: Any) -> Problems:
    if isinstance(value, list | tuple):
        first = len(schema.get("prefixItems", ()))
        for place, item in enumerate(value[first:], first):
            yield from judge.problems(wanted, item, (*way, str(place)))


def _prefix_items(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if isinstance(value, list | tuple):
        for place, (inner, item) in enumerate(zip(wanted, value, strict=False)):
            yield from judge.problems(inner, item, (*way, str(place)))


def _properties(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if isinstance(value, Mapping):
        for name, inner in wanted.items():
            if name in value:
                yield from judge.problems(inner, value[name], (*way, name))


def _additional_properties(
    judge: _Validator, wanted: Any, value: Any, way: JsonPointer, schema: Any
) -> Problems:
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        for name in [name for name in value if name not in known]:
            if wanted is False:
                yield way, f"{name[:80]!r} is not a parameter"
            yield from judge.problems(wanted, value[name], (*way, name))


def _property_names(
    judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any
) -> Problems:
    for name in value if isinstance(value, Mapping) else ():
        yield from judge.problems(wanted, name, way)


def _required(_: _Validator, wanted: Any, value: Any, way: JsonPointer, __: Any) -> Problems:
    for name in wanted if isinstance(value, Mapping) else ():
        if name not in value:
            yield way, f"{name!r} is a required property"


def _reference(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    yield from judge.problems(judge.resolve_reference(wanted), value, way)


def _all_of(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    for inner in wanted:
        yield from judge.problems(inner, value, way)


def _any_of(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if not any(judge.accepts(inner, value) for inner in wanted):
        yield way, f"{describe(value)} fits none of the {len(wanted)} schemas it may fit"


def _one_of(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    fitting = sum(judge.accepts(inner, value) for inner in wanted)
    if fitting != 1:
        yield way, f"{describe(value)} fits {fitting} of the {len(wanted)} schemas, not one"


def _not(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, _: Any) -> Problems:
    if judge.accepts(wanted, value):
        yield way, f"{describe(value)} is what it must not be"


def _if(judge: _Validator, wanted: Any, value: Any, way: JsonPointer, schema: Any) -> Problems:
    branch = "then" if judge.accepts(wanted, value) else "else"
    yield from judge.problems(schema.get(branch, True), value, way)


_NUMBER, _LIST = (int, float), (list, tuple)
KEYWORD_VALIDATORS: Mapping[str, Callable[[_Validator, Any, Any, JsonPointer, Any], Problems]] = {
    "$ref": _reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound(_NUMBER, lambda n: n, lambda n, m: n < m, "is less than the minimum of"),
    "maximum": _bound(_NUMBER, lambda n: n, lambda n, m: n > m, "is more than the maximum of"),
    "exclusiveMinimum": _bound(_NUMBER, lambda n: n, lambda n, m: n <= m, "is not above"),
    "exclusiveMaximum": _bound(_NUMBER, lambda n: n, lambda n, m: n >= m, "is not below"),
    "multipleOf": _multiple_of,
    "minLength": _bound(str, len, lambda n, m: n < m, "is shorter than"),
    "maxLength": _bound(str, len, lambda n, m: n > m, "is longer than"),
    "minItems": _bound(_LIST, len, lambda n, m: n < m, "has fewer items than"),
    "maxItems": _bound(_LIST, len, lambda n, m: n > m, "has more items than"),
    "minProperties": _bound(Mapping, len, lambda n, m: n < m, "has fewer properties than"),
    "maxProperties": _bound(Mapping, len, lambda n, m: n > m, "has more properties than"),
    "pattern": _pattern,
    "uniqueItems": _unique_items,
    "prefixItems": _prefix_items,
    "items": _items,
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "required": _required,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
