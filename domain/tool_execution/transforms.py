"""The operations of the `transform` action, which return a result for any input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.calls.context import CallContext
from domain.templating.expressions import strict_equal
from domain.templating.templates import look_up_path, value_to_text
from domain.tools.actions import Operation, Transform

MAX_ITEMS = 1_000


def apply_transform(
    action: Transform, value: Any, context: CallContext, namespaces: Mapping[str, Any]
) -> Any:
    before = look_up_path(action.path.removesuffix("[+]"), namespaces)
    match action.operation:
        case Operation.APPEND:
            return [*_items(before), value][-MAX_ITEMS:]
        case Operation.REMOVE:
            return [item for item in _items(before) if not strict_equal(item, value)]
        case Operation.MERGE:
            return {**_object(before), **_object(value)}
        case Operation.INCREMENT:
            return _plain(_number(before) + (1 if value is None else _number(value)))
        case Operation.COUNT:
            return len(value) if isinstance(value, str | Mapping) else len(_items(value))
        case Operation.FIRST:
            return next(iter(_items(value)), None)
        case Operation.LAST:
            return next(reversed(_items(value)), None)
        case Operation.SUM:
            return _plain(sum((_number(item) for item in _items(value)), 0.0))
        case Operation.SORT:
            return sorted(_items(value), key=_rank)
        case Operation.UNIQUE:
            return _unique(_items(value))
        case Operation.JOIN:
            return action.separator.join(value_to_text(item) for item in _items(value))
        case Operation.SPLIT:
            return _split(value_to_text(value), action.separator)


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value)[:MAX_ITEMS] if isinstance(value, list | tuple) else [value]


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    try:
        number = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if abs(number) < 1e15 else 0.0


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else round(number, 9)


def _rank(item: Any) -> tuple[int, float, str]:
    """Sort key: numbers first, then strings, then everything else by its JSON text."""
    if isinstance(item, int | float) and not isinstance(item, bool):
        return 0, item, ""
    return (1, 0.0, item) if isinstance(item, str) else (2, 0.0, value_to_text(item))


def _unique(items: list[Any]) -> list[Any]:
    distinct: dict[str, Any] = {}
    for item in items:
        distinct.setdefault(json.dumps(item, sort_keys=True, default=str), item)
    return list(distinct.values())


def _split(text: str, separator: str) -> list[str]:
    parts = text.split(separator) if separator else text.split()
    return [part.strip() for part in parts[:MAX_ITEMS] if part.strip()]
