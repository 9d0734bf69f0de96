"""Conversion of inputs to changes of domain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from strawberry import Some

from domain.common.casing import camel
from domain.common.errors import InvalidInput

Convert = Callable[[Any], Any]
Fields = Mapping[str, tuple[str, Convert]]


def identity(value: Any) -> Any:
    return value


def changed_fields(
    patch: Any, fields: Fields, nullable: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The fields that a patch sets, by their names in the domain.

    `fields` maps the name in Python to the name in the domain and a conversion."""
    changes: dict[str, Any] = {}
    for name, (target, convert) in fields.items():
        field = getattr(patch, name)
        if not isinstance(field, Some):
            continue
        value = field.value
        if value is None and name not in nullable:
            api_name = camel(name)
            raise InvalidInput(
                f"{api_name} cannot be null; omit it to leave it unchanged.", (api_name,)
            )
        changes[target] = None if value is None else convert(value)
    return changes


def whole_seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())


def json_object(value: Any, *path: str) -> Mapping[str, Any]:
    """The value at this path of the input as a JSON object; empty when it is null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{path[-1]} must be a JSON object.", path)
    return value


def text_values(value: Any, *path: str) -> Mapping[str, str]:
    """The value at this path of the input as a JSON object of texts; empty when it is null."""
    texts = json_object(value, *path)
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InvalidInput(f"The value of {name[:64]!r} must be a text.", (*path, name))
    return texts
