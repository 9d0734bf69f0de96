"""Validates the tool calls of the model before LiveKit executes them."""

from __future__ import annotations

import json

from livekit.agents import llm

from domain.calls.events import HandoffVia, ToolFinished, ToolOutcome, ToolStarted
from domain.json_schema.validator import MAX_ARGUMENTS_LENGTH
from domain.workflows.model import HANDOFF_PREFIX
from worker.session.conversation import Conversation

TOO_LARGE = f"The arguments are larger than {MAX_ARGUMENTS_LENGTH} bytes."
MAX_QUOTE_LENGTH = 500
NOT_JSON = "The arguments are not a JSON object. Nothing was done; use the tool again."


def validate_tool_call(
    conversation: Conversation, node: str, call: llm.FunctionToolCall, known: set[str]
) -> None:
    """Record a call of an unknown tool; mark a call with malformed arguments as invalid.

    LiveKit itself answers a call of an unknown tool, but it would repair malformed arguments by
    guessing."""
    call.call_id = conversation.tool_calls.register(call.call_id)
    call.arguments = call.arguments or "{}"  # strict servers reject empty arguments in the history
    if call.name not in known:
        _record_unknown_tool(conversation, node, call)
        return
    problem = _arguments_problem(call.arguments)
    if problem is not None:
        conversation.tool_calls.mark_invalid(call.call_id, problem)
        call.arguments = "{}"


def _arguments_problem(arguments: str) -> str | None:
    if len(arguments) > MAX_ARGUMENTS_LENGTH:
        return TOO_LARGE
    try:
        if isinstance(json.loads(arguments), dict):
            return None
    except (ValueError, RecursionError):
        pass
    return f"{NOT_JSON} They were: {arguments[:MAX_QUOTE_LENGTH]}"


def _record_unknown_tool(conversation: Conversation, node: str, call: llm.FunctionToolCall) -> None:
    name = call.name[:100]
    if name.startswith(HANDOFF_PREFIX):
        target = name.removeprefix(HANDOFF_PREFIX)
        problem = f"No connection that the model may take leads from {node} to {target}."
        conversation.refuse_handoff(node, target, HandoffVia.MODEL, problem)
        return
    id = call.call_id
    conversation.record(ToolStarted(tool_call_id=id, node=node, tool=name, arguments={}))
    conversation.record(
        ToolFinished(
            tool_call_id=id,
            node=node,
            tool=name,
            arguments={},
            outcome=ToolOutcome.REFUSED,
            result=f"There is no tool {name!r}.",
            duration_ms=0.0,
        )
    )
