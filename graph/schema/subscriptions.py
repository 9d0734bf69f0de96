"""The subscriptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain.calls import events
from domain.calls.model import Call
from domain.common.lists import ListUpdate
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from graph.schema.scalars import Cursor
from graph.schema.types.call_filters import CallFilter, filter_of
from graph.schema.types.draft_lists import (
    AgentListUpdate,
    ToolListUpdate,
    WorkflowListUpdate,
)
from graph.schema.types.events import CallListUpdate, CallUpdate
from graph.schema.types.lists import AgentFilter, ToolFilter, WorkflowFilter, draft_filter
from resolvers import call_events, drafts
from resolvers.context import Ctx


async def _call_events(
    info: Ctx,
    call_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the call to follow.")],
    after: Annotated[
        Cursor | None,
        strawberry.argument(
            description="Cursor to continue behind; omit to start with the first event."
        ),
    ] = None,
) -> AsyncGenerator[events.CallUpdate]:
    async with aclosing(call_events.call_events(info, call_id, after)) as updates:
        async for update in updates:
            yield update


async def _calls(
    info: Ctx,
    filter: Annotated[
        CallFilter | None, strawberry.argument(description="Filter; omit to follow all calls.")
    ] = None,
) -> AsyncGenerator[ListUpdate[Call]]:
    async with aclosing(call_events.call_list(info, filter_of(filter))) as updates:
        async for update in updates:
            yield update


async def _agents(
    info: Ctx,
    filter: Annotated[
        AgentFilter | None, strawberry.argument(description="Filter; omit to follow all agents.")
    ] = None,
) -> AsyncGenerator[ListUpdate[Agent]]:
    async with aclosing(drafts.watch_agents(info, draft_filter(filter))) as updates:
        async for update in updates:
            yield update


async def _tools(
    info: Ctx,
    filter: Annotated[
        ToolFilter | None, strawberry.argument(description="Filter; omit to follow all tools.")
    ] = None,
) -> AsyncGenerator[ListUpdate[Tool]]:
    async with aclosing(drafts.watch_tools(info, draft_filter(filter))) as updates:
        async for update in updates:
            yield update


async def _workflows(
    info: Ctx,
    filter: Annotated[
        WorkflowFilter | None,
        strawberry.argument(description="Filter; omit to follow all workflows."),
    ] = None,
) -> AsyncGenerator[ListUpdate[Workflow]]:
    async with aclosing(drafts.watch_workflows(info, draft_filter(filter))) as updates:
        async for update in updates:
            yield update


@strawberry.type(description="Operations that stream updates.")
class Subscription:
    call_events: AsyncGenerator[events.CallUpdate] = strawberry.subscription(
        resolver=_call_events,
        graphql_type=CallUpdate,
        description=(
            "All events of a call, each exactly once and in order, from the first one "
            "or behind a cursor. The stream completes after CallEnded."
        ),
    )
    calls: AsyncGenerator[ListUpdate[Call]] = strawberry.subscription(
        resolver=_calls,
        graphql_type=CallListUpdate,
        description="A live list of calls: first a snapshot, then the changes.",
    )
    agents: AsyncGenerator[ListUpdate[Agent]] = strawberry.subscription(
        resolver=_agents,
        graphql_type=AgentListUpdate,
        description=(
            "A live list of agents: first a snapshot of those that were edited last, then the changes."
        ),
    )
    tools: AsyncGenerator[ListUpdate[Tool]] = strawberry.subscription(
        resolver=_tools,
        graphql_type=ToolListUpdate,
        description=(
            "A live list of tools: first a snapshot of those that were edited last, then the changes."
        ),
    )
    workflows: AsyncGenerator[ListUpdate[Workflow]] = strawberry.subscription(
        resolver=_workflows,
        graphql_type=WorkflowListUpdate,
        description=(
            "A live list of workflows: first a snapshot of those that were edited last, then the "
            "changes."
        ),
    )
