"""The short list form of a tool's parameters, converted to a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.common.errors import InvalidInput, Path
from domain.json_schema.schema import check_schema

TYPES = ("string", "number", "integer", "boolean", "array", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    type: str = "string"
    required: bool = False
    description: str | None = None
    enum: Any = None
    default: Any = None


def schema_of(parameters: Sequence[Parameter], path: Path) -> Mapping[str, Any]:
    properties: dict[str, Any] = {}
    for index, parameter in enumerate(parameters):
        here = (*path, str(index))
        if parameter.type not in TYPES:
            raise InvalidInput(f"type must be one of {', '.join(TYPES)}.", (*here, "type"))
        if parameter.name in properties:
            raise InvalidInput(f"{parameter.name} is listed twice.", (*here, "name"))
        properties[parameter.name] = _property(parameter)
    schema = {
        "type": "object",
        "properties": properties,
        "required": [p.name for p in parameters if p.required],
        "additionalProperties": False,
    }
    return check_schema(schema, path)


def _property(parameter: Parameter) -> dict[str, Any]:
    keywords = {
        "type": parameter.type,
        "description": parameter.description,
        "enum": parameter.enum,
        "default": parameter.default,
    }
    return {key: value for key, value in keywords.items() if value is not None}
