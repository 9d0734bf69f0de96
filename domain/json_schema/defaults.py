"""Fills in the defaults of a tool's parameters that the model left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.json_schema.schema import REFERENCE_PREFIX
from domain.json_schema.validator import MAX_ARGUMENT_VALUES, is_valid


def with_defaults(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments, and the default of each property that they lack, also in nested objects. A
    default that its own schema rejects, such as a null, is left out."""
    return _Filler(schema).fill_object(schema, arguments)


class _Filler:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self._left = MAX_ARGUMENT_VALUES
        """How many properties may still be looked at, so that large arguments cost milliseconds."""
        self._is_usable: dict[int, bool] = {}
        """Whether the default of a property is valid, by the identity of its schema. It is checked
        once, however many items of a list lack it."""

    def fill(self, schema: Any, value: Any) -> Any:
        schema = self._resolve(schema)
        if isinstance(value, Mapping):
            return self.fill_object(schema, value)
        if isinstance(value, list) and "items" in schema:
            return [self.fill(schema["items"], item) for item in value]
        return value

    def fill_object(self, schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
        filled = dict(value)
        for name, inside in schema.get("properties", {}).items():
            self._left -= 1
            if self._left < 0:
                break
            if name in value:
                filled[name] = self.fill(inside, value[name])
                continue
            default = self._resolve(inside).get("default")
            if default is not None and self._accepts(inside, default):
                filled[name] = default
        return filled

    def _accepts(self, schema: Any, default: Any) -> bool:
        if id(schema) not in self._is_usable:
            self._is_usable[id(schema)] = is_valid(schema, default, self._definitions)
        return self._is_usable[id(schema)]

    def _resolve(self, schema: Any) -> Mapping[str, Any]:
        """The schema with what it refers to; keywords next to the reference take precedence."""
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if reference is None:
            return schema
        target = self._definitions[reference.removeprefix(REFERENCE_PREFIX)]
        return {**self._resolve(target), **{k: v for k, v in schema.items() if k != "$ref"}}
