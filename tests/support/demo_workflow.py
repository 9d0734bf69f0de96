"""A small workflow of two agents, for tests."""

from __future__ import annotations

from domain.common.access import Viewer
from domain.ports import Services
from domain.tools.actions import ContextSet, FlagSet, Respond
from domain.tools.model import ToolSpec
from domain.use_cases.agents import create_agent
from domain.use_cases.tools import create_tool
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice
from domain.workflows.model import Connection, Node, Version, Workflow, WorkflowSpec

RECEPTION = AgentSpec(
    name="reception",
    prompt=Prompt(system="You answer the phone of a clinic.", greeting="Sunrise Clinic, hello."),
    llm=ProviderChoice(
        provider="scripted",
        model="rules",
        options={
            "rules": [
                {
                    "hears": ["appointment"],
                    "says": "One moment.",
                    "calls": {"tool": "transfer_to_booking"},
                },
                {"says": "How can I help?"},
            ]
        },
    ),
)
BOOKING = AgentSpec(
    name="booking",
    prompt=Prompt(system="You book appointments.", greeting="Booking here. When suits you?"),
    llm=ProviderChoice(
        provider="scripted",
        model="rules",
        options={
            "rules": [
                {"after": "book_appointment", "says": "You are booked for {{workflow.slot}}."},
                {
                    "hears": ["tomorrow", "monday"],
                    "calls": {"tool": "book_appointment", "arguments": {"slot": "{{heard}}"}},
                },
                {"says": "Which day suits you?"},
            ]
        },
    ),
    tools=("book_appointment",),
)
BOOK = ToolSpec(
    name="book_appointment",
    description="Books an appointment.",
    parameters={
        "type": "object",
        "properties": {"slot": {"type": "string"}},
        "required": ["slot"],
        "additionalProperties": False,
    },
    actions=(
        ContextSet(path="workflow.slot", value="{{params.slot}}"),
        FlagSet(flag="booked"),
        Respond(message="Booked for {{params.slot}}."),
    ),
)
CLINIC = WorkflowSpec(
    name="clinic",
    nodes=(
        Node(id="reception", agent="reception", is_entry=True),
        Node(id="booking", agent="booking", is_exit=True),
    ),
    connections=(
        Connection(source="reception", target="booking", description="wants an appointment"),
    ),
    shared_context=("slot",),
)


async def save_clinic(
    services: Services,
    viewer: Viewer,
    agents: tuple[AgentSpec, ...] = (RECEPTION, BOOKING),
    tool: ToolSpec = BOOK,
    workflow: WorkflowSpec = CLINIC,
) -> Workflow:
    await create_tool(services, viewer, tool)
    for agent in agents:
        await create_agent(services, viewer, agent)
    return await create_workflow(services, viewer, workflow)


async def publish_clinic(
    services: Services,
    viewer: Viewer,
    agents: tuple[AgentSpec, ...] = (RECEPTION, BOOKING),
    tool: ToolSpec = BOOK,
    workflow: WorkflowSpec = CLINIC,
) -> Version:
    saved = await save_clinic(services, viewer, agents, tool, workflow)
    _, version = await publish_workflow(services, viewer, saved.id, saved.revision, None)
    return version
