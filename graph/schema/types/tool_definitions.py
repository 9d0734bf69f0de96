"""Tools in the form of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from domain.bundles.structuring import unstructure
from domain.common.durations import format_duration
from domain.tools.model import ToolSpec


def _duration(seconds: float) -> str:
    return format_duration(timedelta(seconds=seconds))


def _same(value: Any) -> Any:
    return value


INPUT_FIELDS: Mapping[str, Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "apiCall": {"timeout": ("timeLimit", _duration)},
    "mcpCall": {"timeout": ("timeLimit", _duration)},
    "transform": {"value": ("operand", _same)},
    "transferCall": {"ringingSeconds": ("ringingTimeout", _duration)},
    "collectDigits": {
        "firstSeconds": ("firstKeyTimeout", _duration),
        "betweenSeconds": ("nextKeyTimeout", _duration),
        "save": ("saveTo", _same),
    },
}
"""Fields of actions that have another form in bundles than in inputs, with their name and form there."""


def tool_definition(spec: ToolSpec) -> dict[str, Any]:
    """The tool as `CreateToolInput` has it. Fields of actions that have their defaults are left out."""
    stored = unstructure(spec)
    return {
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
        **{name: _actions(stored.get(name, ())) for name in ("actions", "onSuccess", "onFailure")},
        "timeLimit": _duration(spec.timeout),
        "confirm": spec.confirm,
    }


def _actions(actions: Any) -> list[dict[str, Any]]:
    return [{kind: _action(kind, fields) for kind, fields in each.items()} for each in actions]


def _action(kind: str, fields: Any) -> Any:
    if kind == "conditional":
        branches = {
            name: _actions(fields[name]) for name in ("then", "otherwise") if name in fields
        }
        return {**fields, **branches}
    if kind not in INPUT_FIELDS:
        return fields
    forms = INPUT_FIELDS[kind]
    changed = (forms.get(name, (name, _same)) for name in fields)
    return {
        name: convert(value)
        for (name, convert), value in zip(changed, fields.values(), strict=True)
    }
