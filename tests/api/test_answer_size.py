"""Limits on the size of one response, and on the memory of all responses that clients have not read."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
import strawberry
from graphql import ExecutionResult, OperationDefinitionNode, parse
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult as Result

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.workflows.agents import AgentSpec, Prompt
from graph.app import build_schema_with_loaders
from graph.requests.connection_registry import ConnectionTimeouts
from graph.requests.execution import ExecutionContext, add_readers, leaf_bytes
from graph.requests.response_size import (
    ANSWER_DROPPED,
    ANSWER_TOO_LARGE,
    MAX_EXPORT_BYTES,
    MAX_RESPONSE_BYTES,
    RESERVATION_STEP_BYTES,
    ResponseAborted,
    ResponseMemory,
    ResponseSize,
    aborted_by,
    measure_response,
    response_limit,
)
from graph.requests.responses import encode
from graph.requests.subscription_cache import encode_update
from tests.conftest import new_tenant
from tests.support.api_server import Api, create_api_key, running_api
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024
LETTERS = 30_000
COUNT = 100


def document(aliases: int) -> str:
    one = f"agents(first: {COUNT}) {{ edges {{ node {{ prompt {{ system }} }} }} }}"
    return "{" + " ".join(f"a{n}: {one}" for n in range(aliases)) + "}"


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    await add_agents(services, viewer)
    async with running_api(services, settings, viewer, build_schema_with_loaders) as running:
        yield running


async def add_agents(services: Services, viewer: Viewer) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.agents.upsert_all(
            [AgentSpec(name=f"a{n}", prompt=Prompt(system="x" * LETTERS)) for n in range(COUNT)]
        )


async def test_a_response_that_is_too_large_is_refused_as_a_whole(api: Api) -> None:
    fits = await api.execute(document(2))
    assert len(fits["data"]["a1"]["edges"]) == COUNT
    answer = await api.execute(document(3))
    assert (answer.keys(), answer["data"]) == ({"data", "errors", "extensions"}, None)
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": ANSWER_TOO_LARGE,
        "docs": f"/docs/api#{ANSWER_TOO_LARGE.lower()}",
    }
    assert str(MAX_RESPONSE_BYTES) in error["message"]
    assert "fewer nodes per page" in error["message"]


async def test_a_response_that_is_too_large_is_refused_over_a_websocket(api: Api) -> None:
    async with api.socket(max_size=None) as socket:
        await socket.subscribe("1", document(3))
        message = await socket.receive()
        [error] = message["payload"]["errors"]
        assert (message["type"], error["extensions"]["code"]) == ("next", ANSWER_TOO_LARGE)
        assert await socket.receive() == {"type": "complete", "id": "1"}
        await socket.subscribe("2", document(2))
        message = await socket.receive()
        assert len(message["payload"]["data"]["a1"]["edges"]) == COUNT
        assert await socket.receive() == {"type": "ping"}
        assert await socket.receive() == {"type": "complete", "id": "2"}


def client_that_does_not_read(api: Api, query: str) -> tuple[socket.socket, bool]:
    """Send a request and read only the status of its response."""
    url = urlsplit(api.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect((url.hostname, url.port))
    body = json.dumps({"query": query}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {api.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(head.encode() + body)
    return client, client.recv(12) == b"HTTP/1.1 200"


async def until(code: str | None, ask: Callable[[], Awaitable[Any]]) -> None:
    """Repeat until the response is refused with `code`, or is not refused."""
    async with asyncio.timeout(60):
        while code_of(await ask()) != code:  # noqa: ASYNC110 - it is a server
            await asyncio.sleep(0.05)


async def fill_memory(api: Api, query: str, stack: ExitStack) -> None:
    """Request responses and do not read them, until no more are built."""

    is_answered = True
    while is_answered:
        client, is_answered = await asyncio.to_thread(client_that_does_not_read, api, query)
        stack.enter_context(client)


def code_of(answer: Any) -> str | None:
    [error] = answer.get("errors", [None])
    return error and str(error["extensions"]["code"])


async def test_clients_that_do_not_read_use_at_most_the_share_of_their_tenant(
    api: Api, services: Services, settings: Settings
) -> None:
    other = owner_of(await new_tenant(settings, "other"))
    await add_agents(services, other)
    other_key = await create_api_key(settings, other)

    async def ask() -> Any:
        return await api.execute(document(2))

    with ExitStack() as stack:
        await fill_memory(api, document(2), stack)
        # Small responses and other tenants are served.
        assert code_of(await api.execute("{ viewer { subject } }")) is None
        for key, code in ((api.key, "UNAVAILABLE"), (other_key, None)):
            answer = await api.execute(document(2), headers={"authorization": f"Bearer {key}"})
            assert code_of(answer) == code
    await until(None, ask)


async def test_a_websocket_that_is_not_read_uses_at_most_its_share(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    await add_agents(services, viewer)
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, ConnectionTimeouts(stall=60)
    ) as api:

        async def ask() -> Any:
            return await api.execute(document(2))

        async with api.socket(max_size=None, max_queue=1) as socket:
            ids = map(str, count())

            async def ask_twice() -> Any:
                # Some are refused while all are built at once, and are repeated.
                await socket.subscribe(next(ids), document(2))
                return await ask()

            await until("UNAVAILABLE", ask_twice)
            socket.raw.transport.abort()
        await until(None, ask)


SUBSCRIPTIONS = ["subscription { large { text } }", "subscription { calls { text } }"]


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS)
async def test_a_subscription_survives_other_clients_that_do_not_read(
    services: Services, settings: Settings, viewer: Viewer, subscription: str
) -> None:
    async with running_api(services, settings, viewer, large_schema) as api:
        with ExitStack() as stack:
            await fill_memory(api, "{ lines(count: 6000) { text } }", stack)
            async with api.socket(max_size=None) as socket:
                await socket.subscribe("1", subscription)
                assert await socket.wait_closed() == (1013, "UNAVAILABLE")
            async with api.socket(max_size=None) as socket:
                await socket.subscribe("1", subscription)
                stack.close()
                message = await socket.receive()
                assert message["type"] == "next"
                assert "errors" not in message["payload"]


# ---- what was done, and not answered ------------------------------------------------------------

GRAPHQL = "application/graphql-response+json"


@pytest.fixture
async def writes(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    """Responses of any size."""
    async with running_api(services, settings, viewer, large_schema) as running:
        written.clear()
        yield running


@pytest.mark.parametrize("field", ["text", "words"])
async def test_an_executed_mutation_is_not_reported_as_refused(writes: Api, field: str) -> None:
    fields = "".join(f"m{n}: write(megabytes: {n}) {{ {field} }} " for n in (1, 2, 3, 4, 5, 6))
    response = await writes.post(f"mutation {{ {fields} }}", headers={"accept": GRAPHQL})
    answer = response.json()
    assert (response.status_code, answer["data"]) == (200, None)
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": ANSWER_TOO_LARGE,
        "docs": f"/docs/api#{ANSWER_TOO_LARGE.lower()}",
    }
    last = f"m{written[-1]}"
    assert f"executed up to `{last}` and no further" in error["message"]
    answer = await writes.execute(f"mutation {{ write(megabytes: 10) {{ {field} }} }}")
    assert (answer["data"], code_of(answer)) == (None, ANSWER_TOO_LARGE)
    assert "The mutation was executed; " in answer["errors"][0]["message"]


async def test_a_mutation_without_room_for_its_response_is_reported_as_executed(
    writes: Api,
) -> None:
    query = "{ lines(count: 6000) { text } }"
    with ExitStack() as stack:
        await fill_memory(writes, query, stack)
        answer = await writes.execute("mutation { write(megabytes: 6) { text } }")
        assert (answer["data"], code_of(answer), written) == (None, ANSWER_DROPPED, [6])
        assert "was executed" in answer["errors"][0]["message"]
        assert "retryAfter" not in answer["errors"][0]["extensions"]
        # A query may be sent again.
        response = await writes.post(query, headers={"accept": GRAPHQL})
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


# ---- the parts ----------------------------------------------------------------------------------


def test_no_tenant_uses_more_than_its_share() -> None:
    memory = ResponseMemory(limit=40 * MEGABYTE)
    with memory.reserve("me") as one, memory.reserve("me") as another:
        one.set_final_size(8 * MEGABYTE)
        with pytest.raises(ResponseAborted):
            another.set_final_size(3 * MEGABYTE)
        with ExitStack() as stack:
            for other in ("you", "them", "those"):
                stack.enter_context(memory.reserve(other)).set_final_size(8 * MEGABYTE)
                stack.enter_context(memory.reserve(other)).set_final_size(2 * MEGABYTE)
            last = stack.enter_context(memory.reserve("last"))
            last.set_final_size(RESERVATION_STEP_BYTES)
            last.set_final_size(2 * MEGABYTE)
            with pytest.raises(ResponseAborted):
                last.set_final_size(3 * MEGABYTE)
        another.set_final_size(2 * MEGABYTE)


def test_one_response_takes_at_most_one_share() -> None:
    for most in (MAX_RESPONSE_BYTES, MAX_EXPORT_BYTES):
        with ResponseMemory().reserve("me", most) as answer:
            answer.set_final_size(most)


def test_small_responses_are_never_refused_for_memory() -> None:
    with ResponseMemory(limit=0).reserve("me") as small:
        small.add(RESERVATION_STEP_BYTES)
        small.set_final_size(RESERVATION_STEP_BYTES)


def test_an_export_may_be_larger_but_only_as_the_only_field() -> None:
    def limit(query: str) -> int:
        [operation] = parse(query).definitions
        assert isinstance(operation, OperationDefinitionNode)
        return response_limit(operation, {})

    assert limit("{ exportBundle }") == MAX_EXPORT_BYTES
    assert limit("{ a: exportBundle b: exportBundle }") == MAX_EXPORT_BYTES
    assert limit("{ exportBundle agents { edges { cursor } } }") == MAX_RESPONSE_BYTES


def test_an_update_that_is_too_large_is_reported_as_an_error() -> None:
    text = encode_update(ExecutionResult({"a": "x" * MAX_RESPONSE_BYTES}, None))
    answer = json.loads(text)
    assert (answer["data"], code_of(answer)) == (None, ANSWER_TOO_LARGE)


@strawberry.type
class Line:
    text: str

    __hash__ = object.__hash__

    @strawberry.field
    async def later(self) -> str:
        return self.text

    @strawberry.field
    def words(self) -> list[str]:
        return [self.text]


made: list[int] = []


@strawberry.type
class Query:
    @strawberry.field
    def lines(self, count: int) -> list[Line]:
        return [Line(text="x" * 1024) for _ in range(count)]

    @strawberry.field
    def line(self, n: int) -> Line | None:
        made.append(n)
        return Line(text="x" * MEGABYTE)


written: list[int] = []


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, megabytes: int) -> Line:
        written.append(megabytes)
        return Line(text="x" * (megabytes * MEGABYTE))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def large(self) -> AsyncIterator[Line]:
        yield Line(text="x" * (6 * MEGABYTE))

    @strawberry.subscription
    async def several(self) -> AsyncIterator[Line]:
        for _ in range(5):
            yield Line(text="x" * (4 * MEGABYTE))

    @strawberry.subscription
    async def calls(self) -> AsyncIterator[Line]:
        """Its updates are shared by all subscribers."""
        yield Line(text="x" * (6 * MEGABYTE))


def large_schema(extensions: Sequence[Callable[[], SchemaExtension]]) -> strawberry.Schema:
    schema = strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        execution_context_class=ExecutionContext,
        extensions=list(extensions),
    )
    add_readers(schema._schema)
    return schema


async def test_the_limit_applies_to_each_update_of_a_subscription_separately() -> None:
    results = await large_schema([]).stream("subscription { several { text } }")
    updates = [result async for result in results if isinstance(result, Result)]
    assert [update.errors for update in updates] == [None] * 5


@pytest.mark.parametrize("field", ["text", "later", "words"])
async def test_all_text_is_counted(field: str) -> None:
    schema = strawberry.Schema(Query, execution_context_class=ExecutionContext)
    add_readers(schema._schema)
    query = f"{{ lines(count: 200) {{ {field} }} }}"
    with measure_response(ResponseSize(100 * 1024)):
        few = await schema.execute(query.replace("200", "50"))
        assert few.errors is None
    with measure_response(ResponseSize(100 * 1024)):
        assert aborted_by((await schema.execute(query)).errors)


@pytest.mark.parametrize("letter", ["x", "\x01", "\n", "\u00fc", "\U0001f600"])
def test_text_is_counted_at_its_encoded_size(letter: str) -> None:
    assert leaf_bytes(letter * 1_000) == len(encode(letter * 1_000))


async def test_resolution_stops_once_a_response_is_too_large() -> None:
    schema = strawberry.Schema(Query, execution_context_class=ExecutionContext)
    add_readers(schema._schema)
    lines = " ".join(f"l{n}: line(n: {n}) {{ text }}" for n in range(100))
    made.clear()
    with measure_response(ResponseSize(10 * MEGABYTE)):
        assert aborted_by((await schema.execute(f"{{ {lines} }}")).errors)
    assert len(made) <= 12
