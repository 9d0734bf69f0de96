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
from domain.common.json_values import json_problem

MAX_SCHEMA_NODES = 2_000
MAX_SCHEMA_DEPTH = 20
MAX_PATTERN_LENGTH = 500
MAX_PATTERN_INSTRUCTIONS = 8_000
"""Of all patterns together, in RE2's instructions."""

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
REFERENCE_PREFIX = "#/$defs/"
REJECTED_KEYWORDS = frozenset(
    {
        *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$id", "$anchor"),
        *("$vocabulary", "patternProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("contains", "minContains", "maxContains", "dependentRequired", "dependentSchemas"),
    }
)

SCHEMA_KEYWORDS = frozenset(
    {"items", "not", "additionalProperties", "propertyNames", "if", "then", "else"}
)
SCHEMA_LIST_KEYWORDS = frozenset({"prefixItems", "allOf", "anyOf", "oneOf"})
SCHEMA_MAP_KEYWORDS = frozenset({"properties", "$defs"})
VALUE_KEYWORDS = frozenset({"enum", "const", "default", "examples"})


def check_schema(schema: Any, path: Path) -> Mapping[str, Any]:
    """The schema itself, or `InvalidInput` that names the place in it."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise InvalidInput('parameters must be a JSON Schema with "type": "object".', path)
    _SchemaChecker(schema, path).check()
    why = json_problem(schema)
    if why is not None:
        raise InvalidInput(f"The schema is {why}.", path)
    return schema


@lru_cache(1_024)
def compile_pattern(pattern: str) -> Any:
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


KeywordRule = tuple[Callable[[Any], bool], str]

TEXT: KeywordRule = (_is_text, "a text")
NUMBER: KeywordRule = (_is_number, "a number")
COUNT: KeywordRule = (_is_count, "a whole number from 0")
BOOLEAN: KeywordRule = (lambda value: isinstance(value, bool), "true or false")
LIST: KeywordRule = (lambda value: isinstance(value, list | tuple), "a list")

KEYWORD_RULES: Mapping[str, KeywordRule] = {
    "type": (_is_type, f"one or several of {', '.join(sorted(TYPES))}"),
    "required": (_is_names, "a list of names"),
    "enum": LIST,
    "examples": LIST,
    "multipleOf": (lambda v: _is_number(v) and v > 1e-300, "a number above 0"),
    "uniqueItems": BOOLEAN,
    "deprecated": BOOLEAN,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNT),
    **dict.fromkeys(("minProperties", "maxProperties"), COUNT),
    **dict.fromkeys(("$ref", "pattern", "title", "description", "format"), TEXT),
    **dict.fromkeys(("$schema", "$comment"), TEXT),
}


class _SchemaChecker:
    """One walk over a schema and, in place, over what it refers to."""

    def __init__(self, schema: Mapping[str, Any], path: Path) -> None:
        self._schema = schema
        self._path = path
        self._parts = 0
        self._instructions = 0

    def check(self) -> None:
        if not isinstance(self._schema.get("$defs", {}), Mapping):
            raise InvalidInput("$defs must be an object of schemas.", (*self._path, "$defs"))
        self._check_schema(self._schema, self._path, (), 0)

    def _check_schema(self, schema: Any, way: Path, within: tuple[str, ...], depth: int) -> None:
        self._count(1)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            raise InvalidInput("A schema is an object, true or false.", way)
        if depth > MAX_SCHEMA_DEPTH:
            raise InvalidInput(f"A schema may be nested {MAX_SCHEMA_DEPTH} deep.", self._path)
        for name, value in schema.items():
            if not isinstance(name, str):
                raise InvalidInput("The names in a schema are texts.", way)
            self._keyword(name, value, (*way, name), within, depth)

    def _keyword(
        self, name: str, value: Any, way: Path, within: tuple[str, ...], depth: int
    ) -> None:
        self._count(1)
        if name in REJECTED_KEYWORDS:
            raise InvalidInput(f"{name} is not supported.", way)
        wanted = KEYWORD_RULES.get(name)
        if wanted is not None and not wanted[0](value):
            raise InvalidInput(f"{name} must be {wanted[1]}.", way)
        if name in SCHEMA_KEYWORDS:
            self._check_schema(value, way, within, depth + 1)
        elif name in SCHEMA_LIST_KEYWORDS:
            if not isinstance(value, list | tuple) or not value:
                raise InvalidInput(f"{name} must be a list of schemas.", way)
            for place, inner in enumerate(value):
                self._check_schema(inner, (*way, str(place)), within, depth + 1)
        elif name in SCHEMA_MAP_KEYWORDS:
            if not isinstance(value, Mapping):
                raise InvalidInput(f"{name} must be an object of schemas.", way)
            for key, inner in value.items():
                self._check_schema(inner, (*way, str(key)), within, depth + 1)
        elif name in VALUE_KEYWORDS:
            self._data(value, way)
        elif name == "$ref":
            self._reference(value, way, within, depth)
        elif name == "pattern":
            self._pattern(value, way)

    def _reference(self, reference: str, way: Path, within: tuple[str, ...], depth: int) -> None:
        name = reference.removeprefix(REFERENCE_PREFIX)
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
        self._check_schema(definitions[name], there, (*within, name), depth + 1)

    def _pattern(self, pattern: str, way: Path) -> None:
        try:
            if len(pattern) > MAX_PATTERN_LENGTH:
                raise ValueError
            self._instructions += compile_pattern(pattern).programsize
        except ValueError:
            raise InvalidInput(
                f"{pattern[:80]!r} is no RE2 pattern of at most {MAX_PATTERN_LENGTH} characters; "
                "look-around and back references are not supported.",
                way,
            ) from None
        if self._instructions > MAX_PATTERN_INSTRUCTIONS:
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
        if self._parts > MAX_SCHEMA_NODES:
            raise InvalidInput(
                f"The schema, written out, has more than {MAX_SCHEMA_NODES} parts.", self._path
            )
