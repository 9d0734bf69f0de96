"""The queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from domain import ports
from domain.calls.model import Call
from domain.calls.statistics import CallStatistics
from domain.common.access import Scope
from domain.providers.catalog import CATALOG
from domain.providers.model import Provider as CatalogProvider
from domain.providers.model import ProviderKind
from domain.tenants.credentials import Credential as StoredCredential
from domain.tenants.credentials import CredentialKind
from domain.tenants.settings import StoredSettings
from domain.tool_execution import mcp
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from graph.schema.access_queries import AccessQuery
from graph.schema.account_queries import AccountQuery
from graph.schema.arguments import After, Before, First, Id, Last
from graph.schema.audit_queries import AuditQuery
from graph.schema.error_paths import ErrorPaths
from graph.schema.scalars import Json
from graph.schema.sign_in_queries import SignInQuery
from graph.schema.telephony_queries import TelephonyQuery
from graph.schema.tenants import InstallationQuery
from graph.schema.types.accounts import Viewer
from graph.schema.types.agents import AgentBy, AgentConnection, AgentType
from graph.schema.types.bundles import Bundle
from graph.schema.types.call_filters import (
    CallFilterArgument,
    CallOrderArgument,
    filter_of,
    order_of,
)
from graph.schema.types.call_statistics import CallStatisticsType
from graph.schema.types.calls import CallConnection, CallType
from graph.schema.types.common import Node
from graph.schema.types.credentials import Credential
from graph.schema.types.findings import VerificationReport
from graph.schema.types.inputs import InputReader
from graph.schema.types.lists import (
    AgentFilter,
    DraftOrderArgument,
    TimeRange,
    ToolFilter,
    WorkflowFilter,
    draft_filter,
    draft_order,
)
from graph.schema.types.providers import Provider
from graph.schema.types.settings import McpTool, SettingsType
from graph.schema.types.simulations import Simulation
from graph.schema.types.tools import ToolBy, ToolConnection, ToolType
from graph.schema.types.workers import WorkerPool
from graph.schema.types.workflows import WorkflowBy, WorkflowConnection, WorkflowInput, WorkflowType
from resolvers import (
    accounts,
    bundles,
    call_statistics,
    calls,
    credentials,
    drafts,
    nodes,
    settings,
    simulations,
    workers,
    workflows,
)
from resolvers.context import Ctx
from resolvers.nodes import Node as NodeObject
from resolvers.pagination import Page, PageArguments


@strawberry.type(description="Operations that read data.")
class Query(AccountQuery, AccessQuery, SignInQuery, TelephonyQuery, AuditQuery, InstallationQuery):
    @strawberry.field(description="The authenticated user or API key.", graphql_type=Viewer | None)
    async def viewer(self, info: Ctx) -> accounts.ViewerInfo:
        return await accounts.viewer(info)

    @strawberry.field(
        description=(
            "The object with this id; null when it does not exist or belongs to another tenant."
        ),
        graphql_type=Node | None,
    )
    async def node(self, info: Ctx, id: Id) -> NodeObject | None:
        return await nodes.node(info, id)

    @strawberry.field(
        description=(
            "Objects by their ids, in the same order; null for each one that does not exist."
        ),
        graphql_type=list[Node | None],
    )
    async def nodes(
        self,
        info: Ctx,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(description="Global ids of the objects; at most 100."),
        ],
    ) -> list[NodeObject | None]:
        return await nodes.nodes(info, list(ids))

    @strawberry.field(
        description="One agent; null when it does not exist.", graphql_type=AgentType | None
    )
    async def agent(
        self,
        info: Ctx,
        by: Annotated[AgentBy, strawberry.argument(description="Id or name of the agent.")],
    ) -> Agent | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return await drafts.get_draft(
            info, Scope.AGENTS_READ, lambda w: w.agents, "Agent", id, name
        )

    @strawberry.field(description="Agents of your tenant.", graphql_type=AgentConnection | None)
    async def agents(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            AgentFilter | None,
            strawberry.argument(description="Filter; omit to return all agents."),
        ] = None,
        order: DraftOrderArgument = None,
    ) -> Page[Agent]:
        return await drafts.list_drafts(
            info,
            Scope.AGENTS_READ,
            lambda w: w.agents,
            "agents",
            PageArguments(first, after, last, before),
            draft_filter(filter),
            draft_order(order),
        )

    @strawberry.field(
        description="One tool; null when it does not exist.", graphql_type=ToolType | None
    )
    async def tool(
        self,
        info: Ctx,
        by: Annotated[ToolBy, strawberry.argument(description="Id or name of the tool.")],
    ) -> Tool | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return await drafts.get_draft(info, Scope.TOOLS_READ, lambda w: w.tools, "Tool", id, name)

    @strawberry.field(description="Tools of your tenant.", graphql_type=ToolConnection | None)
    async def tools(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            ToolFilter | None, strawberry.argument(description="Filter; omit to return all tools.")
        ] = None,
        order: DraftOrderArgument = None,
    ) -> Page[Tool]:
        return await drafts.list_drafts(
            info,
            Scope.TOOLS_READ,
            lambda w: w.tools,
            "tools",
            PageArguments(first, after, last, before),
            draft_filter(filter),
            draft_order(order),
        )

    @strawberry.field(
        description="One workflow; null when it does not exist.", graphql_type=WorkflowType | None
    )
    async def workflow(
        self,
        info: Ctx,
        by: Annotated[WorkflowBy, strawberry.argument(description="Id or slug of the workflow.")],
    ) -> Workflow | None:
        id, slug = by.id.value if by.id else None, by.slug.value if by.slug else None
        scope = Scope.WORKFLOWS_READ
        return await drafts.get_draft(info, scope, lambda w: w.workflows, "Workflow", id, slug)

    @strawberry.field(
        description="Workflows of your tenant.",
        graphql_type=WorkflowConnection | None,
    )
    async def workflows(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            WorkflowFilter | None,
            strawberry.argument(description="Filter; omit to return all workflows."),
        ] = None,
        order: DraftOrderArgument = None,
    ) -> Page[Workflow]:
        return await drafts.list_drafts(
            info,
            Scope.WORKFLOWS_READ,
            lambda w: w.workflows,
            "workflows",
            PageArguments(first, after, last, before),
            draft_filter(filter),
            draft_order(order),
        )

    @strawberry.field(
        description="One call; null when it does not exist.", graphql_type=CallType | None
    )
    async def call(self, info: Ctx, id: Id) -> Call | None:
        return await calls.call(info, id)

    @strawberry.field(description="Calls of your tenant.", graphql_type=CallConnection | None)
    async def calls(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        filter: CallFilterArgument = None,
        last: Last = None,
        before: Before = None,
        order: CallOrderArgument = None,
    ) -> Page[Call]:
        page = PageArguments(first, after, last, before)
        return await calls.calls(info, filter_of(filter), order_of(order), page)

    @strawberry.field(
        description="How many calls were created in a period, how they ended and what they cost.",
        graphql_type=CallStatisticsType | None,
    )
    async def call_statistics(
        self,
        info: Ctx,
        created: Annotated[
            TimeRange,
            strawberry.argument(
                description="The period of at most 32 days. `since` is required; omit `until` for now."
            ),
        ],
    ) -> CallStatistics:
        return await call_statistics.statistics(info, created.since, created.until)

    @strawberry.field(
        description="Worker processes of the installation and their load, for operators.",
        graphql_type=WorkerPool | None,
    )
    async def worker_pool(self, info: Ctx) -> ports.WorkerPool:
        return await workers.worker_pool(info)

    @strawberry.field(
        description="Verify a workflow, which need not be stored.",
        extensions=[ErrorPaths("config")],
    )
    async def verify_workflow(
        self,
        info: Ctx,
        config: Annotated[
            WorkflowInput,
            strawberry.argument(description="Configuration of the workflow to verify."),
        ],
    ) -> VerificationReport | None:
        reader = InputReader()
        spec = config.spec(reader)
        findings = await reader.renaming(workflows.findings_of(info, spec, reader.problems))
        return VerificationReport(findings=findings)

    @strawberry.field(
        description=(
            "Simulation suite that replays the caller's turns of a call and expects "
            "the same outcome; null when the call does not exist."
        )
    )
    async def simulation_from_call(
        self,
        info: Ctx,
        call_id: Annotated[
            strawberry.ID, strawberry.argument(description="Id of the call to replay.")
        ],
    ) -> Simulation | None:
        suite = await simulations.from_call(info, call_id)
        return Simulation(suite=Json(suite)) if suite else None

    @strawberry.field(
        description="Your own keys of providers, without their values.",
        graphql_type=list[Credential] | None,
    )
    async def credentials(self, info: Ctx) -> Sequence[StoredCredential]:
        return await credentials.credentials(info, CredentialKind.PROVIDER)

    @strawberry.field(
        description="Secrets that headers of your tools can refer to, without their values.",
        graphql_type=list[Credential] | None,
    )
    async def secrets(self, info: Ctx) -> Sequence[StoredCredential]:
        return await credentials.credentials(info, CredentialKind.SECRET)

    @strawberry.field(description="Settings of your tenant.", graphql_type=SettingsType | None)
    async def settings(self, info: Ctx) -> StoredSettings:
        return await settings.settings(info)

    @strawberry.field(
        description="All tools that an MCP server offers, allowed or not.",
        graphql_type=list[McpTool] | None,
    )
    async def mcp_tools(
        self,
        info: Ctx,
        server: Annotated[
            str, strawberry.argument(description="Name of the MCP server in the settings.")
        ],
    ) -> Sequence[mcp.McpTool]:
        return await settings.mcp_tools(info, server)

    @strawberry.field(
        description="Export workflows with everything they use.", graphql_type=Bundle | None
    )
    async def export_bundle(
        self,
        info: Ctx,
        workflows: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Slugs of the workflows to export; omit to export everything."
            ),
        ] = None,
    ) -> bundles.BundleExport:
        return await bundles.export(info, workflows)

    @strawberry.field(
        description="Providers that agents can use.", graphql_type=list[Provider] | None
    )
    def providers(
        self,
        info: Ctx,
        kind: Annotated[
            ProviderKind | None,
            strawberry.argument(description="Only providers of this kind; omit for all kinds."),
        ] = None,
    ) -> Sequence[CatalogProvider]:
        info.context.require(Scope.AGENTS_READ)
        return [p for p in CATALOG if kind in (None, p.kind)]
