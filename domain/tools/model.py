"""A tool that a model can call: declared actions, which are data, never code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.json_schema.schema import check_schema
from domain.templating.validation import (
    check_readable,
    check_writable,
    condition_problems,
    template_problems,
)
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
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
    Rule,
    SendDtmf,
    ToolAction,
    TransferCall,
    Transform,
    Validate,
    walk_actions,
)
from domain.tools.dtmf import collect_digits_problems, send_dtmf_problems
from domain.tools.http_validation import (
    ACTION_NAMESPACES,
    api_call_problems,
    check_timeout,
    save_path_problems,
)
from domain.tools.transfers import transfer_problems

ToolId = NewType("ToolId", UUID)

MAX_CHAIN_ACTIONS = 32
MAX_ACTIONS = 100
MAX_CONDITIONAL_DEPTH = 5
DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS = 30.0, 60.0

NO_PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """The editable part of a tool. `parameters` is a JSON Schema of type object.

    `actions` run in order until one fails; then `on_success` or `on_failure` runs. `confirm`: the
    caller must agree before any action runs."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMETERS)
    actions: tuple[ToolAction, ...] = ()
    on_success: tuple[ToolAction, ...] = ()
    on_failure: tuple[ToolAction, ...] = ()
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """The timeout of the whole tool call, in seconds."""
    confirm: bool = False

    @property
    def has_external_effects(self) -> bool:
        """Whether the tool may have an effect outside the call."""
        return any(
            isinstance(a, ApiCall | McpCall | TransferCall | SendDtmf) for _, a in all_actions(self)
        )

    @property
    def collects_masked_digits(self) -> bool:
        return any(isinstance(a, CollectDigits) and a.masked for _, a in all_actions(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool in its current state; `revision` increases with every edit."""

    id: ToolId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: ToolSpec


def all_actions(spec: ToolSpec, path: Path = ()) -> Iterator[tuple[Path, ToolAction]]:
    """Yield every action of the tool with its path, as the API names it."""
    yield from walk_actions(spec.actions, (*path, "actions"))
    yield from walk_actions(spec.on_success, (*path, "onSuccess"))
    yield from walk_actions(spec.on_failure, (*path, "onFailure"))


def check_tool(spec: ToolSpec, path: Path = (), found: Iterable[Problem] = ()) -> ToolSpec:
    """Return the spec. Raises `InvalidInput` with all problems, after those already `found`."""
    raise_per_value(found, tool_problems(spec, path))
    return spec


def tool_problems(spec: ToolSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_name, spec.name, (*path, "name"), IDENTIFIER)
    yield from problems_of(
        check_text, spec.description, (*path, "description"), max_length=2_000, min_length=1
    )
    yield from problems_of(check_schema, spec.parameters, (*path, "parameters"))
    if not spec.actions:
        yield InvalidInput("A tool must have at least one action.", (*path, "actions"))
    for name, actions in (
        ("actions", spec.actions),
        ("onSuccess", spec.on_success),
        ("onFailure", spec.on_failure),
    ):
        if len(actions) > MAX_CHAIN_ACTIONS:
            yield InvalidInput(
                f"{name} must not have more than {MAX_CHAIN_ACTIONS} actions.", (*path, name)
            )
    if not 0 < spec.timeout <= MAX_TIMEOUT_SECONDS:
        yield InvalidInput(
            f"timeout must be greater than 0 and at most {MAX_TIMEOUT_SECONDS:.0f} seconds.",
            (*path, "timeout"),
        )
    for count, (here, action) in enumerate(all_actions(spec, path)):
        if count >= MAX_ACTIONS or here.count("conditional") > MAX_CONDITIONAL_DEPTH:
            yield InvalidInput(
                f"A tool may have at most {MAX_ACTIONS} actions, and conditionals may be nested at "
                f"most {MAX_CONDITIONAL_DEPTH} levels deep.",
                here,
            )
            return
        yield from _action_problems(action, here)


def _action_problems(action: ToolAction, path: Path) -> Problems:
    match action:
        case ContextSet(path=context_path, value=value):
            here = (*path, "contextSet")
            yield from problems_of(check_writable, context_path, (*here, "path"))
            yield from template_problems(value, (*here, "value"), ACTION_NAMESPACES)
        case ContextGet(path=context_path):
            here = (*path, "contextGet", "path")
            yield from problems_of(check_readable, context_path, here, ACTION_NAMESPACES)
        case ContextDelete(path=context_path):
            yield from problems_of(check_writable, context_path, (*path, "contextDelete", "path"))
        case FlagSet(flag=flag):
            yield from problems_of(check_name, flag, (*path, "flagSet", "flag"), IDENTIFIER)
        case FlagClear(flag=flag):
            yield from problems_of(check_name, flag, (*path, "flagClear", "flag"), IDENTIFIER)
        case Respond(message=message):
            here = (*path, "respond", "message")
            yield from problems_of(check_text, message, here, max_length=4_096, min_length=1)
            yield from template_problems(message, here, ACTION_NAMESPACES)
        case Handoff(node=node):
            yield from problems_of(check_name, node, (*path, "handoff", "node"), IDENTIFIER)
        case ApiCall():
            yield from api_call_problems(action, (*path, "apiCall"))
        case McpCall():
            yield from _mcp_call_problems(action, (*path, "mcpCall"))
        case Conditional(condition=condition):
            here = (*path, "conditional", "condition")
            yield from condition_problems(condition, here, ACTION_NAMESPACES)
        case Validate(rules=rules):
            yield from _rule_problems(rules, (*path, "validate", "rules"))
        case Transform():
            here = (*path, "transform")
            yield from problems_of(check_writable, action.path, (*here, "path"))
            yield from template_problems(action.value, (*here, "value"), ACTION_NAMESPACES)
            yield from problems_of(
                check_text, action.separator, (*here, "separator"), max_length=20
            )
        case TransferCall():
            yield from transfer_problems(action, (*path, "transferCall"), ACTION_NAMESPACES)
        case SendDtmf(digits=digits):
            yield from send_dtmf_problems(digits, (*path, "sendDtmf", "digits"), ACTION_NAMESPACES)
        case CollectDigits():
            here = (*path, "collectDigits")
            yield from collect_digits_problems(action, here, ACTION_NAMESPACES)
        case EndCall():
            pass


def _rule_problems(rules: tuple[Rule, ...], path: Path) -> Problems:
    if not rules:
        yield InvalidInput("validate must have at least one rule.", path)
    for index, rule in enumerate(rules):
        here = (*path, str(index))
        message = (*here, "message")
        yield from condition_problems(rule.condition, (*here, "condition"), ACTION_NAMESPACES)
        yield from problems_of(check_text, rule.message, message, max_length=1_000, min_length=1)
        yield from template_problems(rule.message, message, ACTION_NAMESPACES)


def _mcp_call_problems(call: McpCall, path: Path) -> Problems:
    yield from problems_of(check_name, call.server, (*path, "server"), IDENTIFIER)
    yield from problems_of(check_text, call.tool, (*path, "tool"), max_length=128, min_length=1)
    yield from template_problems(call.arguments, (*path, "arguments"), ACTION_NAMESPACES)
    yield from problems_of(check_timeout, call.timeout, (*path, "timeout"))
    yield from save_path_problems(call.save, (*path, "save"), ("content", "structured"))
