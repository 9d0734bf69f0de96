"""What can be asked."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.calls.model import CallFilter as DomainFilter
from domain.common.access import Scope
from domain.providers.catalog import CATALOG
from domain.providers.model import ProviderKind
from domain.tenants.credentials import CredentialKind
from graph.schema.scalars import Cursor
from graph.schema.types.accounts import Viewer
from graph.schema.types.agents import AgentBy, AgentConnection, AgentType
from graph.schema.types.bundles import Bundle
from graph.schema.types.calls import CallConnection, CallFilter, CallType, filter_of
from graph.schema.types.common import Node, as_graphql
from graph.schema.types.credentials import Credential
from graph.schema.types.findings import VerificationReport
from graph.schema.types.providers import Provider
from graph.schema.types.settings import McpTool, SettingsType
from graph.schema.types.simulations import Simulation
from graph.schema.types.tools import ToolBy, ToolConnection, ToolType
from graph.schema.types.workflows import WorkflowBy, WorkflowConnection, WorkflowInput, WorkflowType
from resolvers import (
    accounts,
    bundles,
    calls,
    credentials,
    drafts,
    nodes,
    settings,
    simulations,
    workflows,
)
from resolvers.context import Ctx
from resolvers.pagination import Page, PageInfo

First = Annotated[
    int | None, strawberry.argument(description="How many, 1 to 100; more is taken for 100.")
]
After = Annotated[Cursor | None, strawberry.argument(description="Go on behind this cursor.")]
Id = Annotated[strawberry.ID, strawberry.argument(description="The id.")]


@strawberry.type(description="What can be asked.")
class Query:
    @strawberry.field(description="Whoever asks.")
    async def viewer(self, info: Ctx) -> Viewer | None:
        return as_graphql(await accounts.viewer(info))

    @strawberry.field(description="Anything by its id; null for what is not there or not yours.")
    async def node(self, info: Ctx, id: Id) -> Node | None:
        return as_graphql(await nodes.node(info, id))

    @strawberry.field(description="Many by their ids, in the same order; at most 100.")
    async def nodes(
        self,
        info: Ctx,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids.")],
    ) -> list[Node | None]:
        return as_graphql(await nodes.nodes(info, list(ids)))

    @strawberry.field(description="One agent.")
    async def agent(
        self, info: Ctx, by: Annotated[AgentBy, strawberry.argument(description="Which.")]
    ) -> AgentType | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return as_graphql(
            await drafts.get_draft(info, Scope.AGENTS_READ, lambda w: w.agents, "Agent", id, name)
        )

    @strawberry.field(description="Agents, newest first.")
    async def agents(
        self, info: Ctx, first: First = None, after: After = None
    ) -> AgentConnection | None:
        return as_graphql(
            await drafts.list_drafts(
                info, Scope.AGENTS_READ, lambda w: w.agents, "agents", first, after
            )
        )

    @strawberry.field(description="One tool.")
    async def tool(
        self, info: Ctx, by: Annotated[ToolBy, strawberry.argument(description="Which.")]
    ) -> ToolType | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return as_graphql(
            await drafts.get_draft(info, Scope.TOOLS_READ, lambda w: w.tools, "Tool", id, name)
        )

    @strawberry.field(description="Tools, newest first.")
    async def tools(
        self, info: Ctx, first: First = None, after: After = None
    ) -> ToolConnection | None:
        return as_graphql(
            await drafts.list_drafts(
                info, Scope.TOOLS_READ, lambda w: w.tools, "tools", first, after
            )
        )

    @strawberry.field(description="One workflow.")
    async def workflow(
        self, info: Ctx, by: Annotated[WorkflowBy, strawberry.argument(description="Which.")]
    ) -> WorkflowType | None:
        id, slug = by.id.value if by.id else None, by.slug.value if by.slug else None
        scope = Scope.WORKFLOWS_READ
        return as_graphql(
            await drafts.get_draft(info, scope, lambda w: w.workflows, "Workflow", id, slug)
        )

    @strawberry.field(description="Workflows, newest first.")
    async def workflows(
        self, info: Ctx, first: First = None, after: After = None
    ) -> WorkflowConnection | None:
        scope = Scope.WORKFLOWS_READ
        return as_graphql(
            await drafts.list_drafts(info, scope, lambda w: w.workflows, "workflows", first, after)
        )

    @strawberry.field(description="One call.")
    async def call(self, info: Ctx, id: Id) -> CallType | None:
        return as_graphql(await calls.call(info, id))

    @strawberry.field(description="Calls, newest first.")
    async def calls(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        filter: Annotated[
            CallFilter | None, strawberry.argument(description="Which; all without.")
        ] = None,
    ) -> CallConnection | None:
        admitted: DomainFilter | None = filter_of(filter)
        if admitted is None:
            return as_graphql(Page([], PageInfo(False, None)))
        return as_graphql(await calls.calls(info, admitted, first, after))

    @strawberry.field(description="Would this workflow be sound? It need not be saved.")
    async def verify_workflow(
        self,
        info: Ctx,
        config: Annotated[WorkflowInput, strawberry.argument(description="The workflow.")],
    ) -> VerificationReport | None:
        found = await workflows.findings_of(info, config.spec(), ("config",))
        return VerificationReport(findings=as_graphql(list(found)))

    @strawberry.field(
        description="A suite that says what was said in a call and expects what came of it."
    )
    async def simulation_from_call(
        self,
        info: Ctx,
        call_id: Annotated[strawberry.ID, strawberry.argument(description="The call.")],
    ) -> Simulation | None:
        suite = await simulations.from_call(info, call_id)
        return Simulation(suite=as_graphql(suite)) if suite else None

    @strawberry.field(description="Your own keys for providers.")
    async def credentials(self, info: Ctx) -> list[Credential] | None:
        return as_graphql(list(await credentials.credentials(info, CredentialKind.PROVIDER)))

    @strawberry.field(description="The secrets that headers of your tools may hold.")
    async def secrets(self, info: Ctx) -> list[Credential] | None:
        return as_graphql(list(await credentials.credentials(info, CredentialKind.SECRET)))

    @strawberry.field(description="The settings of your tenant.")
    async def settings(self, info: Ctx) -> SettingsType | None:
        return as_graphql(await settings.settings(info))

    @strawberry.field(description="What an MCP server of the settings offers, allowed or not.")
    async def mcp_tools(
        self,
        info: Ctx,
        server: Annotated[str, strawberry.argument(description="Its name in the settings.")],
    ) -> list[McpTool] | None:
        return as_graphql(await settings.mcp_tools(info, server))

    @strawberry.field(description="Workflows with all they use, to be kept in files.")
    async def export_bundle(
        self,
        info: Ctx,
        workflows: Annotated[
            list[str] | None,
            strawberry.argument(description="Their slugs; without, everything there is."),
        ] = None,
    ) -> Bundle | None:
        return as_graphql(await bundles.export(info, workflows))

    @strawberry.field(description="The providers that agents can choose from.")
    def providers(
        self,
        info: Ctx,
        kind: Annotated[
            ProviderKind | None, strawberry.argument(description="Of this kind only.")
        ] = None,
    ) -> list[Provider] | None:
        info.context.require(Scope.AGENTS_READ)
        return as_graphql([p for p in CATALOG if kind in (None, p.kind)])
