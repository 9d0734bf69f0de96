"""The short form of the parameters of a tool: a list instead of a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.common.errors import Path
from domain.json_schema.parameters import Parameter, schema_of


def schema_from_list(parameters: Sequence[Any], path: Path) -> Mapping[str, Any]:
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
    return schema_of(listed, path)
