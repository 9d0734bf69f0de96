"""How a session begins, in text and in voice alike: from the start, or from the log."""

from __future__ import annotations

from domain.calls.events import ToolFinished, ToolOutcome
from worker.session.conversation import Conversation
from worker.session.node_agent import EntryMode, NodeAgent

DO_NOT_REPEAT = "It is not known whether this was done. Do not simply do it again."


def first_agent(conversation: Conversation) -> NodeAgent:
    """Whoever has the word first; what a lost worker left open is settled before."""
    story = conversation.projection
    entering = EntryMode.RESUME if story.visited else EntryMode.START
    if story.node is not None and story.node not in story.visited[-1:]:
        entering = EntryMode.HANDOFF
    _report_unknown_tools(conversation)
    conversation.agent_entered.clear()
    return NodeAgent(conversation, conversation.resolved_node, entering)


def _report_unknown_tools(conversation: Conversation) -> None:
    for started in list(conversation.projection.running_tools.values()):
        conversation.record(
            ToolFinished(
                tool_call_id=started.tool_call_id,
                node=started.node,
                tool=started.tool,
                arguments=started.arguments,
                outcome=ToolOutcome.UNKNOWN,
                result=DO_NOT_REPEAT,
                duration_ms=0.0,
            )
        )
