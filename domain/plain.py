"""Plain data, as YAML and JSON give it, read strictly: every mistake is named with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from domain.errors import InvalidInput, Path

T = TypeVar("T")


def mapping(value: Any, path: Path, keys: frozenset[str] | None = None) -> Mapping[str, Any]:
    """An object; with `keys`, one that has no others."""
    if not isinstance(value, dict):
        raise InvalidInput(f"{_name(path)} must be an object, not {_kind(value)}.", path)
    for key in value:
        if not isinstance(key, str):
            raise InvalidInput(f"{key!r} is no name: put it in quotes.", path)
        if keys is not None and key not in keys:
            raise InvalidInput(f"There is no {key[:60]!r} here. {_advice(key, keys)}", (*path, key))
    return value


def items(value: Any, path: Path, read: Callable[[Any, Path], T]) -> tuple[T, ...]:
    """A list, every item read."""
    if not isinstance(value, list):
        raise InvalidInput(f"{_name(path)} must be a list, not {_kind(value)}.", path)
    return tuple(read(item, (*path, str(place))) for place, item in enumerate(value))


def text(value: Any, path: Path) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{_name(path)} must be a text, not {_kind(value)}.", path)
    return value


def number(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{_name(path)} must be a number, not {_kind(value)}.", path)
    return value


def yes_or_no(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{_name(path)} must be true or false, not {_kind(value)}.", path)
    return value


def needed(value: Mapping[str, Any], key: str, path: Path) -> Any:
    if key not in value:
        raise InvalidInput(f"{_name(path)} needs {key}.", (*path, key))
    return value[key]


def _name(path: Path) -> str:
    return path[-1] if path else "the document"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


def _advice(key: str, keys: frozenset[str]) -> str:
    close = get_close_matches(key[:60], keys, n=1)
    return f"Did you mean {close[0]}?" if close else f"There can be {', '.join(sorted(keys))}."
