"""Chooses the first agent of a text or voice session: a new call's, or one resumed from the log."""

from __future__ import annotations

from collections.abc import Callable

from domain.calls.events import ToolFinished, ToolOutcome
from worker.session.conversation import Conversation
from worker.session.node_agent import NodeAgent

DO_NOT_REPEAT = "It is not known whether this was done. Do not simply do it again."
ASK_AGAIN = "The call was interrupted while the caller was asked for keys. Use the tool again."
"""What was pressed is lost; nothing was done with it. Requests that the tool sent before are repeated
under the same idempotency key."""


def first_agent(
    conversation: Conversation, opening: Callable[[], None] = lambda: None
) -> NodeAgent:
    """Return the agent that speaks first, after closing tool calls left open by a lost worker.
    `opening` says what comes before anything else."""
    projection = conversation.projection
    is_entered = projection.node in projection.visited[-1:]
    _report_unknown_tools(conversation)
    conversation.handoffs.expect_first_agent()
    return NodeAgent(
        conversation, conversation.resolved_node, is_entered=is_entered, opening=opening
    )


def _report_unknown_tools(conversation: Conversation) -> None:
    requested = conversation.projection.digits_requested
    for started in list(conversation.projection.running_tools.values()):
        is_asking = requested is not None and requested.tool_call_id == started.tool_call_id
        conversation.record(
            ToolFinished(
                tool_call_id=started.tool_call_id,
                node=started.node,
                tool=started.tool,
                arguments=started.arguments,
                outcome=ToolOutcome.UNKNOWN,
                result=ASK_AGAIN if is_asking else DO_NOT_REPEAT,
                duration_ms=0.0,
            )
        )
