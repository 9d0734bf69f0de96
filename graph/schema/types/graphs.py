"""The graphs of drafts and versions, with their nodes and agents as objects."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from domain.tools.model import ToolSpec
from domain.workflows import model as domain
from domain.workflows.agents import Agent
from graph.schema.scalars import Json
from graph.schema.types.agent_configuration import AgentConfiguration
from graph.schema.types.common import Node, instance_check, spec_field
from graph.schema.types.nodes import NodeTransfer, Position, WorkflowLink
from graph.schema.types.tool_definitions import tool_definition
from resolvers import graphs as resolvers
from resolvers.context import Ctx
from resolvers.global_ids import graph_node_id


@strawberry.type(
    name="VersionTool",
    description="A tool of a version, which its calls use whatever the draft says.",
)
class VersionToolType:
    name: str = spec_field("name", "Name of the tool; the agents of the version refer to it.", str)
    description: str = spec_field(
        "description", "Description of the tool's purpose, which the model reads.", str
    )

    @strawberry.field(
        description="The tool in the form of `CreateToolInput`, with all actions at any depth."
    )
    def definition(self, tool: strawberry.Parent[resolvers.VersionTool]) -> Json:
        spec: ToolSpec = tool.spec
        return Json(tool_definition(spec))


@strawberry.type(
    name="VersionAgent",
    description=(
        "An agent of a version, which its calls run whatever the draft says. The defaults of the "
        "tenant at that time are filled in."
    ),
)
class VersionAgentType(AgentConfiguration):
    is_type_of = instance_check(resolvers.VersionAgent)

    @strawberry.field(
        description="Tools that the agent may call, as the version has them.",
        graphql_type=list[VersionToolType],
    )
    def tools(
        self, agent: strawberry.Parent[resolvers.VersionAgent], info: Ctx
    ) -> Sequence[resolvers.VersionTool]:
        return resolvers.version_tools(info, agent)


@strawberry.type(
    name="GraphNode",
    description="A node of the graph of a draft or a version: one stage, handled by one agent.",
)
class GraphNodeType(Node):
    is_type_of = instance_check(resolvers.GraphNode)

    @strawberry.field(description="Globally unique, opaque id.")
    def id(self, node: strawberry.Parent[resolvers.GraphNode]) -> strawberry.ID:
        return strawberry.ID(graph_node_id(node.owner.id, node.spec.id))

    key: str = spec_field("id", "Name of the node, unique in its graph.", str)

    @strawberry.field(
        description=(
            "The agent that handles the node: an `Agent` in the graph of a draft, null when it does "
            "not exist, and a `VersionAgent` in that of a version."
        ),
        graphql_type=AgentConfiguration | None,
    )
    async def agent(
        self, node: strawberry.Parent[resolvers.GraphNode], info: Ctx
    ) -> Agent | resolvers.VersionAgent | None:
        return await resolvers.agent(info, node)

    agent_name: str = spec_field("agent", "Name of the agent that handles the node.", str)
    is_entry: bool = spec_field("is_entry", "Whether calls start at this node.", bool)
    is_exit: bool = spec_field("is_exit", "Whether the agent may end the call at this node.", bool)
    skip_condition: str | None = spec_field(
        "skip_condition",
        "Expression; the node is skipped while it is true. Null: never skipped.",
        str | None,
    )
    on_entry: domain.EntryAction = spec_field(
        "on_entry", "What happens when a conversation enters the node.", domain.EntryAction
    )
    transfer: NodeTransfer | None = spec_field(
        "transfer",
        "Where TRANSFER_CALL transfers callers to; null for other nodes.",
        NodeTransfer | None,
    )
    position: Position | None = spec_field(
        "position",
        "Where an editor draws the node; null when it has not been placed.",
        Position | None,
    )


@strawberry.type(
    description="A graph of agents: that of a draft, or that of a version, which does not change."
)
class WorkflowGraph:
    nodes: Sequence[resolvers.GraphNode] = strawberry.field(
        graphql_type=list[GraphNodeType],
        description="Nodes of the graph, each handled by an agent.",
    )
    connections: Sequence[domain.Connection] = strawberry.field(
        graphql_type=list[WorkflowLink],
        description="Connections between the nodes, which name them by their keys.",
    )
    shared_context: list[str] = strawberry.field(
        description="Keys of the context that all agents share."
    )

    @staticmethod
    def of(owner: domain.Workflow | domain.Version) -> WorkflowGraph:
        spec = resolvers.graph_of(owner)
        return WorkflowGraph(
            nodes=resolvers.nodes(owner),
            connections=spec.connections,
            shared_context=list(spec.shared_context),
        )
