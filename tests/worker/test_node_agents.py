"""How the agent of a node hands off, and how it enters a call that another worker held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from livekit.agents import AgentSession, RunContext, ToolError, llm
from livekit.agents.llm import RawFunctionTool
from livekit.agents.voice import SpeechHandle

from domain.calls.events import HandedOff, HandoffRefused, HandoffVia, NodeEntered, UserTurn
from domain.workflows.model import Connection, ContextPolicy, Node, Snapshot, WorkflowSpec
from domain.workflows.routing import ResolvedNode
from tests.support.conversations import voice_conversation
from tests.support.demo_workflow import BOOK, BOOKING, RECEPTION
from tests.support.fake_time import FakeTime
from worker.session.conversation import Conversation
from worker.session.node_agent import INTERRUPTED, NodeAgent
from worker.session.resume import first_agent
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio


class FailingModel(llm.LLM[Any]):
    def chat(self, **_: Any) -> llm.LLMStream:
        raise ValueError("The plugin rejects the history.")


def clinic(writer: InMemoryEventWriter, policy: ContextPolicy = ContextPolicy.FULL) -> Conversation:
    """A call at the reception, which may hand off to the booking agent."""
    conversation = voice_conversation(FakeTime(), writer)
    claim, version = conversation.claim, conversation.claim.version
    workflow = WorkflowSpec(
        name="clinic",
        nodes=(
            Node(id="only", agent="reception", is_entry=True),
            Node(id="booking", agent="booking", is_exit=True),
        ),
        connections=(Connection(source="only", target="booking", context_policy=policy),),
    )
    agents = {each.name: each for each in (RECEPTION, BOOKING)}
    snapshot = Snapshot(workflow=workflow, agents=agents, tools={BOOK.name: BOOK})
    conversation.claim = replace(claim, version=replace(version, snapshot=snapshot))
    return conversation


async def call_handoff_tool(conversation: Conversation, speech: SpeechHandle) -> None:
    agent = NodeAgent(conversation, ResolvedNode("only"), is_entered=True)
    [tool] = agent.tools
    assert isinstance(tool, RawFunctionTool)
    call = llm.FunctionCall(call_id="c", name="transfer_to_booking", arguments="{}")
    session: AgentSession[None] = AgentSession(vad=None, turn_handling={"turn_detection": None})
    await tool({}, RunContext(session=session, speech_handle=speech, function_call=call))


async def test_a_hand_off_of_a_reply_that_the_caller_interrupted_is_refused() -> None:
    writer = InMemoryEventWriter()
    conversation, speech = clinic(writer), SpeechHandle.create()
    speech.interrupt()
    with pytest.raises(ToolError, match=INTERRUPTED):
        await call_handoff_tool(conversation, speech)
    assert writer.events == [
        HandoffRefused(
            from_node="only", to_node="booking", via=HandoffVia.MODEL, message=INTERRUPTED
        )
    ]
    assert conversation.handoffs.target_in_progress is None


async def test_a_hand_off_that_fails_does_not_block_later_ones() -> None:
    writer = InMemoryEventWriter()
    conversation = clinic(writer, ContextPolicy.SUMMARY)
    conversation.models["booking"] = FailingModel()
    with pytest.raises(ValueError, match="rejects the history"):
        await call_handoff_tool(conversation, SpeechHandle.create())
    assert (conversation.handoffs.target_in_progress, writer.events) == (None, [])
    await conversation.handoffs.wait_until_entered()


async def test_an_agent_that_never_entered_acts_when_it_does() -> None:
    conversation = clinic(InMemoryEventWriter())
    conversation.record(NodeEntered(node="only", agent="reception", first_visit=True))
    conversation.record(UserTurn(turn_id="t", text="I need an appointment"))
    reception = first_agent(conversation)
    assert (reception.node, reception.acts_on_entry) == ("only", False)
    conversation.record(HandedOff(from_node="only", to_node="booking", via=HandoffVia.MODEL))
    booking = first_agent(conversation)
    assert (booking.node, booking.acts_on_entry) == ("booking", True)
