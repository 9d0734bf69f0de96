"""What an agent does when its call is taken over between the entry of its node and its first words: real
agents, a scripted model, and a log that ends where the worker before was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from livekit.agents import AgentSession
from livekit.agents.voice.events import ConversationItemAddedEvent

from domain.calls.events import (
    AgentTurn,
    CallEvent,
    ContextChanged,
    HandedOff,
    HandoffVia,
    NodeEntered,
    UsageMeasured,
    UserTurn,
)
from domain.calls.model import EndReason
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice
from domain.workflows.model import Connection, EntryAction, Node, Snapshot, WorkflowSpec
from tests.support.conversations import voice_conversation
from tests.support.fake_time import FakeTime
from tests.worker.test_text_calls import summary_lines
from worker.session.conversation import Conversation
from worker.session.llm import close_providers
from worker.session.node_agent import NodeAgent
from worker.session.resume import first_agent
from worker.session.text_session import text_session
from worker.simulation.runner import InMemoryEventWriter

pytestmark = pytest.mark.anyio


def scripted(name: str, says: str, greeting: str | None = None) -> AgentSpec:
    llm = ProviderChoice(provider="scripted", model="rules", options={"rules": [{"says": says}]})
    return AgentSpec(
        name=name, prompt=Prompt(system=f"You are {name}.", greeting=greeting), llm=llm
    )


AGENTS = (
    scripted("desk", "Desk.", greeting="Desk, hello."),
    scripted("router", "Hm."),
    scripted("doctor", "Where does it hurt?"),
    scripted("bye", "So long."),
)
GREETED = AgentTurn(
    turn_id="1.0", node="desk", agent="desk", text="Desk, hello.", heard_text="Desk, hello."
)
ASKED = UserTurn(turn_id="caller.1.0", text="it hurts")


def entered(node: str) -> NodeEntered:
    return NodeEntered(node=node, agent=node, first_visit=True)


def moved(source: str, target: str) -> HandedOff:
    return HandedOff(from_node=source, to_node=target, via=HandoffVia.MODEL)


def interrupted_call(
    entry: str, *events: CallEvent, agents: Sequence[AgentSpec] = AGENTS
) -> tuple[Conversation, InMemoryEventWriter]:
    """A call with these events, and where its next events are written."""
    writer = InMemoryEventWriter()
    conversation = voice_conversation(FakeTime(), writer, is_takeover=True)
    actions = {"router": EntryAction.ROUTE, "bye": EntryAction.END_CALL}
    workflow = WorkflowSpec(
        name="service",
        nodes=tuple(
            Node(
                id=each.name,
                agent=each.name,
                is_entry=each.name == entry,
                on_entry=actions.get(each.name, EntryAction.CONVERSE),
            )
            for each in agents
        ),
        connections=(
            Connection(source="desk", target="router"),
            Connection(source="desk", target="doctor", condition="flags.urgent"),
            Connection(source="router", target="doctor", is_default=True),
            Connection(source="router", target="bye"),
        ),
    )
    snapshot = Snapshot(workflow=workflow, agents={each.name: each for each in agents}, tools={})
    version = replace(conversation.claim.version, snapshot=snapshot)
    conversation.claim = replace(conversation.claim, version=version)
    conversation.projection = replace(conversation.projection, node=None)
    for event in events:
        conversation.record(event)
    writer.events.clear()
    return conversation, writer


async def resumed(
    entry: str, *events: CallEvent, agents: Sequence[AgentSpec] = AGENTS
) -> list[str]:
    """What happens when another worker takes over a text call with these events."""
    conversation, writer = interrupted_call(entry, *events, agents=agents)
    async with text_session(conversation) as session:
        await session.start()
        await session.finish_open_turn()
    return summary_lines([e for e in writer.events if not isinstance(e, UsageMeasured)])


async def test_a_node_that_ends_the_call_says_its_last_words() -> None:
    assert await resumed("bye", entered("bye")) == ["bye: So long.", "ENDING"]


async def test_a_node_that_ends_the_call_says_them_after_a_part_of_its_reply() -> None:
    moment = AgentTurn(
        turn_id="1.0", node="bye", agent="bye", text="Well,", heard_text="Well,", more=True
    )
    assert await resumed("bye", entered("bye"), moment) == ["bye: So long.", "ENDING"]


FROM_DESK = (entered("desk"), GREETED, ASKED, moved("desk", "router"), entered("router"))


async def test_a_node_that_routes_routes_the_turn_that_it_was_to_route() -> None:
    assert await resumed("desk", *FROM_DESK) == [
        "router: Hm.",
        "router -> doctor",
        "enter doctor",
        "doctor: Where does it hurt?",
        "turn_measured",
    ]


async def test_a_node_that_greeted_routes_all_the_same() -> None:
    greeting = AgentTurn(
        turn_id="1.1", node="router", agent="router", text="Let me see.", heard_text="Let me see."
    )
    agents = (AGENTS[0], scripted("router", "Hm.", greeting="Let me see."), *AGENTS[2:])
    assert (await resumed("desk", *FROM_DESK, greeting, agents=agents))[:3] == [
        "router: Hm.",
        "router -> doctor",
        "enter doctor",
    ]


async def test_an_agent_that_was_to_speak_first_does_so() -> None:
    events = (entered("router"), moved("router", "doctor"), entered("doctor"))
    assert await resumed("router", *events) == ["doctor: Where does it hurt?"]


async def test_an_agent_that_has_spoken_waits_for_the_caller() -> None:
    assert await resumed("desk", entered("desk"), GREETED) == []


@asynccontextmanager
async def resumed_agent(conversation: Conversation) -> AsyncIterator[tuple[NodeAgent, list[str]]]:
    """The agent of a call that was taken over, once it has entered, and what agents say."""
    said: list[str] = []

    def on_item(event: ConversationItemAddedEvent) -> None:
        if event.item.type == "message":
            said.append(event.item.text_content or "")

    session: AgentSession[None] = AgentSession(vad=None, turn_handling={"turn_detection": None})
    session.on("conversation_item_added", on_item)
    agent = first_agent(conversation)
    await session.start(agent, record=False, session_host=False)
    conversation.handoffs.session_started()
    await conversation.handoffs.wait_until_entered()
    try:
        yield agent, said
    finally:
        await session.aclose()
        await close_providers(conversation)


async def test_last_words_of_which_nothing_was_heard_are_said_again() -> None:
    agents = (*AGENTS[:3], scripted("bye", "So long.", greeting="Goodbye."))
    conversation, _ = interrupted_call("bye", agents=agents)
    async with resumed_agent(conversation) as (bye, said):
        bye.reply_again()
        await bye.session.wait_for_idle()
        assert said == ["Goodbye.", "Goodbye."]
        conversation.record_agent_turn("Goodbye.", interrupted=False)
        assert conversation.projection.ending is EndReason.WORKFLOW_FINISHED
        bye.reply_again()
        assert bye.session.current_speech is None


async def test_a_condition_that_holds_hands_the_turn_off() -> None:
    urgent = ContextChanged(path="flags.urgent", value=True)
    conversation, writer = interrupted_call("desk", entered("desk"), GREETED, ASKED, urgent)
    async with resumed_agent(conversation) as (desk, said):
        assert (desk.acts_on_entry, said) == (False, [])
        await desk.resume_reply()
        await conversation.handoffs.wait_until_entered()
        assert said == ["Where does it hurt?"]
    assert summary_lines(writer.events) == ["desk -> doctor", "enter doctor"]
