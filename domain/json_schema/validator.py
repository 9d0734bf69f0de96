"""Validates the arguments of a tool call against the schema of the tool.

Every validation step is counted and the total is limited, so that a validation takes milliseconds
for any schema and any arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from domain.common.json_values import has_more_items, json_problem
from domain.json_schema.schema import (
    REFERENCE_PREFIX,
    SCHEMA_KEYWORDS,
    SCHEMA_LIST_KEYWORDS,
    SCHEMA_MAP_KEYWORDS,
    VALUE_KEYWORDS,
    compile_pattern,
)

MAX_ARGUMENTS_LENGTH = 32_768
MAX_ARGUMENT_VALUES = 3_000
MAX_VALIDATION_STEPS = 3_000
MAX_MATCH_COST = 700_000
"""Limit for the sum of text length times pattern size (RE2 instructions) of all matches."""
TOO_MANY = "The arguments have too many parts to be validated."

JsonPointer = tuple[str, ...]
Problems = Iterator[tuple[JsonPointer, str]]


def validation_problem(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    """The first problem of the arguments, worded so that the model can fix it; None if valid."""
    problem = storage_problem(arguments)
    if problem is not None:
        return problem
    try:
        first = next(_Validator(schema).problems(schema, arguments, ()), None)
    except _LimitExceeded:
        return TOO_MANY
    if first is None:
        return None
    pointer, problem = first
    return f"{'/'.join(pointer) or 'arguments'}: {problem}"


def is_valid(schema: Any, value: Any, definitions: Mapping[str, Any]) -> bool:
    """Whether a part of a tool's schema with these `$defs` accepts the value."""
    try:
        return _Validator({"$defs": definitions}).accepts(schema, value)
    except _LimitExceeded:
        return False


def storage_problem(arguments: Mapping[str, Any]) -> str | None:
    """Why the arguments cannot be stored, regardless of the schema; None if they can."""
    if has_more_items(arguments, MAX_ARGUMENT_VALUES):
        return TOO_MANY
    problem = json_problem(arguments, MAX_ARGUMENTS_LENGTH)
    return None if problem is None else f"The arguments are {problem}."


@dataclass(frozen=True, slots=True)
class DeclaredValue:
    """A value that a schema declares in `enum` or `default`."""

    pointer: JsonPointer
    problem: str | None
    """Why the rest of the schema does not accept the value; None if it does."""
    work: int
    """The validation steps that this took."""


def declared_values(schema: Mapping[str, Any]) -> Iterator[DeclaredValue]:
    """The values that the schema declares. A default of null means that there is none."""
    for pointer, part in _subschemas(schema, ()):
        rest = {name: value for name, value in part.items() if name not in VALUE_KEYWORDS}
        enum = part.get("enum")
        if enum is not None and not enum:
            yield DeclaredValue((*pointer, "enum"), "enum is empty, so no value is accepted", 1)
        for index, value in enumerate(enum or ()):
            yield _declared_value((*pointer, "enum", str(index)), schema, rest, value)
        if (default := part.get("default")) is not None:
            accepted = rest if enum is None else {**rest, "enum": enum}
            yield _declared_value((*pointer, "default"), schema, accepted, default)


def _declared_value(
    pointer: JsonPointer, root: Mapping[str, Any], schema: Mapping[str, Any], value: Any
) -> DeclaredValue:
    validator = _Validator(root)
    try:
        first = next(validator.problems(schema, value, ()), None)
    except _LimitExceeded:
        first = None
    return DeclaredValue(pointer, None if first is None else first[1], validator.work)


def _subschemas(schema: Any, pointer: JsonPointer) -> Iterator[tuple[JsonPointer, Any]]:
    """The schema and all schemas in it."""
    if not isinstance(schema, Mapping):
        return
    yield pointer, schema
    for name, inside in schema.items():
        here = (*pointer, name)
        if name in SCHEMA_KEYWORDS:
            yield from _subschemas(inside, here)
        elif name in SCHEMA_LIST_KEYWORDS:
            for index, each in enumerate(inside):
                yield from _subschemas(each, (*here, str(index)))
        elif name in SCHEMA_MAP_KEYWORDS:
            for key, each in inside.items():
                yield from _subschemas(each, (*here, key))


class _LimitExceeded(Exception):
    """The validation would take too long."""


class _Validator:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions = schema.get("$defs", {})
        self._steps = 0
        self._match_cost = 0

    def problems(self, schema: Any, value: Any, pointer: JsonPointer) -> Problems:
        """Problems in the order of the keywords, found lazily as the caller iterates."""
        self.spend(1)
        if schema is False:
            yield pointer, f"{describe(value)} is not allowed"
        if isinstance(schema, bool):
            return
        for name, expected in schema.items():
            validate_keyword = KEYWORD_VALIDATORS.get(name)
            if validate_keyword is not None:
                self.spend(1)
                yield from validate_keyword(self, expected, value, pointer, schema)

    def accepts(self, schema: Any, value: Any) -> bool:
        return next(self.problems(schema, value, ()), None) is None

    def resolve_reference(self, reference: str) -> Any:
        return self._definitions[reference.removeprefix(REFERENCE_PREFIX)]

    def matches(self, pattern: str, text: str) -> bool:
        compiled = compile_pattern(pattern)
        self._match_cost += len(text) * compiled.programsize
        if self._match_cost > MAX_MATCH_COST:
            raise _LimitExceeded
        return compiled.search(text) is not None

    def json_equal(self, left: Any, right: Any) -> bool:
        """Equality of JSON values: 1 equals 1.0, but neither equals true."""
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
        """A hashable key that is equal for equal JSON values."""
        self.spend(1)
        match value:
            case bool():
                return ("bool", value)
            case Mapping():
                return ("object", frozenset((k, self.hash_key(v)) for k, v in value.items()))
            case list() | tuple():
                return ("array", tuple(map(self.hash_key, value)))
        return value

    @property
    def work(self) -> int:
        """The steps so far. Matching up to its limit counts as much as steps up to theirs."""
        match_cost = min(self._match_cost, MAX_MATCH_COST)
        return self._steps + match_cost * MAX_VALIDATION_STEPS // MAX_MATCH_COST

    def spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_VALIDATION_STEPS:
            raise _LimitExceeded


