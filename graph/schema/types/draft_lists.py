"""Live lists of agents, tools and workflows."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.common.lists import EntryAdded, EntryChanged
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from graph.schema.types.agents import AgentType
from graph.schema.types.live_lists import (
    is_entry,
    is_removal,
    is_snapshot,
    item_field,
    items_field,
    removed_id_field,
)
from graph.schema.types.tools import ToolType
from graph.schema.types.workflows import WorkflowType


@strawberry.type(description="The matching agents that were edited last, at most 100.")
class AgentListSnapshot:
    is_type_of = is_snapshot(Agent)
    agents: list[AgentType] = items_field(AgentType, "The matching agents, latest edits first.")


@strawberry.type(description="An agent was added to the list.")
class AgentAdded:
    is_type_of = is_entry(EntryAdded, Agent)
    agent: AgentType = item_field(AgentType, "The added agent.")


@strawberry.type(description="An agent in the list was edited.")
class AgentChanged:
    is_type_of = is_entry(EntryChanged, Agent)
    agent: AgentType = item_field(AgentType, "The agent in its current state.")


@strawberry.type(description="An agent no longer belongs to the list.")
class AgentRemoved:
    is_type_of = is_removal(Agent)
    agent_id: strawberry.ID = removed_id_field("Id of the removed agent.")


AgentListUpdate = Annotated[
    AgentListSnapshot | AgentAdded | AgentChanged | AgentRemoved,
    strawberry.union(
        "AgentListUpdate",
        description="One update of a list of agents: first a snapshot, then the changes.",
    ),
]


@strawberry.type(description="The matching tools that were edited last, at most 100.")
class ToolListSnapshot:
    is_type_of = is_snapshot(Tool)
    tools: list[ToolType] = items_field(ToolType, "The matching tools, latest edits first.")


@strawberry.type(description="A tool was added to the list.")
class ToolAdded:
    is_type_of = is_entry(EntryAdded, Tool)
    tool: ToolType = item_field(ToolType, "The added tool.")


@strawberry.type(description="A tool in the list was edited.")
class ToolChanged:
    is_type_of = is_entry(EntryChanged, Tool)
    tool: ToolType = item_field(ToolType, "The tool in its current state.")


@strawberry.type(description="A tool no longer belongs to the list.")
class ToolRemoved:
    is_type_of = is_removal(Tool)
    tool_id: strawberry.ID = removed_id_field("Id of the removed tool.")


ToolListUpdate = Annotated[
    ToolListSnapshot | ToolAdded | ToolChanged | ToolRemoved,
    strawberry.union(
        "ToolListUpdate",
        description="One update of a list of tools: first a snapshot, then the changes.",
    ),
]


@strawberry.type(description="The matching workflows that were edited last, at most 100.")
class WorkflowListSnapshot:
    is_type_of = is_snapshot(Workflow)
    workflows: list[WorkflowType] = items_field(
        WorkflowType, "The matching workflows, latest edits first."
    )


@strawberry.type(description="A workflow was added to the list.")
class WorkflowAdded:
    is_type_of = is_entry(EntryAdded, Workflow)
    workflow: WorkflowType = item_field(WorkflowType, "The added workflow.")


@strawberry.type(description="A workflow in the list was edited or published.")
class WorkflowChanged:
    is_type_of = is_entry(EntryChanged, Workflow)
    workflow: WorkflowType = item_field(WorkflowType, "The workflow in its current state.")


@strawberry.type(description="A workflow no longer belongs to the list.")
class WorkflowRemoved:
    is_type_of = is_removal(Workflow)
    workflow_id: strawberry.ID = removed_id_field("Id of the removed workflow.")


WorkflowListUpdate = Annotated[
    WorkflowListSnapshot | WorkflowAdded | WorkflowChanged | WorkflowRemoved,
    strawberry.union(
        "WorkflowListUpdate",
        description="One update of a list of workflows: first a snapshot, then the changes.",
    ),
]
