"""Lists of agents, tools and workflows: search, filters, orders, pages, and live lists for editors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from domain.common.access import Role, Scope, Tenant, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.model import ToolSpec
from domain.use_cases.calls import CallRequest, start_call
from domain.workflows.agents import AgentSpec, Prompt
from domain.workflows.model import WorkflowSpec
from resolvers.global_ids import global_id
from tests.support.api_server import Api, Socket
from tests.support.demo_workflow import publish_clinic, save_clinic
from tests.support.graphql_calls import (
    CREATE_AGENT,
    DELETE_AGENT,
    GREETER,
    PUBLISH,
    UPDATE_AGENT,
    mutate,
)
from tests.support.viewers import member_of

pytestmark = pytest.mark.anyio

LISTS = {
    name: f"""query ($filter: {kind}Filter, $order: DraftOrder, $first: Int, $after: Cursor,
                     $last: Int, $before: Cursor) {{
      {name}(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last,
             before: $before) {{
        totalCount {{ value isEstimate }} edges {{ cursor node {{ {key} }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    for name, kind, key in (
        ("agents", "Agent", "name"),
        ("tools", "Tool", "name"),
        ("workflows", "Workflow", "name: slug"),
    )
}
FOUND: Mapping[str, tuple[str, dict[str, Any], list[str]]] = {
    "part of a name": ("agents", {"search": "OOK"}, ["booking"]),
    "part of a display name": ("agents", {"search": "front d"}, ["reception"]),
    "wildcards are plain text": ("agents", {"search": "%"}, []),
    "agents with a tool": ("agents", {"tool": "book_appointment"}, ["booking"]),
    "agents of a workflow": ("agents", {"workflow": "clinic"}, ["booking", "reception"]),
    "unused agents": ("agents", {"used": False}, ["spare"]),
    "used agents with a tool": ("agents", {"used": True, "tool": "other"}, []),
    "tools of an agent": ("tools", {"agent": "booking"}, ["book_appointment"]),
    "tools of an agent without": ("tools", {"agent": "spare"}, []),
    "unused tools": ("tools", {"used": False}, ["idle"]),
    "used tools": ("tools", {"used": True, "search": "book"}, ["book_appointment"]),
    "workflows with an agent": ("workflows", {"agent": "reception"}, ["clinic"]),
    "published workflows": ("workflows", {"published": True}, ["clinic"]),
    "workflows not published": ("workflows", {"published": False}, ["annex"]),
    "not published, by name": ("workflows", {"published": False, "search": "clin"}, []),
}


async def list_names(api: Api, name: str, **variables: Any) -> tuple[list[str], Any]:
    answer = await api.execute(LISTS[name], variables=variables)
    assert "errors" not in answer, answer
    listed = answer["data"][name]
    return [edge["node"]["name"] for edge in listed["edges"]], listed


async def test_drafts_are_found_by_name_and_by_references(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.workflows.add(WorkflowSpec(name="annex"))
        await work.tools.add(ToolSpec(name="idle", description="Does nothing."))
        [reception] = await work.agents.by_names(["reception"])
        shown = replace(reception.spec, display_name="Front Desk")
        await work.agents.save(reception.id, shown, reception.revision)
        await work.agents.add(AgentSpec(name="spare", prompt=Prompt(system="Wait.")))
    for what, (name, filter, wanted) in FOUND.items():
        found, listed = await list_names(api, name, filter=filter)
        assert sorted(found) == wanted, what
        assert listed["totalCount"] == {"value": len(wanted), "isEstimate": False}, what


@pytest.mark.parametrize("by", ["CREATED_AT", "UPDATED_AT", "NAME"])
async def test_drafts_are_paged_in_every_order_and_both_directions(
    api: Api, services: Services, viewer: Viewer, by: str
) -> None:
    names = ["delta", "alpha", "echo", "bravo", "charlie"]
    for name in names:
        async with services.store.transaction(viewer.tenant_id) as work:
            await work.agents.add(AgentSpec(name=name, prompt=Prompt(system="Hello.")))
    ascending = sorted(names) if by == "NAME" else names
    for direction, wanted in (("ASC", ascending), ("DESC", ascending[::-1])):
        order = {"by": by, "direction": direction}
        first, page = await list_names(api, "agents", order=order, first=2)
        assert (first, page["pageInfo"]["hasPreviousPage"]) == (wanted[:2], False)
        after = page["pageInfo"]["endCursor"]
        second, page = await list_names(api, "agents", order=order, first=2, after=after)
        assert (second, page["totalCount"]["value"]) == (wanted[2:4], 5)
        assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (
            True,
            True,
        )
        before = page["pageInfo"]["startCursor"]
        again, page = await list_names(api, "agents", order=order, last=5, before=before)
        assert (again, page["pageInfo"]["hasNextPage"]) == (wanted[:2], True)
        last, page = await list_names(api, "agents", order=order, last=2)
        assert (last, page["pageInfo"]["hasNextPage"]) == (wanted[3:], False)


async def test_a_long_search_is_refused(api: Api) -> None:
    answer = await api.execute(LISTS["tools"], variables={"filter": {"search": "x" * 201}})
    assert answer["data"] == {"tools": None}
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "INVALID_INPUT",
        "path": ["filter", "search"],
        "docs": "/docs/api#invalid_input",
    }


# ---- live lists ---------------------------------------------------------------------------------

AGENTS = """subscription ($filter: AgentFilter) { agents(filter: $filter) { __typename
  ... on AgentListSnapshot { agents { name } } ... on AgentAdded { agent { id name } }
  ... on AgentChanged { agent { name description } } ... on AgentRemoved { agentId } } }"""
WORKFLOWS = """subscription { workflows { __typename
  ... on WorkflowListSnapshot { workflows { slug published { number } } }
  ... on WorkflowChanged { workflow { slug published { number } } } } }"""
TOOLS = """subscription { tools(filter: {used: true}) { __typename
  ... on ToolListSnapshot { tools { name } } ... on ToolRemoved { toolId } } }"""


async def next_update(socket: Socket, field: str) -> Any:
    message = await socket.receive()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"][field]


async def test_two_editors_see_the_edits_of_each_other(api: Api) -> None:
    async with api.socket() as one, api.socket() as other:
        for socket in (one, other):
            await socket.subscribe("1", AGENTS)
            snapshot = await next_update(socket, "agents")
            assert snapshot == {"__typename": "AgentListSnapshot", "agents": []}
        created = (await mutate(api, CREATE_AGENT, **GREETER))["agent"]
        added = {"__typename": "AgentAdded", "agent": {"id": created["id"], "name": "greeter"}}
        assert [await next_update(each, "agents") for each in (one, other)] == [added] * 2
        edit = {"id": created["id"], "expectedRevision": 1, "description": "Says hello."}
        await mutate(api, UPDATE_AGENT, **edit)
        agent = {"name": "greeter", "description": "Says hello."}
        changed = {"__typename": "AgentChanged", "agent": agent}
        assert [await next_update(each, "agents") for each in (one, other)] == [changed] * 2
        await mutate(api, DELETE_AGENT, id=created["id"])
        removed = {"__typename": "AgentRemoved", "agentId": created["id"]}
        assert [await next_update(each, "agents") for each in (one, other)] == [removed] * 2


async def test_live_lists_show_only_what_their_filter_matches(
    api: Api, services: Services, viewer: Viewer
) -> None:
    workflow = await save_clinic(services, viewer)
    async with api.socket() as socket:
        await socket.subscribe("1", WORKFLOWS)
        clinic = {"slug": "clinic", "published": None}
        assert (await next_update(socket, "workflows"))["workflows"] == [clinic]
        id = global_id("Workflow", workflow.id)
        await mutate(api, PUBLISH, id=id, expectedRevision=workflow.revision)
        assert await next_update(socket, "workflows") == {
            "__typename": "WorkflowChanged",
            "workflow": {"slug": "clinic", "published": {"number": 1}},
        }
    async with api.socket() as socket:
        await socket.subscribe("1", TOOLS)
        assert (await next_update(socket, "tools"))["tools"] == [{"name": "book_appointment"}]
        # Whether a tool is used changes with its agents, without a notification about tools.
        async with services.store.transaction(viewer.tenant_id) as work:
            [booking] = await work.agents.by_names(["booking"])
            [tool] = await work.tools.by_names(["book_appointment"])
            await work.agents.save(booking.id, replace(booking.spec, tools=()), booking.revision)
        removed = {"__typename": "ToolRemoved", "toolId": global_id("Tool", tool.id)}
        assert await next_update(socket, "tools") == removed


async def test_an_edit_without_a_notification_is_found(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    async with api.socket() as socket:
        await socket.subscribe("1", AGENTS, filter={"search": "booking"})
        assert (await next_update(socket, "agents"))["agents"] == [{"name": "booking"}]
        db = await asyncpg.connect(settings.database_url)
        await db.execute(
            "update agent set updated_at = now(), revision = revision + 1 where name = 'booking'"
        )
        await db.close()
        changed = {"name": "booking", "description": None}
        assert await next_update(socket, "agents") == {
            "__typename": "AgentChanged",
            "agent": changed,
        }


async def test_live_lists_need_the_scope_of_their_items(api: Api, settings: Settings) -> None:
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update api_key set role = null, scopes = '{tools:read}'")
    await db.close()
    async with api.socket(init={}) as socket:
        credential = {"authorization": f"Bearer {api.key}"}
        await socket.send(type="connection_init", payload=credential)
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.subscribe("1", AGENTS)
        refused = await socket.receive()
        [error] = refused["payload"]
        assert (refused["type"], error["extensions"]["code"]) == ("error", "FORBIDDEN")
        await socket.subscribe("2", TOOLS)
        assert (await next_update(socket, "tools"))["tools"] == []


# ---- workers --------------------------------------------------------------------------------------

POOL = """{ workerPool { workers { id host capacity voiceCapacity calls voiceCalls ownCalls }
  waiting { value isEstimate } waitingSince } }"""


async def test_operators_see_the_workers_and_their_load(
    api: Api, services: Services, viewer: Viewer, settings: Settings
) -> None:
    assert (await api.execute(POOL))["data"]["workerPool"] == {
        "workers": [],
        "waiting": {"value": 0, "isEstimate": False},
        "waitingSince": None,
    }
    db = await asyncpg.connect(settings.database_url)
    worker = await db.fetchval(
        "insert into worker_process (id, capacity, voice_capacity, host)"
        " values (gen_random_uuid(), 100, 8, 'studio-1') returning id"
    )
    await publish_clinic(services, viewer)
    calls = await start_calls(services, viewer, 3)
    await db.execute(
        "update call_log set worker_id = $1, kind = case when call_id = $2 then 'VOIP' else kind end"
        " where call_id = any($3)",
        *(worker, calls[0], calls[:2]),
    )
    pool = (await api.execute(POOL))["data"]["workerPool"]
    assert pool["waitingSince"] is not None
    assert (pool["waiting"]["value"], pool["workers"]) == (
        1,
        [
            {
                "id": str(worker),
                "host": None,
                "capacity": 100,
                "voiceCapacity": 8,
                "calls": None,
                "voiceCalls": None,
                "ownCalls": 2,
            }
        ],
    )
    # Operators of the installation see what it holds of all tenants, and where.
    await db.execute("insert into installation_operator (subject) values ($1)", viewer.subject)
    await db.close()
    async with asyncio.timeout(60):
        while (shown := await only_worker(api))["host"] is None:  # noqa: ASYNC110 - it is cached
            await asyncio.sleep(0.05)
    assert (shown["host"], shown["calls"], shown["voiceCalls"]) == ("studio-1", 2, 1)


async def only_worker(api: Api) -> Any:
    [worker] = (await api.execute(POOL))["data"]["workerPool"]["workers"]
    return worker


async def start_calls(services: Services, viewer: Viewer, count: int) -> list[Any]:
    request = CallRequest(workflow_name="clinic")
    return [(await start_call(services, viewer, request)).id for _ in range(count)]


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_but_that_of_viewers_sees_workers(tenant: Tenant, role: Role) -> None:
    sees = role is not Role.VIEWER
    assert (Scope.WORKERS_READ in member_of(tenant, role).scopes) is sees
