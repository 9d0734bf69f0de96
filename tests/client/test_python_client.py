"""The Python client against a real API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from agent_studio_client import ApiKey, RequestFailed, Session, Studio, TypedError, nodes, pages
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import create_agent
from resolvers.global_ids import global_id
from tests.support.api_server import Api
from tests.support.demo_workflow import RECEPTION, publish_clinic
from tests.support.log_writer import writing_call
from tests.support.people import PASSWORD, an_email, new_member, owner_at

pytestmark = pytest.mark.anyio

START = """mutation ($input: StartCallInput!) { startCall(input: $input) {
  __typename ... on StartCallSuccess { call { id } } ... on Error { code message path } } }"""
EVENTS = """subscription ($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) { ... on CallEvent { seq cursor } } }"""
AGENTS = """query ($first: Int, $after: Cursor, $last: Int, $before: Cursor) {
  agents(first: $first, after: $after, last: $last, before: $before) {
    edges { node { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
NO_AGENTS = """query ($first: Int) { viewer { subject }
  agents(first: $first, after: "invented") { edges { node { name } } pageInfo { hasNextPage } } }"""
"""The list is null, next to data that is there."""
VIEWER = "{ viewer { person { email } } }"
SUBPROTOCOL = Subprotocol("graphql-transport-ws")


async def test_outcomes_of_operations(api: Api, services: Services, viewer: Viewer) -> None:
    await publish_clinic(services, viewer)
    studio = Studio(api.url, ApiKey(api.key))
    started = await studio.mutate(START, input={"workflow": {"slug": "clinic"}})
    assert isinstance(started, dict)
    assert started["__typename"] == "StartCallSuccess"
    missing = await studio.mutate(START, input={"workflow": {"slug": "none"}})
    assert isinstance(missing, TypedError)
    assert (missing.type, missing.code) == ("WorkflowNotFound", "WORKFLOW_NOT_FOUND")
    assert missing.fields["path"] == ["input", "workflow"]
    assert await code_of(studio, "{ viewer { nickname } }") == "GRAPHQL_VALIDATION_FAILED"
    assert await code_of(Studio(api.url, ApiKey("as_test_wrong")), VIEWER) == "UNAUTHENTICATED"
    assert await code_of(Studio("http://127.0.0.1:9", ApiKey("x")), VIEWER) == "UNREACHABLE"


async def code_of(studio: Studio, query: str) -> str:
    with pytest.raises(RequestFailed) as refused:
        await studio.query(query)
    return refused.value.code


async def test_pages_in_both_directions(api: Api, services: Services, viewer: Viewer) -> None:
    for name in "abcde":
        await create_agent(services, viewer, replace(RECEPTION, name=name))
    studio = Studio(api.url, ApiKey(api.key))

    def select(data: dict[str, Any]) -> Any:
        return data["agents"]

    forward = [
        [edge["node"]["name"] for edge in page["edges"]]
        async for page in pages(studio, AGENTS, select=select, page_size=2)
    ]
    options: dict[str, Any] = {"select": select, "page_size": 2, "backward": True}
    backward = [node["name"] async for node in nodes(studio, AGENTS, **options)]
    assert [len(page) for page in forward] == [2, 2, 1]
    assert backward == [name for page in reversed(forward) for name in reversed(page)]
    with pytest.raises(RequestFailed) as refused:
        await anext(pages(studio, NO_AGENTS, select=select))
    assert refused.value.code == "INVALID_CURSOR"


async def test_a_session_is_refreshed_and_ends(api: Api) -> None:
    email = an_email()
    await new_member(owner_at(api), "VIEWER", email)
    session = Session(api.url)
    refused = await session.sign_in(email, "a wrong password indeed")
    assert refused is not None
    assert (refused.type, refused.code) == ("InvalidCredentials", "UNAUTHENTICATED")
    assert await session.sign_in(email, PASSWORD) is None
    studio = Studio(api.url, session)
    assert (await studio.query(VIEWER))["viewer"]["person"]["email"] == email
    before = session.tokens
    assert before is not None
    # Many requests notice at once that their token was refused.
    rejected = f"Bearer {before.access_token}"
    headers = await asyncio.gather(*(session.headers(rejected) for _ in range(5)))
    assert len({each["authorization"] for each in headers}) == 1
    await session.sign_out()
    assert session.tokens is None
    assert await code_of(studio, VIEWER) == "SIGNED_OUT"


async def test_each_event_comes_once_whatever_closes_the_connection(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    email = an_email()
    await new_member(owner_at(api), "VIEWER", email)
    session = Session(api.url)
    assert await session.sign_in(email, PASSWORD) is None
    async with writing_call(services, settings, viewer) as writer:
        await writer.write_turns(*map(str, range(20)))
        await writer.end()
        log = list(await writer.worker.queue.log_page(writer.claim.call, 0, 1_000))
        codes = [1011, 4401, 4403, 1013, 1012]
        async with running_relay(api.url, codes) as url:
            events = Studio(url, session).subscribe(
                EVENTS, callId=global_id("Call", writer.call_id)
            )
            async with aclosing(events), asyncio.timeout(120):
                seen = [data["callEvents"]["seq"] async for data in events]
    assert (seen, codes) == ([event.seq for event in log], [])


@asynccontextmanager
async def running_relay(url: str, codes: list[int]) -> AsyncIterator[str]:
    """A relay to the API that closes a connection with the next code after each third value."""

    async def relay(client: ServerConnection) -> None:
        target = f"ws{url.removeprefix('http')}/graphql"
        async with (
            connect(target, subprotocols=[SUBPROTOCOL], close_timeout=1) as upstream,
            asyncio.TaskGroup() as tasks,
        ):

            async def forward() -> None:
                with suppress(ConnectionClosed):
                    async for text in client:
                        await upstream.send(text)
                await upstream.close()

            tasks.create_task(forward())
            values = 0
            with suppress(ConnectionClosed):
                async for text in upstream:
                    await client.send(text)
                    values += json.loads(text)["type"] == "next"
                    if values == 3 and codes:
                        await client.close(codes.pop(0))

    async with serve(relay, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], close_timeout=1) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
