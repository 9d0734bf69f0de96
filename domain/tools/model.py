"""A tool: a chain of declared steps that a model may call. Data, never code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.json_schema.schema import check_schema
from domain.templating.validation import (
    check_condition,
    check_readable,
    check_template,
    check_writable,
)
from domain.tools.actions import (
    ApiCall,
    Conditional,
    ContextDelete,
    ContextGet,
    ContextSet,
    EndCall,
    FlagClear,
    FlagSet,
    Handoff,
    McpCall,
    Respond,
    SendDtmf,
    ToolAction,
    TransferCall,
    Transform,
    Validate,
    steps_in,
)
from domain.tools.http_validation import OF_STEPS, check_api_call, check_saved, check_timeout

ToolId = NewType("ToolId", UUID)

MOST_ACTIONS = 32
MOST_STEPS = 100
DEEPEST = 5
LONGEST_SECONDS = 60.0

NO_PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """Everything of a tool that people edit. `parameters` is a JSON Schema of type object.

    `actions` run in order up to the first that fails; then `on_success` or `on_failure` run.
    `confirm`: the caller must have agreed before anything is done."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMETERS)
    actions: tuple[ToolAction, ...] = ()
    on_success: tuple[ToolAction, ...] = ()
    on_failure: tuple[ToolAction, ...] = ()
    timeout: float = 30.0
    """Of the whole use, in seconds."""
    confirm: bool = False

    @property
    def reaches_out(self) -> bool:
        """It may have an effect outside of the call."""
        return any(
            isinstance(a, ApiCall | McpCall | TransferCall | SendDtmf) for _, a in steps_of(self)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as it stands now; `revision` grows with every edit."""

    id: ToolId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: ToolSpec


def steps_of(spec: ToolSpec, path: Path = ()) -> Iterator[tuple[Path, ToolAction]]:
    """Every step of the tool with the way to it, as the API names it."""
    yield from steps_in(spec.actions, (*path, "actions"))
    yield from steps_in(spec.on_success, (*path, "onSuccess"))
    yield from steps_in(spec.on_failure, (*path, "onFailure"))


def check_tool(spec: ToolSpec, path: Path = ("input",)) -> ToolSpec:
    """The spec itself, or `InvalidInput` naming the first field that breaks a rule."""
    check_name(spec.name, (*path, "name"), IDENTIFIER)
    check_text(spec.description, (*path, "description"), most=2_000, least=1)
    check_schema(spec.parameters, (*path, "parameters"))
    if not spec.actions:
        raise InvalidInput("A tool needs at least one action.", (*path, "actions"))
    for name, chain in (
        ("actions", spec.actions),
        ("onSuccess", spec.on_success),
        ("onFailure", spec.on_failure),
    ):
        if len(chain) > MOST_ACTIONS:
            raise InvalidInput(f"A chain may have {MOST_ACTIONS} actions.", (*path, name))
    if not 0 < spec.timeout <= LONGEST_SECONDS:
        raise InvalidInput(
            f"timeout is in seconds, up to {LONGEST_SECONDS:.0f}.", (*path, "timeout")
        )
    for count, (way, action) in enumerate(steps_of(spec, path)):
        if count >= MOST_STEPS or way.count("conditional") > DEEPEST:
            raise InvalidInput(
                f"A tool may have {MOST_STEPS} steps, in conditionals {DEEPEST} deep.", way
            )
        _check_action(action, way)
    return spec


def _check_action(action: ToolAction, path: Path) -> None:
    match action:
        case ContextSet(path=where, value=value):
            check_writable(where, (*path, "contextSet", "path"))
            check_template(value, (*path, "contextSet", "value"), OF_STEPS)
        case ContextGet(path=where):
            check_readable(where, (*path, "contextGet", "path"), OF_STEPS)
        case ContextDelete(path=where):
            check_writable(where, (*path, "contextDelete", "path"))
        case FlagSet(flag=flag):
            check_name(flag, (*path, "flagSet", "flag"), IDENTIFIER)
        case FlagClear(flag=flag):
            check_name(flag, (*path, "flagClear", "flag"), IDENTIFIER)
        case Respond(message=message):
            check_text(message, (*path, "respond", "message"), most=4_096, least=1)
            check_template(message, (*path, "respond", "message"), OF_STEPS)
        case Handoff(node=node):
            check_name(node, (*path, "handoff", "node"), IDENTIFIER)
        case ApiCall():
            check_api_call(action, (*path, "apiCall"))
        case McpCall():
            _check_mcp_call(action, (*path, "mcpCall"))
        case Conditional(condition=condition):
            check_condition(condition, (*path, "conditional", "condition"), OF_STEPS)
        case Validate(rules=rules):
            _check_rules(rules, (*path, "validate", "rules"))
        case Transform():
            check_writable(action.path, (*path, "transform", "path"))
            check_template(action.value, (*path, "transform", "value"), OF_STEPS)
            check_text(action.separator, (*path, "transform", "separator"), most=20)
        case TransferCall(number=number):
            check_template(number, (*path, "transferCall", "number"), OF_STEPS)
        case SendDtmf(digits=digits):
            check_template(digits, (*path, "sendDtmf", "digits"), OF_STEPS)
        case EndCall():
            pass


def _check_rules(rules: tuple[Any, ...], path: Path) -> None:
    if not rules:
        raise InvalidInput("validate needs at least one rule.", path)
    for place, rule in enumerate(rules):
        here = (*path, str(place))
        check_condition(rule.condition, (*here, "condition"), OF_STEPS)
        check_text(rule.message, (*here, "message"), most=1_000, least=1)
        check_template(rule.message, (*here, "message"), OF_STEPS)


def _check_mcp_call(call: McpCall, path: Path) -> None:
    check_name(call.server, (*path, "server"), IDENTIFIER)
    check_text(call.tool, (*path, "tool"), most=128, least=1)
    check_template(call.arguments, (*path, "arguments"), OF_STEPS)
    check_timeout(call.timeout, (*path, "timeout"))
    check_saved(call.save, (*path, "save"), ("content", "structured"))
