"""How inputs become changes of the domain's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """The fields of a patch that were given, by their names in the domain.

    `fields` maps the name in Python to the name in the domain and a conversion."""
    found: dict[str, Any] = {}
    for name, (target, convert) in fields.items():
        given = getattr(patch, name)
        if not isinstance(given, Some):
            continue
        value = given.value
        if value is None and name not in nullable:
            shown = camel(name)
            raise InvalidInput(
                f"{shown} cannot be null; leave it out to keep it.", ("input", shown)
            )
        found[target] = None if value is None else convert(value)
    return found


def json_object(value: Any, name: str) -> Mapping[str, Any]:
    """A JSON object, or nothing."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} must be a JSON object.", ("input", name))
    return value
