"""JSON Schemas as untrusted input: what is refused, and the bounds of a validation."""

from __future__ import annotations

from typing import Any

import pytest

from domain.common.errors import InvalidInput
from domain.json_schema.schema import check_schema
from domain.json_schema.validator import validation_problem
from tests.support.cpu import MAX_GROWTH, cpu_growth, cpu_seconds

P = ("input", "parameters")


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def billion_laughs() -> dict[str, Any]:
    defs: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
        for n in range(30)
    }
    defs["a30"] = {"type": "string"}
    return {"$defs": defs, **an_object(x={"$ref": "#/$defs/a0"})}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = an_object(x=schema)
    return schema


REFUSED: dict[str, Any] = {
    "a list": [],
    "no object": {"type": "string"},
    "no type": {"properties": {}},
    "an unknown type": an_object(x={"type": "elephant"}),
    "a broken keyword": an_object(x={"minimum": "three"}),
    "a reference to elsewhere": an_object(x={"$ref": "http://127.0.0.1/x"}),
    "a dynamic reference": {"type": "object", "$dynamicRef": "http://127.0.0.1/x"},
    "an id": {"type": "object", "$id": "http://127.0.0.1/x"},
    "a reference to itself": {"type": "object", "$ref": "#"},
    "definitions in a circle": {
        "type": "object",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    },
    "a reference to nothing": an_object(x={"$ref": "#/$defs/none"}),
    "a look-ahead": an_object(x={"type": "string", "pattern": "(?=a)b"}),
    "a back reference": an_object(x={"type": "string", "pattern": r"(a)\1"}),
    "a broken pattern": an_object(x={"type": "string", "pattern": "("}),
    "patterns of names": {"type": "object", "patternProperties": {"^(a+)+$": {}}},
    "a billion laughs": billion_laughs(),
    "nested too deep": nested(60),
    "too many parts": an_object(**{f"x{n}": {"type": "string"} for n in range(1_500)}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsafe_schemas_are_refused_immediately(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_schema(REFUSED[name], P)
    assert (refused.value.path or ())[:2] == P
    # At most 0.002 measured; exponential matching takes minutes.
    assert cpu_seconds(lambda: check_schema(REFUSED[name], P), refusal=(InvalidInput,)) < 0.2


def test_ordinary_schemas_are_accepted() -> None:
    size = {"type": "integer", "minimum": 1, "description": "How many."}
    schema = {
        "$defs": {"size": size},
        **an_object(a={"$ref": "#/$defs/size"}, b={"$ref": "#/$defs/size"}),
        "required": ["a"],
        "additionalProperties": False,
    }
    assert check_schema(schema, P) is schema
    assert validation_problem(schema, {"a": 1, "b": 2}) is None
    assert validation_problem(schema, {"a": 0}) == "a: 0 is less than the minimum of 1"
    assert validation_problem(schema, {}) == "arguments: 'a' is a required property"
    # A property may have any name, including that of a keyword.
    check_schema(an_object(**{"$id": {"type": "string"}, "pattern": {"type": "string"}}), P)


def test_patterns_match_in_linear_time() -> None:
    schema = check_schema(an_object(x={"type": "string", "pattern": "^(a+)+$"}), P)
    assert validation_problem(schema, {"x": "aaaa"}) is None
    less, more = [{"x": "a" * length + "b"} for length in (7_000, 28_000)]
    assert validation_problem(schema, less) is not None
    assert validation_problem(schema, more) is not None
    assert (
        cpu_growth(
            lambda: validation_problem(schema, less), lambda: validation_problem(schema, more)
        )
        < MAX_GROWTH
    )


def test_arguments_are_bounded() -> None:
    schema = an_object()
    assert "larger" in (validation_problem(schema, {"x": "y" * 70_000}) or "")
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    validation_problem(an_object(x={"type": "array"}), {"x": deep})
