"""Checks of the JSON Schemas (draft 2020-12) of tool parameters, which are untrusted input.

A schema has no external and no recursive references, expands to a bounded size, and its patterns
are RE2 patterns, which match in linear time. Keywords that cannot be validated in bounded time are
rejected; unknown keywords are ignored. `domain.json_schema.validator` validates arguments."""

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
"""Maximum size of all patterns of a schema together, in RE2 program instructions."""

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
    """Return the schema; raise `InvalidInput` with the path of the first problem."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise InvalidInput('parameters must be a JSON Schema with "type": "object".', path)
    _SchemaChecker(schema, path).check()
    problem = json_problem(schema)
    if problem is not None:
        raise InvalidInput(f"The schema is {problem}.", path)
    return schema


@lru_cache(1_024)
def compile_pattern(pattern: str) -> Any:
    """Raises `ValueError` if the pattern is not a valid RE2 pattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 18
    try:
        return re2.compile(pattern, options=options)
    except (re2.error, RecursionError, UnicodeError) as error:
        raise ValueError(pattern) from error


# ---- types of keyword values ----------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list | tuple) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


KeywordRule = tuple[Callable[[Any], bool], str]

TEXT: KeywordRule = (_is_text, "a string")
NUMBER: KeywordRule = (_is_number, "a number")
COUNT: KeywordRule = (_is_count, "an integer of at least 0")
BOOLEAN: KeywordRule = (lambda value: isinstance(value, bool), "true or false")
LIST: KeywordRule = (lambda value: isinstance(value, list | tuple), "a list")

KEYWORD_RULES: Mapping[str, KeywordRule] = {
    "type": (_is_type, f"one or more of {', '.join(sorted(TYPES))}"),
    "required": (_is_names, "a list of property names"),
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
    """Walks a schema once, following each reference in place."""

    def __init__(self, schema: Mapping[str, Any], path: Path) -> None:
        self._schema = schema
        self._path = path
        self._nodes = 0
        self._instructions = 0

    def check(self) -> None:
        if not isinstance(self._schema.get("$defs", {}), Mapping):
            raise InvalidInput("$defs must be an object of schemas.", (*self._path, "$defs"))
        self._check_schema(self._schema, self._path, (), 0)

    def _check_schema(
        self, schema: Any, path: Path, references: tuple[str, ...], depth: int
    ) -> None:
        self._count(1)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            raise InvalidInput("A schema must be an object, true or false.", path)
        if depth > MAX_SCHEMA_DEPTH:
            raise InvalidInput(
                f"A schema may be nested at most {MAX_SCHEMA_DEPTH} levels deep.", self._path
            )
        for name, value in schema.items():
            if not isinstance(name, str):
                raise InvalidInput("The keys of a schema must be strings.", path)
            self._keyword(name, value, (*path, name), references, depth)

    def _keyword(
        self, name: str, value: Any, path: Path, references: tuple[str, ...], depth: int
    ) -> None:
        self._count(1)
        if name in REJECTED_KEYWORDS:
            raise InvalidInput(f"{name} is not supported.", path)
        rule = KEYWORD_RULES.get(name)
        if rule is not None and not rule[0](value):
            raise InvalidInput(f"{name} must be {rule[1]}.", path)
        if name in SCHEMA_KEYWORDS:
            self._check_schema(value, path, references, depth + 1)
        elif name in SCHEMA_LIST_KEYWORDS:
            if not isinstance(value, list | tuple) or not value:
                raise InvalidInput(f"{name} must be a list of schemas.", path)
            for index, inner in enumerate(value):
                self._check_schema(inner, (*path, str(index)), references, depth + 1)
        elif name in SCHEMA_MAP_KEYWORDS:
            if not isinstance(value, Mapping):
                raise InvalidInput(f"{name} must be an object of schemas.", path)
            for key, inner in value.items():
                self._check_schema(inner, (*path, str(key)), references, depth + 1)
        elif name in VALUE_KEYWORDS:
            self._data(value, path)
        elif name == "$ref":
            self._reference(value, path, references, depth)
        elif name == "pattern":
            self._pattern(value, path)

    def _reference(
        self, reference: str, path: Path, references: tuple[str, ...], depth: int
    ) -> None:
        name = reference.removeprefix(REFERENCE_PREFIX)
        if name == reference or not name or not set(name).isdisjoint("/~%"):
            raise InvalidInput(
                f"$ref {reference[:80]!r} must point to #/$defs/… of this schema.", path
            )
        if name in references:
            raise InvalidInput(f"$defs/{name[:80]} refers to itself.", path)
        definitions = self._schema.get("$defs", {})
        if name not in definitions:
            raise InvalidInput(f"There is no $defs/{name[:80]}.", path)
        there = (*self._path, "$defs", name)
        self._check_schema(definitions[name], there, (*references, name), depth + 1)

    def _pattern(self, pattern: str, path: Path) -> None:
        try:
            if len(pattern) > MAX_PATTERN_LENGTH:
                raise ValueError
            self._instructions += compile_pattern(pattern).programsize
        except ValueError:
            raise InvalidInput(
                f"{pattern[:80]!r} is not a valid RE2 pattern of at most {MAX_PATTERN_LENGTH} "
                "characters; look-around and backreferences are not supported.",
                path,
            ) from None
        if self._instructions > MAX_PATTERN_INSTRUCTIONS:
            raise InvalidInput(
                "The patterns of the schema are too complex; shorten or simplify them.", path
            )

    def _data(self, value: Any, path: Path) -> None:
        remaining = [value]
        while remaining:
            inner = remaining.pop()
            self._count(1)
            if isinstance(inner, Mapping):
                remaining += inner.values()
            elif isinstance(inner, list | tuple):
                remaining += inner

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_SCHEMA_NODES:
            raise InvalidInput(
                f"The schema has more than {MAX_SCHEMA_NODES} parts when its references are "
                "expanded.",
                self._path,
            )
