"""A tool: a chain of declared actions that a model may call. Data, never code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType
from uuid import UUID

from domain.access import TenantId
from domain.errors import InvalidInput, Path
from domain.names import IDENTIFIER, check_name, check_text
from domain.schemas import check_schema
from domain.texts import check_template, check_writable

ToolId = NewType("ToolId", UUID)

MOST_ACTIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSet:
    """Write a value into the call's context; `path[+]` appends to a list."""

    path: str
    value: Any
    type: Literal["context.set"] = "context.set"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDelete:
    """Remove a value from the call's context."""

    path: str
    type: Literal["context.delete"] = "context.delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSet:
    """Turn a flag on."""

    flag: str
    type: Literal["flag.set"] = "flag.set"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagClear:
    """Turn a flag off."""

    flag: str
    type: Literal["flag.clear"] = "flag.clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Tell the model this as the tool's result; a template."""

    message: str
    type: Literal["respond"] = "respond"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """End the call once the agent has finished speaking."""

    type: Literal["end_call"] = "end_call"


ToolAction = ContextSet | ContextDelete | FlagSet | FlagClear | Respond | EndCall

NO_PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """Everything of a tool that people edit. `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMETERS)
    actions: tuple[ToolAction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as it stands now; `revision` grows with every edit."""

    id: ToolId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: ToolSpec


def check_tool(spec: ToolSpec, path: Path = ("input",)) -> ToolSpec:
    """The spec itself, or `InvalidInput` naming the first field that breaks a rule."""
    check_name(spec.name, (*path, "name"), IDENTIFIER)
    check_text(spec.description, (*path, "description"), most=2_000, least=1)
    check_schema(spec.parameters, (*path, "parameters"))
    if not spec.actions:
        raise InvalidInput("A tool needs at least one action.", (*path, "actions"))
    if len(spec.actions) > MOST_ACTIONS:
        raise InvalidInput(f"A tool may have {MOST_ACTIONS} actions.", (*path, "actions"))
    for place, action in enumerate(spec.actions):
        _check_action(action, (*path, "actions", str(place)))
    return spec


def _check_action(action: ToolAction, path: Path) -> None:
    match action:
        case ContextSet(path=where, value=value):
            check_writable(where, (*path, "contextSet", "path"))
            check_template(value, (*path, "contextSet", "value"))
        case ContextDelete(path=where):
            check_writable(where, (*path, "contextDelete", "path"))
        case FlagSet(flag=flag):
            check_name(flag, (*path, "flagSet", "flag"), IDENTIFIER)
        case FlagClear(flag=flag):
            check_name(flag, (*path, "flagClear", "flag"), IDENTIFIER)
        case Respond(message=message):
            check_text(message, (*path, "respond", "message"), most=4_096, least=1)
            check_template(message, (*path, "respond", "message"))
        case EndCall():
            pass