# ---- keyword validators ----------------------------------------------------------------------


def describe(value: Any) -> str:
    """A short description of a value for a message, whatever its size."""
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


def _type(_: _Validator, expected: Any, value: Any, pointer: JsonPointer, __: Any) -> Problems:
    names = [expected] if isinstance(expected, str) else expected
    if not any(TYPES[name](value) for name in names):
        yield pointer, f"{describe(value)} is not of type {' or '.join(names)}"


def _enum(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if isinstance(value, str):
        is_listed = value in expected
    else:
        validator.spend(len(expected) // 4)
        is_listed = any(validator.json_equal(value, item) for item in expected)
    if not is_listed:
        yield pointer, f"{describe(value)} is not one of {', '.join(map(describe, expected[:20]))}"


def _const(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if not validator.json_equal(value, expected):
        yield pointer, f"{describe(expected)} was expected"


def _pattern(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if isinstance(value, str) and not validator.matches(expected, value):
        yield pointer, f"{describe(value)} does not match the pattern {expected!r}"


def _multiple_of(
    _: _Validator, expected: Any, value: Any, pointer: JsonPointer, __: Any
) -> Problems:
    if is_number(value) and Fraction(repr(value)) % Fraction(repr(expected)):
        yield pointer, f"{describe(value)} is not a multiple of {expected}"


def _bound(
    kind: Any, size: Callable[[Any], Any], violates: Callable[[Any, Any], bool], text: str
) -> Any:
    def validate(
        _: _Validator, expected: Any, value: Any, pointer: JsonPointer, __: Any
    ) -> Problems:
        if (
            isinstance(value, kind)
            and not isinstance(value, bool)
            and violates(size(value), expected)
        ):
            yield pointer, f"{describe(value)} {text} {expected}"

    return validate


def _unique_items(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if (
        expected
        and isinstance(value, list | tuple)
        and len(value) != len(set(map(validator.hash_key, value)))
    ):
        yield pointer, f"{describe(value)} contains the same item twice"


def _items(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, schema: Any
) -> Problems:
    if isinstance(value, list | tuple):
        first = len(schema.get("prefixItems", ()))
        for index, item in enumerate(value[first:], first):
            yield from validator.problems(expected, item, (*pointer, str(index)))


def _prefix_items(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if isinstance(value, list | tuple):
        for index, (inner, item) in enumerate(zip(expected, value, strict=False)):
            yield from validator.problems(inner, item, (*pointer, str(index)))


def _properties(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if isinstance(value, Mapping):
        for name, inner in expected.items():
            if name in value:
                yield from validator.problems(inner, value[name], (*pointer, name))


def _additional_properties(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, schema: Any
) -> Problems:
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        for name in [name for name in value if name not in known]:
            if expected is False:
                yield pointer, f"{name[:80]!r} is not a parameter"
            yield from validator.problems(expected, value[name], (*pointer, name))


def _property_names(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    for name in value if isinstance(value, Mapping) else ():
        yield from validator.problems(expected, name, pointer)


def _required(_: _Validator, expected: Any, value: Any, pointer: JsonPointer, __: Any) -> Problems:
    for name in expected if isinstance(value, Mapping) else ():
        if name not in value:
            yield pointer, f"{name!r} is a required property"


def _reference(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    yield from validator.problems(validator.resolve_reference(expected), value, pointer)


def _all_of(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    for inner in expected:
        yield from validator.problems(inner, value, pointer)


def _any_of(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if not any(validator.accepts(inner, value) for inner in expected):
        yield pointer, f"{describe(value)} matches none of the {len(expected)} schemas of anyOf"


def _one_of(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    matches = sum(validator.accepts(inner, value) for inner in expected)
    if matches != 1:
        yield (
            pointer,
            (
                f"{describe(value)} matches {matches} of the {len(expected)} schemas of oneOf, "
                "not exactly one"
            ),
        )


def _not(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, _: Any
) -> Problems:
    if validator.accepts(expected, value):
        yield pointer, f"{describe(value)} matches the schema of not, which it must not"


def _if(
    validator: _Validator, expected: Any, value: Any, pointer: JsonPointer, schema: Any
) -> Problems:
    branch = "then" if validator.accepts(expected, value) else "else"
    yield from validator.problems(schema.get(branch, True), value, pointer)


_NUMBER, _LIST = (int, float), (list, tuple)
KEYWORD_VALIDATORS: Mapping[str, Callable[[_Validator, Any, Any, JsonPointer, Any], Problems]] = {
    "$ref": _reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound(_NUMBER, lambda n: n, lambda n, m: n < m, "is less than the minimum of"),
    "maximum": _bound(_NUMBER, lambda n: n, lambda n, m: n > m, "is more than the maximum of"),
    "exclusiveMinimum": _bound(_NUMBER, lambda n: n, lambda n, m: n <= m, "is not greater than"),
    "exclusiveMaximum": _bound(_NUMBER, lambda n: n, lambda n, m: n >= m, "is not less than"),
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
