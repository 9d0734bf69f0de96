"""The parameters of a tool: a JSON Schema, or its short form, a list of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.json_schema.parameters import Parameter, schema_of
from domain.json_schema.schema import check_schema


def check_parameters(schema: Any) -> Mapping[str, Any]:
    return check_schema(schema, ("parameters",))


def schema_from_list(parameters: Sequence[Any]) -> Mapping[str, Any]:
    """The short form `[{name, type, required, …}]` as a JSON Schema."""
    listed = [
        Parameter(
            name=each.name,
            type=each.type,
            required=each.required,
            description=each.description,
            enum=each.enum,
            default=each.default,
        )
        for each in parameters
    ]
    return schema_of(listed, ("parametersList",))
