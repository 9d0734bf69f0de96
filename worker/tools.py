"""Runs the action chain of a tool, step by step, each effect an event of the call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livekit.agents import ToolError

from domain.calls import EndReason
from domain.events import ToolFinished, ToolOutcome, ToolStarted
from domain.schemas import TOO_LARGE, objection
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
    problem = objection(use.tool.parameters, use.arguments)
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
            conversation.end_after_this_turn(EndReason.ENDED_BY_AGENT)
        case Respond(message=message):
            return render(message, seen)
    return None
