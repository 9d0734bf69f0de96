"""Calls of tools as the model made them, looked at before anything is done with them."""

from __future__ import annotations

import json

from livekit.agents import llm
from livekit.agents.utils import shortuuid

from domain.calls.events import HandoffVia, ToolFinished, ToolOutcome, ToolStarted
from domain.json_schema.validator import LARGEST_ARGUMENTS
from domain.workflows.model import HANDOFF_PREFIX
from worker.session.conversation import Conversation

TOO_LARGE = f"The arguments are larger than {LARGEST_ARGUMENTS} bytes."
NOT_JSON = "The arguments are not a JSON object. Nothing was done; use the tool again."


def vet(conversation: Conversation, node: str, call: llm.FunctionToolCall, known: set[str]) -> None:
    """Record a call of something that does not exist; spoil one whose arguments are no good.

    The library tells the model what there is, and would mend broken arguments by guessing.
    Ids are the model's, and some give the same one twice: each use gets one of its own."""
    if not call.call_id or call.call_id in conversation.tool_call_ids:
        call.call_id = shortuuid("call_")
    conversation.tool_call_ids.add(call.call_id)
    if call.name not in known:
        _record(conversation, node, call)
        return
    problem = _objection(call.arguments or "{}")
    if problem is not None:
        conversation.spoilt[call.call_id] = problem
        call.arguments = "{}"


def _objection(arguments: str) -> str | None:
    if len(arguments) > LARGEST_ARGUMENTS:
        return TOO_LARGE
    try:
        return None if isinstance(json.loads(arguments), dict) else NOT_JSON
    except (ValueError, RecursionError):
        return NOT_JSON


def _record(conversation: Conversation, node: str, call: llm.FunctionToolCall) -> None:
    name = call.name[:100]
    if name.startswith(HANDOFF_PREFIX):
        target = name.removeprefix(HANDOFF_PREFIX)
        problem = f"No connection that the model may take leads from {node} to {target}."
        conversation.refuse(node, target, HandoffVia.MODEL, problem)
        return
    id = call.call_id
    conversation.tell(ToolStarted(tool_call_id=id, node=node, tool=name, arguments={}))
    conversation.tell(
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
