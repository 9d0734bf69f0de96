"""The parameters of a tool: a JSON Schema, or the short list that stands for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from domain.errors import InvalidInput

PATH = ("input", "parameters")
TYPES = ("string", "number", "integer", "boolean", "array", "object")


def checked(schema: Any) -> Mapping[str, Any]:
    """The schema itself, when it is one, and points to nothing outside itself."""
    if not isinstance(schema, dict):
        raise InvalidInput("parameters must be a JSON Schema: an object.", PATH)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "parameters"
        raise InvalidInput(f"{where}: {error.message[:300]}", PATH) from None
    _no_outside_references(schema)
    return schema


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


def _no_outside_references(value: Any) -> None:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                raise InvalidInput(f"$ref {reference!r} leads outside the schema.", PATH)
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
