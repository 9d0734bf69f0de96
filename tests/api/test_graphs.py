"""The graphs of drafts and versions: nodes with ids of their own, agents and calls as objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.calls.events import NodeEntered
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import update_agent
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.workflows import create_workflow
from domain.workflows.model import Node, WorkflowSpec
from graph.app import build_schema_with_loaders
from resolvers.global_ids import global_id, graph_node_id
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.log_writer import writing_call
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

AGENT = """agent { __typename name prompt { system } ... on Agent { id tools { name } }
  ... on VersionAgent { tools { name definition } } }"""
GRAPH = (
    f"graph {{ nodes {{ __typename id key agentName {AGENT} }} connections {{ source target }} }}"
)
CLINIC = f"""{{ workflow(by: {{slug: "clinic"}}) {{ id {GRAPH}
  published {{ id {GRAPH} agents {{ name tools {{ name }} }} workflow {{ id }}
    calls {{ edges {{ node {{ id currentNode {{ id }} }} }} }} }} }} }}"""
USERS = """query ($a: Cursor, $b: Cursor) { agent(by: {name: "booking"}) { workflows(first: 1, after: $a) {
    edges { cursor node { slug } } pageInfo { hasNextPage endCursor } totalCount { value } }
  last: workflows(last: 2, before: $b) { edges { node { slug } } pageInfo { hasPreviousPage } }
  tools { agents { edges { node { name } } } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on GraphNode { key agentName } } }"


async def read(api: Api, document: str, **variables: Any) -> Any:
    answer = await api.execute(document, variables=variables)
    assert "errors" not in answer, answer
    return answer["data"]


async def test_a_draft_and_its_version_have_different_nodes_and_agents(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    async with services.store.transaction(viewer.tenant_id) as work:
        [booking] = await work.agents.by_names(["booking"])
    prompt = RECEPTION.prompt
    await update_agent(services, viewer, booking.id, booking.revision, {"prompt": prompt})
    workflow = (await read(api, CLINIC))["workflow"]
    version = workflow["published"]
    drafts, frozen = workflow["graph"]["nodes"], version["graph"]["nodes"]
    assert [node["key"] for node in drafts] == [node["key"] for node in frozen]
    assert len({node["id"] for node in (*drafts, *frozen)}) == 2 * len(drafts)
    assert workflow["graph"]["connections"] == version["graph"]["connections"] != []
    by_key = [{node["key"]: node["agent"] for node in nodes} for nodes in (drafts, frozen)]
    now, then = (agents["booking"] for agents in by_key)
    assert (now["__typename"], now["prompt"]) == ("Agent", {"system": prompt.system})
    assert now["id"] == global_id("Agent", booking.id)
    assert (then["__typename"], then["prompt"]) == (
        "VersionAgent",
        {"system": BOOKING.prompt.system},
    )
    [tool] = then["tools"]
    assert (tool["name"], tool["definition"]["name"]) == ("book_appointment", "book_appointment")
    assert version["agents"] == [
        {"name": "booking", "tools": [{"name": "book_appointment"}]},
        {"name": "reception", "tools": []},
    ]
    assert version["workflow"] == {"id": workflow["id"]}
    for node in (*drafts, *frozen):
        found = (await read(api, NODE, id=node["id"]))["node"]
        assert found == {k: node[k] for k in ("__typename", "id", "key", "agentName")}


async def test_a_node_of_a_draft_may_name_an_agent_that_does_not_exist(
    api: Api, services: Services, viewer: Viewer
) -> None:
    spec = WorkflowSpec(name="empty", nodes=(Node(id="desk", agent="missing", is_entry=True),))
    await create_workflow(services, viewer, spec)
    data = await read(
        api, f'{{ workflow(by: {{slug: "empty"}}) {{ {GRAPH} nodes {{ id key }} }} }}'
    )
    [node] = data["workflow"]["graph"]["nodes"]
    assert (node["agentName"], node["agent"]) == ("missing", None)
    assert data["workflow"]["nodes"] == [{"id": "desk", "key": "desk"}]


async def test_a_call_and_its_version_lead_to_each_other(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    document = """query ($id: ID!) { call(id: $id) { currentNode { id key agent { name } }
      version { graph { nodes { id key } }
        calls(first: 1) { edges { node { id } } pageInfo { hasNextPage } } } } }"""
    async with writing_call(services, settings, viewer) as writer:
        call = global_id("Call", writer.call_id)
        assert (await read(api, document, id=call))["call"]["currentNode"] is None
        entered = NodeEntered(node="booking", agent="booking", first_visit=True)
        writer.worker.event_writer.emit(writer.claim, entered)
        await writer.worker.event_writer.wait_until_stored(writer.claim)
        data = (await read(api, document, id=call))["call"]
    node, version = data["currentNode"], data["version"]
    assert (node["key"], node["agent"]) == ("booking", {"name": "booking"})
    assert {"id": node["id"], "key": "booking"} in version["graph"]["nodes"]
    assert version["calls"] == {
        "edges": [{"node": {"id": call}}],
        "pageInfo": {"hasNextPage": False},
    }


async def test_the_calls_of_a_version_are_paged(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    request = CallRequest(workflow_name="clinic")
    calls = [global_id("Call", (await start_call(services, viewer, request)).id) for _ in range(3)]
    document = """query ($a: Cursor) { workflow(by: {slug: "clinic"}) { published {
      calls(first: 2, after: $a) { edges { node { id } } pageInfo { hasNextPage endCursor } }
      last: calls(last: 1) { edges { node { id } } totalCount { value } } } } }"""
    first = (await read(api, document))["workflow"]["published"]["calls"]
    last = (await read(api, document, a=first["pageInfo"]["endCursor"]))["workflow"]["published"]
    found = [edge["node"]["id"] for page in (first, last["calls"]) for edge in page["edges"]]
    assert found == calls[::-1]
    assert last["last"] == {"edges": [{"node": {"id": calls[0]}}], "totalCount": {"value": 3}}
    assert (first["pageInfo"]["hasNextPage"], last["calls"]["pageInfo"]["hasNextPage"]) == (
        True,
        False,
    )


async def test_agents_and_tools_lead_to_their_users(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    for slug in ("annex", "ward"):
        spec = WorkflowSpec(name=slug, nodes=(Node(id="desk", agent="booking", is_entry=True),))
        await create_workflow(services, viewer, spec)
    slugs, others, after = [], [], None
    for more in (True, True, False):
        agent = (await read(api, USERS, a=after, b=after))["agent"]
        [edge] = agent["workflows"]["edges"]
        page = agent["workflows"]["pageInfo"]
        assert (page["hasNextPage"], page["endCursor"]) == (more, edge["cursor"])
        assert agent["workflows"]["totalCount"] == {"value": 3}
        slugs.append(edge["node"]["slug"])
        others.append([other["node"]["slug"] for other in agent["last"]["edges"]])
        assert agent["last"]["pageInfo"] == {"hasPreviousPage": after is None}
        after = page["endCursor"]
    assert slugs == ["annex", "clinic", "ward"]
    assert others == [["clinic", "ward"], [], ["annex"]]
    assert agent["tools"] == [{"agents": {"edges": [{"node": {"name": "booking"}}]}}]
    refused = await api.execute(USERS, variables={"a": "zzz"})
    assert refused["errors"][0]["extensions"] == {
        "code": "INVALID_CURSOR",
        "path": ["after"],
        "docs": "/docs/api#invalid_cursor",
    }


async def test_nodes_of_another_tenant_are_unknown(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    version = await publish_clinic(services, viewer)
    owner_there = owner_of(await new_tenant(settings, "other"))
    other = replace(owner_there, subject="user:00000000-0000-0000-0000-000000000002")
    owners = (version.workflow_id, version.id)
    async with running_api(services, settings, other, build_schema_with_loaders) as stranger:
        for id in (graph_node_id(owner, "booking") for owner in owners):
            assert await read(stranger, NODE, id=id) == {"node": None}
    async with running_api(services, settings, viewer, build_schema_with_loaders) as owner:
        for id in (graph_node_id(owner_id, "nothing") for owner_id in owners):
            assert await read(owner, NODE, id=id) == {"node": None}
