"""JSON Schema (draft 2020-12) for the parameters of tools, made safe for schemas that others wrote.

A schema refers to nothing outside itself and not to itself, expands to a bounded size, and its
patterns are RE2's, which match in linear time. Keywords that cannot be judged in bounded time are
refused; unknown ones say nothing. How arguments are judged: `domain.json_schema.validator`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2

from domain.common.errors import InvalidInput, Path
from domain.common.json_values import unfit

MOST_PARTS = 2_000
DEEPEST = 20
LONGEST_PATTERN = 500
LARGEST_PATTERNS = 8_000
"""Of all patterns together, in RE2's instructions."""

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
REFERENCE = "#/$defs/"
REFUSED = frozenset(
    {
        *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$id", "$anchor"),
        *("$vocabulary", "patternProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("contains", "minContains", "maxContains", "dependentRequired", "dependentSchemas"),
    }
)

ONE = frozenset({"items", "not", "additionalProperties", "propertyNames", "if", "then", "else"})
LISTS = frozenset({"prefixItems", "allOf", "anyOf", "oneOf"})
NAMED = frozenset({"properties", "$defs"})
DATA = frozenset({"enum", "const", "default", "examples"})


def check_schema(schema: Any, path: Path) -> Mapping[str, Any]:
    """The schema itself, or `InvalidInput` that names the place in it."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise InvalidInput('parameters must be a JSON Schema with "type": "object".', path)
    _Check(schema, path).whole()
    why = unfit(schema)
    if why is not None:
        raise InvalidInput(f"The schema is {why}.", path)
    return schema


@lru_cache(1_024)
def compiled(pattern: str) -> Any:
    """Raises `ValueError` for what is no pattern of RE2."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 18
    try:
        return re2.compile(pattern, options=options)
    except (re2.error, RecursionError, UnicodeError) as error:
        raise ValueError(pattern) from error


# ---- what the values of keywords must be ----------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_type(value: Any) -> bool:
    named = value if isinstance(value, list | tuple) else [value]
    return bool(named) and all(isinstance(one, str) and one in TYPES for one in named)


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


Wanted = tuple[Callable[[Any], bool], str]

TEXT: Wanted = (_is_text, "a text")
NUMBER: Wanted = (_is_number, "a number")
COUNT: Wanted = (_is_count, "a whole number from 0")
YES_NO: Wanted = (lambda value: isinstance(value, bool), "true or false")
LIST: Wanted = (lambda value: isinstance(value, list | tuple), "a list")

PLAIN: Mapping[str, Wanted] = {
    "type": (_is_type, f"one or several of {', '.join(sorted(TYPES))}"),
    "required": (_is_names, "a list of names"),
    "enum": LIST,
    "examples": LIST,
    "multipleOf": (lambda v: _is_number(v) and v > 1e-300, "a number above 0"),
    "uniqueItems": YES_NO,
    "deprecated": YES_NO,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNT),
    **dict.fromkeys(("minProperties", "maxProperties"), COUNT),
    **dict.fromkeys(("$ref", "pattern", "title", "description", "format"), TEXT),
    **dict.fromkeys(("$schema", "$comment"), TEXT),
}


class _Check:
    """One walk over a schema and, in place, over what it refers to."""

    def __init__(self, schema: Mapping[str, Any], path: Path) -> None:
        self._schema = schema
        self._path = path
        self._parts = 0
        self._instructions = 0

    def whole(self) -> None:
        if not isinstance(self._schema.get("$defs", {}), Mapping):
            raise InvalidInput("$defs must be an object of schemas.", (*self._path, "$defs"))
        self._one(self._schema, self._path, (), 0)

    def _one(self, schema: Any, way: Path, within: tuple[str, ...], depth: int) -> None:
        self._count(1)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            raise InvalidInput("A schema is an object, true or false.", way)
        if depth > DEEPEST:
            raise InvalidInput(f"A schema may be nested {DEEPEST} deep.", self._path)
        for name, value in schema.items():
            if not isinstance(name, str):
                raise InvalidInput("The names in a schema are texts.", way)
            self._keyword(name, value, (*way, name), within, depth)

    def _keyword(
        self, name: str, value: Any, way: Path, within: tuple[str, ...], depth: int
    ) -> None:
        self._count(1)
        if name in REFUSED:
            raise InvalidInput(f"{name} is not supported.", way)
        wanted = PLAIN.get(name)
        if wanted is not None and not wanted[0](value):
            raise InvalidInput(f"{name} must be {wanted[1]}.", way)
        if name in ONE:
            self._one(value, way, within, depth + 1)
        elif name in LISTS:
            if not isinstance(value, list | tuple) or not value:
                raise InvalidInput(f"{name} must be a list of schemas.", way)
            for place, inner in enumerate(value):
                self._one(inner, (*way, str(place)), within, depth + 1)
        elif name in NAMED:
            if not isinstance(value, Mapping):
                raise InvalidInput(f"{name} must be an object of schemas.", way)
            for key, inner in value.items():
                self._one(inner, (*way, str(key)), within, depth + 1)
        elif name in DATA:
            self._data(value, way)
        elif name == "$ref":
            self._reference(value, way, within, depth)
        elif name == "pattern":
            self._pattern(value, way)

    def _reference(self, reference: str, way: Path, within: tuple[str, ...], depth: int) -> None:
        name = reference.removeprefix(REFERENCE)
        if name == reference or not name or not set(name).isdisjoint("/~%"):
            raise InvalidInput(
                f"$ref {reference[:80]!r} must lead to #/$defs/… of this schema.", way
            )
        if name in within:
            raise InvalidInput(f"$defs/{name[:80]} refers to itself.", way)
        definitions = self._schema.get("$defs", {})
        if name not in definitions:
            raise InvalidInput(f"There is no $defs/{name[:80]}.", way)
        there = (*self._path, "$defs", name)
        self._one(definitions[name], there, (*within, name), depth + 1)

    def _pattern(self, pattern: str, way: Path) -> None:
        try:
            if len(pattern) > LONGEST_PATTERN:
                raise ValueError
            self._instructions += compiled(pattern).programsize
        except ValueError:
            raise InvalidInput(
                f"{pattern[:80]!r} is no RE2 pattern of at most {LONGEST_PATTERN} characters; "
                "look-around and back references are not supported.",
                way,
            ) from None
        if self._instructions > LARGEST_PATTERNS:
            raise InvalidInput("The patterns of the schema are too large.", way)

    def _data(self, value: Any, way: Path) -> None:
        left = [value]
        while left:
            inner = left.pop()
            self._count(1)
            if isinstance(inner, Mapping):
                left += inner.values()
            elif isinstance(inner, list | tuple):
                left += inner

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST_PARTS:
            raise InvalidInput(
                f"The schema, written out, has more than {MOST_PARTS} parts.", self._path
            )
