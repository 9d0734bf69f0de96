"""The parameters of a tool: a JSON Schema, or the short list that stands for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InvalidInput
from domain.schemas import check_schema

PATH = ("input", "parameters")
TYPES = ("string", "number", "integer", "boolean", "array", "object")


def checked(schema: Any) -> Mapping[str, Any]:
    return check_schema(schema, PATH)


def from_list(parameters: Sequence[Any]) -> Mapping[str, Any]:
    """[{name, type, required, …}] as a JSON Schema."""
    properties: dict[str, Any] = {}
    for place, parameter in enumerate(parameters):
        path = ("input", "parametersList", str(place))
        if parameter.type not in TYPES:
            raise InvalidInput(f"type must be one of {', '.join(TYPES)}.", (*path, "type"))
        if parameter.name in properties:
            raise InvalidInput(f"{parameter.name} is listed twice.", (*path, "name"))
        given = {
            "type": parameter.type,
            "description": parameter.description,
            "enum": parameter.enum,
            "default": parameter.default,
        }
        properties[parameter.name] = {k: v for k, v in given.items() if v is not None}
    return checked(
        {
            "type": "object",
            "properties": properties,
            "required": [p.name for p in parameters if p.required],
            "additionalProperties": False,
        }
    )
