"""Arguments that a model leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calls.context import CallContext
from domain.json_schema.defaults import with_defaults
from domain.json_schema.schema import check_schema
from domain.tool_execution.dry_run import dry_run
from domain.tools.actions import Respond
from domain.tools.model import ToolSpec
from tests.support.cpu import MAX_GROWTH, cpu_growth

pytestmark = pytest.mark.anyio


def schema(**properties: Any) -> Any:
    return {"type": "object", "properties": properties}


N = {"type": "integer", "default": 4}


@pytest.mark.parametrize(
    ("properties", "arguments", "filled"),
    [
        ({"n": N}, {}, {"n": 4}),
        ({"n": N}, {"n": 7}, {"n": 7}),
        ({"n": N}, {"n": None}, {"n": None}),
        ({"n": N, "m": {"type": "integer"}}, {"m": 1}, {"m": 1, "n": 4}),
        ({"o": schema(n=N)}, {"o": {}}, {"o": {"n": 4}}),
        ({"o": schema(n=N)}, {}, {}),
        ({"o": {**schema(n=N), "default": {}}}, {}, {"o": {}}),
        (
            {"l": {"type": "array", "items": schema(n=N)}},
            {"l": [{}, {"n": 1}]},
            {"l": [{"n": 4}, {"n": 1}]},
        ),
        ({"n": {"type": "string", "default": None}}, {}, {}),
        ({"n": {"type": "integer", "default": "four"}}, {}, {}),
        ({"n": {"type": "boolean", "default": False}}, {}, {"n": False}),
    ],
)
def test_defaults_are_filled_in(properties: Any, arguments: Any, filled: Any) -> None:
    assert with_defaults(schema(**properties), arguments) == filled


def test_defaults_of_definitions_are_filled_in() -> None:
    spec = {**schema(n={"$ref": "#/$defs/count"}), "$defs": {"count": N}}
    check_schema(spec, ())
    assert with_defaults(spec, {}) == {"n": 4}


def test_a_default_is_checked_once_however_often_it_is_filled_in() -> None:
    def fill(length: int) -> None:
        tags = {"type": "array", "items": {"type": "integer"}, "default": [1] * length}
        with_defaults(schema(l={"type": "array", "items": schema(tags=tags)}), {"l": [{}] * 1_000})

    # Checking it for each item would take a hundred times as long.
    assert cpu_growth(lambda: fill(1), lambda: fill(900)) < MAX_GROWTH


async def test_a_tool_reads_the_default() -> None:
    tool = ToolSpec(
        name="t",
        description="T.",
        parameters={**schema(n=N), "required": ["n"]},
        actions=(Respond(message="{{params.n}}"),),
    )
    result = await dry_run(tool, {}, CallContext())
    assert result.tool_result.result == "4"
