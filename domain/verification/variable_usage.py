"""What prompts, conditions and tools read of the context, and what tools write to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from domain.common.casing import camel
from domain.templating import expressions, templates
from domain.templating.templates import Placeholder
from domain.tools.actions import (
    ApiCall,
    Conditional,
    ContextGet,
    ContextSet,
    FlagClear,
    FlagSet,
    McpCall,
    ToolAction,
    Transform,
    Validate,
)
from domain.tools.model import ToolSpec, all_actions
from domain.verification.reporting import Path
from domain.workflows.agents import AgentSpec


@dataclass(frozen=True, slots=True)
class Read:
    """One path that is read, where, and whether something stands in when it is missing."""

    segments: tuple[str, ...]
    path: Path
    has_default: bool = False
    in_condition: bool = False
    """It is read by a condition."""


def template_reads(value: Any, path: Path) -> Iterator[Read]:
    for way, text in templates.strings_in(value):
        for part in templates.parse(text):
            if isinstance(part, Placeholder) and part.path:
                default = any(each.name == "default" for each in part.filters)
                yield Read(part.path, (*path, *way), default)


def condition_reads(text: str, path: Path) -> Iterator[Read]:
    for steps in expressions.paths_in(expressions.parse(text)):
        yield Read(steps, path, in_condition=True)


def prompt_reads(agent: AgentSpec, path: Path) -> Iterator[Read]:
    defaults = agent.prompt.defaults
    texts: dict[Path, str] = {
        ("prompt", "system"): agent.prompt.system,
        ("prompt", "greeting"): agent.prompt.greeting or "",
        **{("session", "silence", str(n)): s.say for n, s in enumerate(agent.session.silence)},
    }
    for way, text in texts.items():
        for read in template_reads(text, (*path, *way)):
            known = read.has_default or ".".join(read.segments) in defaults
            yield Read(read.segments, read.path, known)


def tool_reads(tool: ToolSpec, path: Path) -> Iterator[Read]:
    for here, step in all_actions(tool, path):
        yield from _action_reads(step, (*here, camel(step.type.replace(".", "_"))))


def _action_reads(step: ToolAction, path: Path) -> Iterator[Read]:
    match step:
        case Conditional(condition=condition):
            yield from condition_reads(condition, (*path, "condition"))
        case Validate(rules=rules):
            for place, rule in enumerate(rules):
                here = (*path, "rules", str(place))
                yield from condition_reads(rule.condition, (*here, "condition"))
                yield from template_reads(rule.message, (*here, "message"))
        case ContextGet(path=where):
            yield Read(tuple(where.split(".")), (*path, "path"), has_default=True)
        case _:
            for field in fields(step):
                if field.name not in ("type", "path", "save", "server", "endpoint"):
                    value = getattr(step, field.name)
                    yield from template_reads(value, (*path, camel(field.name)))


def tool_writes(tool: ToolSpec) -> Iterator[tuple[str, ...]]:
    """The places that a tool may write to."""
    for _, step in all_actions(tool):
        match step:
            case ContextSet(path=path) | Transform(path=path):
                yield tuple(path.removesuffix("[+]").split("."))
            case FlagSet(flag=flag) | FlagClear(flag=flag):
                yield ("flags", flag)
            case ApiCall(save=save) | McpCall(save=save):
                for where in save:
                    yield tuple(where.removesuffix("[+]").split("."))
