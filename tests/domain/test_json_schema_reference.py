"""The validator of arguments agrees with the reference implementation, and is fast."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.json_schema.schema import check_schema
from domain.json_schema.validator import TOO_MANY, validation_problem
from tests.support.cpu import cpu_seconds

P = ("input", "parameters")
LEAVES = st.sampled_from(
    [None, True, False, 0, 1, -1, 2, 1.0, 2.5, 3, "", "a", "b", "ab", "é", 10**20]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
COUNTS = st.integers(0, 3)
NUMBERS = st.sampled_from([-1, 0, 1, 1.5, 2])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    types = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": NUMBERS,
            "maximum": NUMBERS,
            "exclusiveMinimum": NUMBERS,
            "exclusiveMaximum": NUMBERS,
            "multipleOf": st.sampled_from([1, 2, 3]),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "uniqueItems": st.booleans(),
            "pattern": st.sampled_from(["a", "^a", "b$", "^[a-b]{2}$"]),
            "prefixItems": some,
            "items": inner,
            "properties": named,
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.sampled_from(["#/$defs/n", "#/$defs/o"]),
        },
    )


DEFINED = {"n": {"type": "number"}, "o": {"type": "object", "properties": {"a": {"type": "null"}}}}
SCHEMAS = st.recursive(st.booleans() | schemas(st.booleans()), schemas, max_leaves=6)


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), SCHEMAS, max_size=3), SCHEMAS, VALUES, VALUES)
def test_validation_agrees_with_the_reference(properties: Any, whole: Any, a: Any, b: Any) -> None:
    schema = {"type": "object", "$defs": DEFINED, "properties": properties, "allOf": [whole]}
    arguments = {"a": a, "b": b}
    fits = Draft202012Validator(schema).is_valid(arguments)
    assert (validation_problem(check_schema(schema, P), arguments) is None) is fits


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


DEEP: Any = 1
for _ in range(400):
    DEEP = [DEEP]

HOSTILE: dict[str, tuple[Any, Any, str | None]] = {
    "not a number": (of(), float("nan"), "not JSON"),
    "an infinity": (of(x={"multipleOf": 0.1}), float("inf"), "not JSON"),
    "half a character": (of(x={"pattern": "a"}), "\ud800", "not JSON"),
    "a NUL": (of(), "a\x00b", "NUL"),
    "a NUL in a name": (of(), {"\x00": 1}, "NUL"),
    "deep": (of(), DEEP, "nested"),
    "huge": (of(x={"multipleOf": 0.1}), 10**400, None),
    "many huge": (of(), [10**400] * 2_000, "larger"),
    "many": (of(), [0] * 8_000, TOO_MANY),
    "huge and a fraction": (of(x={"multipleOf": 10**200}), 0.5, "multiple"),
    "many that must differ": (
        of(x={"uniqueItems": True}),
        [n if n % 2 else str(n) for n in range(2_000)],
        None,
    ),
    "many objects that must differ": (
        of(x={"uniqueItems": True}),
        [[["a"] * 3, {"b": n}] for n in range(700)],
        TOO_MANY,
    ),
    "many of many": (
        of(x={"items": {"anyOf": [{"const": n} for n in range(400)]}}),
        [399] * 6_000,
        TOO_MANY,
    ),
    "many of a long enum": (of(x={"items": {"enum": list(range(1_900))}}), [1_899] * 900, TOO_MANY),
    "a pattern that explodes": (
        of(x={"pattern": "(x|é|[a-z])*(a|b)[a-z]{800}$"}),
        "ab" * 15_000,
        TOO_MANY,
    ),
    "large values of many kinds": (
        of(x={"anyOf": [{"const": n} for n in range(400)]}),
        "x" * 30_000,
        "matches none of the 400",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arguments_are_validated_quickly(name: str) -> None:
    schema, value, words = HOSTILE[name]
    check_schema(schema, P)
    found = validation_problem(schema, {"x": value})
    assert found is None if words is None else words in (found or "")
    # At most 0.005 measured; exponential matching takes minutes.
    assert cpu_seconds(lambda: validation_problem(schema, {"x": value})) < 0.2
