"""The graphs of workflows and of their versions: nodes, and the agents that handle them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.calls.model import Call
from domain.common.access import Scope
from domain.tools.model import ToolSpec
from domain.workflows.agents import Agent, AgentSpec
from domain.workflows.model import Node, Version, Workflow, WorkflowSpec
from resolvers import workflows
from resolvers.context import Ctx
from resolvers.loaders import loaders


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of a draft or of a version."""

    owner: Workflow | Version
    spec: Node


@dataclass(frozen=True, slots=True)
class VersionTool:
    """A tool as a version has it."""

    spec: ToolSpec


@dataclass(frozen=True, slots=True)
class VersionAgent:
    """An agent as a version has it, with the defaults of the tenant filled in."""

    version: Version
    spec: AgentSpec

    @property
    def tools(self) -> list[VersionTool]:
        tools = self.version.snapshot.tools
        return [VersionTool(tools[name]) for name in self.spec.tools if name in tools]


def graph_of(owner: Workflow | Version) -> WorkflowSpec:
    return owner.spec if isinstance(owner, Workflow) else owner.snapshot.workflow


def nodes(owner: Workflow | Version) -> list[GraphNode]:
    return [GraphNode(owner, node) for node in graph_of(owner).nodes]


def node(owner: Workflow | Version | None, key: str | None) -> GraphNode | None:
    every = () if owner is None else nodes(owner)
    return next((each for each in every if each.spec.id == key), None)


async def node_by_id(info: Ctx, owner_id: UUID, key: str) -> GraphNode | None:
    """The node of the draft or the version with this id; None if there is none."""
    viewer, services = info.context.require(Scope.WORKFLOWS_READ), info.context.services
    workflow = await loaders().workflows(services, viewer.tenant_id).load(owner_id)
    if workflow is not None:
        return node(workflow, key)
    return node(await loaders().versions(services, viewer.tenant_id).load(owner_id), key)


async def current_node(info: Ctx, call: Call) -> GraphNode | None:
    info.context.require(Scope.WORKFLOWS_READ)
    if call.active_node is None:
        return None
    return node(await workflows.version(info, call.version_id), call.active_node)


async def agent(info: Ctx, node: GraphNode) -> Agent | VersionAgent | None:
    viewer = info.context.require(Scope.AGENTS_READ)
    if isinstance(node.owner, Version):
        spec = node.owner.snapshot.agents.get(node.spec.agent)
        return None if spec is None else VersionAgent(node.owner, spec)
    loader = loaders().by_name(info.context.services, viewer.tenant_id, "agents")
    loaded: Agent | None = await loader.load(node.spec.agent)
    return loaded


def version_agents(info: Ctx, version: Version) -> Sequence[VersionAgent]:
    info.context.require(Scope.AGENTS_READ)
    return [VersionAgent(version, spec) for _, spec in sorted(version.snapshot.agents.items())]


def version_tools(info: Ctx, agent: VersionAgent) -> Sequence[VersionTool]:
    info.context.require(Scope.TOOLS_READ)
    return agent.tools
