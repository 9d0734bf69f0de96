"""Inputs for the JSON Schema validator: schemas of parameters, and arguments for them."""

from __future__ import annotations

from random import Random
from typing import Any

from bench.fuzzing.generators import LEAVES, chance, mutate, value
from bench.fuzzing.run import Target
from domain.json_schema.schema import (
    KEYWORD_RULES,
    REJECTED_KEYWORDS,
    SCHEMA_KEYWORDS,
    SCHEMA_LIST_KEYWORDS,
    SCHEMA_MAP_KEYWORDS,
    TYPES,
    VALUE_KEYWORDS,
    check_schema,
    compile_pattern,
)
from domain.json_schema.validator import validation_problem

NAMES = ("a", "b", "c", "properties", "$ref", "a/b", "%25", "", "x" * 100)
KEYWORDS = (
    *sorted(SCHEMA_KEYWORDS),
    *sorted(SCHEMA_LIST_KEYWORDS),
    *sorted(SCHEMA_MAP_KEYWORDS),
    *sorted(KEYWORD_RULES),
    *sorted(VALUE_KEYWORDS),
    "x-own",
)
INVALID_KEYWORDS = (*sorted(REJECTED_KEYWORDS), "nullable", "definitions")
PATTERNS = (
    *("^[a-z]+$", "(a+)+$", "[[:alpha:]]{1,50}", r"\p{L}{1,20}", "a{999}"),
    *(
        "(x|é|[a-z])*(a|b)[a-z]{200}$",
        "((a{10}){10}){10}",
        r"\bA\d{3}",
        "a|b|",
        "(" * 99 + ")" * 99,
    ),
)
REFERENCES = ("#/$defs/a", "#/$defs/b")
INVALID_REFERENCES = ("#/$defs/c", "#", "#/$defs/a/b", "http://127.0.0.1/", "#/$defs/%61")
Case = tuple[Any, Any]


def case(random: Random) -> Case:
    schema = _schema(random, random.choice((1, 2, 3, 4)))
    if isinstance(schema, dict):
        schema["type"] = "object"
        schema["$defs"] = {name: _schema(random, 2) for name in ("a", "b")}
    arguments = {random.choice(NAMES): _argument(random) for _ in range(random.choice((1, 2, 5)))}
    return schema, arguments


def _argument(random: Random) -> Any:
    """An argument; sometimes a long list of equal or of different items."""
    if chance(random, 0.1):
        count = random.choice((100, 2_000, 8_000))
        return [random.choice(LEAVES)] * count if chance(random, 0.5) else list(range(count))
    return value(random, NAMES)


def _schema(random: Random, depth: int) -> Any:
    if chance(random, 0.05):
        return random.choice((True, False))
    words = random.choices(KEYWORDS, k=random.choice((1, 2, 3, 6)))
    if chance(random, 0.003):
        words.append(random.choice(INVALID_KEYWORDS))
    return {word: _keyword(random, word, depth) for word in words if depth or word in KEYWORD_RULES}


def _keyword(random: Random, word: str, depth: int) -> Any:
    if chance(random, 0.002):
        return value(random, NAMES, 2)
    if word in SCHEMA_KEYWORDS:
        return _schema(random, depth - 1)
    if word in SCHEMA_LIST_KEYWORDS:
        count = random.choice((1, 2, 3, 20)) if depth == 1 else 2
        return [_schema(random, depth - 1) for _ in range(count)]
    if word in SCHEMA_MAP_KEYWORDS:
        return {random.choice(NAMES): _schema(random, depth - 1) for _ in range(2)}
    return _plain(random, word)


def _plain(random: Random, word: str) -> Any:
    match word:
        case "type":
            return random.choice(sorted(TYPES))
        case "pattern":
            text = random.choice(PATTERNS)
            return mutate(random, text) if chance(random, 0.1) else text
        case "$ref":
            return random.choice(INVALID_REFERENCES if chance(random, 0.02) else REFERENCES)
        case "required":
            return random.choices(NAMES, k=2)
        case "enum" | "examples":
            return [value(random, NAMES, 1) for _ in range(random.choice((1, 3, 300)))]
        case "uniqueItems" | "deprecated":
            return chance(random, 0.9)
        case "const" | "default":
            return value(random, NAMES, 2)
        case "title" | "description" | "format" | "$schema" | "$comment":
            return "a"
    return random.choice((1, 2, 3, 100) if chance(random, 0.99) else (0, 2.5, -1, 10**300, 1e-299))


def _validate(generated: Case) -> None:
    schema, arguments = generated
    problem = validation_problem(check_schema(schema, ("input", "parameters")), arguments)
    assert problem is None or 0 < len(problem) < 4_000


SCHEMA = Target("schema", case, _validate, compile_pattern.cache_clear)
