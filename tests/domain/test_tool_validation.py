"""Tools that are refused when they are saved, with the path of the problem."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.common.errors import InvalidInput
from domain.tools.model import ToolSpec, check_tool
from graph.schema.parameters import schema_from_list
from graph.schema.scalars import Json
from graph.schema.types.action_inputs import ApiCallInput, ToolActionInput, actions
from graph.schema.types.inputs import InputReader
from graph.schema.types.tools import ParameterInput
from tests.support.cpu import cpu_seconds
from tests.support.hostile_corpus import load_corpus

CASES = load_corpus("tools")
GOOD: dict[str, Any] = {
    "name": "book",
    "description": "Books.",
    "actions": [{"type": "end_call"}],
}
SPEC = TypeAdapter(ToolSpec)


def test_the_base_tool_is_valid() -> None:
    spec = SPEC.validate_python(GOOD)
    assert check_tool(spec) is spec


@pytest.mark.parametrize("name", CASES)
def test_an_invalid_tool_is_refused_at_its_path(name: str) -> None:
    case = CASES[name]
    spec = SPEC.validate_python({**GOOD, **case["tool"]})
    with pytest.raises(InvalidInput) as refused:
        check_tool(spec)
    assert "/".join(refused.value.path or ()) == case["path"]
    assert refused.value.message == case["says"]
    # At most 0.001 measured; exponential matching takes minutes.
    assert cpu_seconds(lambda: check_tool(spec), refusal=(InvalidInput,)) < 0.1


def one(name: str, type: str = "string", **more: Any) -> ParameterInput:
    return ParameterInput(name=name, type=type, **more)


@pytest.mark.parametrize(
    ("parameters", "path", "says"),
    [
        (
            [one("a", "elephant")],
            "parametersList/0/type",
            "type must be one of string, number, integer, boolean, array, object.",
        ),
        ([one("a"), one("a")], "parametersList/1/name", "a is listed twice."),
        ([one("a", enum=Json("x"))], "parametersList/properties/a/enum", "enum must be a list."),
        ([one("a\x00")], "parametersList", "The schema is not text: it contains a NUL character."),
    ],
)
def test_the_parameters_list_is_validated_too(
    parameters: list[ParameterInput], path: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        schema_from_list(parameters, ("parametersList",))
    assert ("/".join(refused.value.path or ()), refused.value.message) == (path, says)


@pytest.mark.parametrize("field", ["headers", "query", "save"])
@pytest.mark.parametrize("value", [[], "a", 3, True])
def test_headers_query_and_save_must_be_objects(field: str, value: object) -> None:
    more: dict[str, Any] = {field: Json(value)}
    reader = InputReader(("actions", "0", "apiCall"))
    ApiCallInput(url="https://api.example/", **more).action(reader)
    [problem] = reader.problems
    assert problem.message == f"{field} must be a JSON object."
    assert problem.path == ("actions", "0", "apiCall", field)


def test_an_action_sets_exactly_one_field() -> None:
    nothing = dict.fromkeys(ToolActionInput.__annotations__)
    reader = InputReader(("actions",))
    actions([ToolActionInput(**nothing)], reader)
    [problem] = reader.problems
    assert problem.message == "An action must set exactly one field."
    assert problem.path == ("actions", "0")
