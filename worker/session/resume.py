"""How a session begins, in text and in voice alike: from the start, or from the log."""

from __future__ import annotations

from domain.calls.events import ToolFinished, ToolOutcome
from worker.session.conversation import Conversation
from worker.session.node_agent import Entering, NodeAgent

DO_NOT_REPEAT = "It is not known whether this was done. Do not simply do it again."


def first_agent(conversation: Conversation) -> NodeAgent:
    """Whoever has the word first; what a lost worker left open is settled before."""
    story = conversation.story
    entering = Entering.RESUME if story.visited else Entering.START
    if story.node is not None and story.node not in story.visited[-1:]:
        entering = Entering.HANDOFF
    _report_unknown_tools(conversation)
    conversation.arrived.clear()
    return NodeAgent(conversation, conversation.landing, entering)


def _report_unknown_tools(conversation: Conversation) -> None:
    for started in list(conversation.story.open_tools.values()):
        conversation.tell(
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
