"""The context values that prompts, conditions and tools read, and those that tools write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from domain.common.casing import camel
from domain.templating import expressions, templates
from domain.templating.templates import Placeholder
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
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
from domain.workflows.model import WorkflowSpec


@dataclass(frozen=True, slots=True)
class Read:
    """A context path that is read, the config path of the read, and whether it has a default."""

    segments: tuple[str, ...]
    path: Path
    has_default: bool = False
    in_condition: bool = False
    """True if a condition reads the path."""


def template_reads(value: Any, path: Path) -> Iterator[Read]:
    for inner_path, text in templates.strings_in(value):
        for part in templates.parse(text):
            if isinstance(part, Placeholder) and part.path:
                has_default = any(each.name == "default" for each in part.filters)
                yield Read(part.path, (*path, *inner_path), has_default)


def condition_reads(text: str, path: Path) -> Iterator[Read]:
    for segments in expressions.paths_in(expressions.parse(text)):
        yield Read(segments, path, in_condition=True)


def prompt_reads(agent: AgentSpec, path: Path) -> Iterator[Read]:
    defaults = agent.prompt.defaults
    texts: dict[Path, str] = {
        ("prompt", "system"): agent.prompt.system,
        ("prompt", "greeting"): agent.prompt.greeting or "",
        **{("session", "silence", str(n)): s.say for n, s in enumerate(agent.session.silence)},
        **{("spokenTexts", str(n), "say"): t.say for n, t in enumerate(agent.spoken_texts)},
    }
    for inner_path, text in texts.items():
        for read in template_reads(text, (*path, *inner_path)):
            has_default = read.has_default or ".".join(read.segments) in defaults
            yield Read(read.segments, read.path, has_default)


def answering_reads(workflow: WorkflowSpec) -> Iterator[Read]:
    answering = workflow.answering
    if answering is not None:
        for name in ("message", "introduction", "goal"):
            yield from template_reads(getattr(answering, name) or "", ("answering", name))


def tool_reads(tool: ToolSpec, path: Path) -> Iterator[Read]:
    for here, action in all_actions(tool, path):
        yield from _action_reads(action, (*here, camel(action.type.replace(".", "_"))))


def _action_reads(action: ToolAction, path: Path) -> Iterator[Read]:
    match action:
        case Conditional(condition=condition):
            yield from condition_reads(condition, (*path, "condition"))
        case Validate(rules=rules):
            for index, rule in enumerate(rules):
                here = (*path, "rules", str(index))
                yield from condition_reads(rule.condition, (*here, "condition"))
                yield from template_reads(rule.message, (*here, "message"))
        case ContextGet(path=where):
            yield Read(tuple(where.split(".")), (*path, "path"), has_default=True)
        case _:
            for field in fields(action):
                if field.name not in ("type", "path", "save", "server", "endpoint"):
                    value = getattr(action, field.name)
                    yield from template_reads(value, (*path, camel(field.name)))


def tool_writes(tool: ToolSpec) -> Iterator[tuple[str, ...]]:
    """The context paths that a tool may write."""
    for _, action in all_actions(tool):
        match action:
            case ContextSet(path=path) | Transform(path=path):
                yield tuple(path.removesuffix("[+]").split("."))
            case FlagSet(flag=flag) | FlagClear(flag=flag):
                yield ("flags", flag)
            case CollectDigits(save=path) if path:
                yield tuple(path.removesuffix("[+]").split("."))
            case ApiCall(save=save) | McpCall(save=save):
                for where in save:
                    yield tuple(where.removesuffix("[+]").split("."))
