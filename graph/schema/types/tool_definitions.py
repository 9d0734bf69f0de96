"""Tools in the form of their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.bundles.structuring import unstructure
from domain.tools.model import ToolSpec
from graph.schema.scalars import serialize_duration

DURATIONS: Mapping[str, Mapping[str, str]] = {
    "apiCall": {"timeout": "timeLimit"},
    "mcpCall": {"timeout": "timeLimit"},
    "transferCall": {"ringingSeconds": "ringingTimeout"},
    "collectDigits": {"firstSeconds": "firstKeyTimeout", "betweenSeconds": "nextKeyTimeout"},
}
"""Fields of actions that are seconds in bundles, with the names of the durations in inputs."""


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
    durations = DURATIONS.get(kind, {})
    if not durations:
        return fields
    return {
        durations.get(name, name): _duration(value) if name in durations else value
        for name, value in fields.items()
    }


def _duration(seconds: float) -> str:
    return serialize_duration(timedelta(seconds=seconds))
