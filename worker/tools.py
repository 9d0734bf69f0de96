"""Runs the action chain of a tool, step by step, each effect an event of the call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from livekit.agents import ToolError

from domain.calls import EndReason
from domain.events import ToolFinished, ToolOutcome, ToolStarted
from domain.templates import fill, render
from domain.tools import (
    ContextDelete,
    ContextSet,
    EndCall,
    FlagClear,
    FlagSet,
    Respond,
    ToolAction,
    ToolSpec,
)
from worker.conversation import Conversation, as_text

DONE = "Done."
LARGEST_ARGUMENTS = 65_536


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a tool by the model."""

    id: str
    node: str
    tool: ToolSpec
    arguments: Mapping[str, Any]


async def use_tool(conversation: Conversation, use: Use) -> str:
    """What the model is told; `ToolError` when the use is refused. Both are recorded."""
    began = time.monotonic()
    problem = objection(use.tool, use.arguments)
    arguments: Mapping[str, Any] = {} if problem == TOO_LARGE else use.arguments
    conversation.tell(
        ToolStarted(tool_call_id=use.id, node=use.node, tool=use.tool.name, arguments=arguments)
    )
    result = problem or _run(conversation, use)
    conversation.tell(
        ToolFinished(
            tool_call_id=use.id,
            node=use.node,
            tool=use.tool.name,
            arguments=arguments,
            outcome=ToolOutcome.REFUSED if problem else ToolOutcome.SUCCEEDED,
            result=result,
            duration_ms=round((time.monotonic() - began) * 1000, 1),
        )
    )
    if problem:
        raise ToolError(problem)
    return as_text(result)


TOO_LARGE = f"The arguments are larger than {LARGEST_ARGUMENTS} bytes."


def objection(tool: ToolSpec, arguments: Mapping[str, Any]) -> str | None:
    """Why these arguments are not acceptable, for the model to mend."""
    plain = orjson.dumps(arguments, default=str)
    if len(plain) > LARGEST_ARGUMENTS:
        return TOO_LARGE
    validator = _validator(orjson.dumps(tool.parameters, option=orjson.OPT_SORT_KEYS))
    errors = sorted(validator.iter_errors(arguments), key=lambda e: list(map(str, e.path)))
    if not errors:
        return None
    where = "/".join(map(str, errors[0].absolute_path)) or "arguments"
    return f"{where}: {errors[0].message[:500]}"


@lru_cache(1024)
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(orjson.loads(schema))


def _run(conversation: Conversation, use: Use) -> Any:
    said = [answer for action in use.tool.actions if (answer := _act(conversation, use, action))]
    return "\n".join(said) or DONE


def _act(conversation: Conversation, use: Use, action: ToolAction) -> str | None:
    """Do one action; answers what the tool has to say to the model, if anything."""
    context = conversation.story.context
    seen = conversation.look(use.node, use.arguments)
    match action:
        case ContextSet(path=path, value=value):
            conversation.tell(context.write(path, fill(value, seen), use.node))
        case ContextDelete(path=path):
            conversation.tell(context.remove(path, use.node))
        case FlagSet(flag=flag):
            conversation.tell(context.write(f"flags.{flag}", True, use.node))
        case FlagClear(flag=flag):
            conversation.tell(context.write(f"flags.{flag}", False, use.node))
        case EndCall():
            conversation.ending = EndReason.ENDED_BY_AGENT
        case Respond(message=message):
            return render(message, seen)
    return None
