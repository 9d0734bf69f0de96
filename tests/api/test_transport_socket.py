"""GraphQL over WebSocket: the protocol, rejections and close codes as clients see them."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from persistence.wiring import api_services
from tests.support.api_server import Api, Socket, running_api

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    allowed = replace(settings, allowed_origins="https://dash.example")
    async with running_api(services, allowed, viewer) as running:
        yield running


async def receive_messages(socket: Socket, count: int) -> list[Any]:
    return [await socket.receive() for _ in range(count)]


async def test_queries_mutations_and_subscriptions_run(api: Api) -> None:
    async with api.socket() as socket:
        await socket.subscribe("a", "{hello}")
        assert await receive_messages(socket, 2) == [
            {
                "type": "next",
                "id": "a",
                "payload": {
                    "data": {"hello": "hello you"},
                    "extensions": {
                        "cost": {"requested": 0},
                        "rateLimit": {
                            "limit": 600,
                            "remaining": 599,
                            "resetSeconds": 1,
                            "scope": "user",
                        },
                    },
                },
            },
            {"type": "complete", "id": "a"},
        ]
        await socket.subscribe("a", "subscription($n: Int!) {ticks(most: $n)}", n=2)
        assert await receive_messages(socket, 3) == [
            {"type": "next", "id": "a", "payload": {"data": {"ticks": 0}}},
            {"type": "next", "id": "a", "payload": {"data": {"ticks": 1}}},
            {"type": "complete", "id": "a"},
        ]
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


async def test_an_operation_that_cannot_run_yields_an_error_and_the_socket_stays_open(
    api: Api,
) -> None:
    async with api.socket() as socket:
        for document, code in (
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{nope}", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription($a:Int!){ticks(most:$a)}", "BAD_USER_INPUT"),
            ("query A{hello} query B{hello}", "BAD_REQUEST"),
            ("", "BAD_REQUEST"),
        ):
            await socket.subscribe("a", document)
            answer = await socket.receive()
            assert (answer["type"], answer["id"]) == ("error", "a")
            assert answer["payload"][0]["extensions"]["code"] == code
        await socket.subscribe("a", "subscription{breaks}")
        first, second, last = await receive_messages(socket, 3)
        assert first["payload"] == {"data": {"breaks": 1}}
        assert second["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert "secret" not in json.dumps(second)
        assert last == {"type": "complete", "id": "a"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type":"subscribe","id":"1","payload":{"query":"{hello}"}}'], 4401),
        (['{"type":"connection_init"}'], 4401),
        (['{"type":"connection_init","payload":{"authorization":"Bearer nonsense"}}'], 4401),
        (['{"type":"connection_init","payload":7}'], 4400),
        (["INIT", "INIT"], 4429),
        (["INIT", "{"], 4400),
        (["INIT", "[]"], 4400),
        (["INIT", '{"type":"what"}'], 4400),
        (["INIT", '{"type":"subscribe","id":7}'], 4400),
        (["INIT", "TICK", "TICK"], 4409),
        (["INIT", b"{}"], 4400),
        (["INIT", '{"a":"' + "x" * 65_536 + '"}'], 1009),
    ],
)
async def test_a_protocol_violation_closes_the_socket(
    api: Api, messages: list[Any], code: int
) -> None:
    init = json.dumps({"type": "connection_init", "payload": {"apiKey": api.key}})
    tick = {"query": "subscription{ticks(every:1)}"}
    short = {"INIT": init, "TICK": json.dumps({"type": "subscribe", "id": "1", "payload": tick})}
    async with api.socket({}) as socket:
        for message in messages:
            await socket.raw.send(short.get(message, message))
        assert (await socket.wait_closed())[0] == code


async def test_other_protocols_and_origins_are_refused(api: Api) -> None:
    async with api.socket({}, subprotocols=["graphql-ws"]) as socket:
        assert (await socket.wait_closed())[0] == 4406
    with pytest.raises(InvalidStatus) as refused:
        async with api.socket({}, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    for origin in (api.url, "https://dash.example"):
        async with api.socket(origin=origin):
            pass


async def test_a_credential_in_the_handshake_is_accepted(api: Api) -> None:
    async with api.socket({}, additional_headers={"x-api-key": api.key}) as socket:
        await socket.send(type="connection_init")
        assert await socket.receive() == {"type": "connection_ack"}


async def test_a_socket_without_connection_init_is_closed(api: Api) -> None:
    async with api.socket({}) as socket:
        assert await socket.wait_closed() == (4408, "Connection initialisation timeout")


async def test_a_hundred_operations_run_on_one_connection(api: Api) -> None:
    async with api.socket() as socket:
        for n in range(101):
            await socket.subscribe(str(n), "subscription{ticks(every:60)}")
        answers = await receive_messages(socket, 101)
        [refused] = [answer for answer in answers if answer["type"] == "error"]
        [error] = refused["payload"]
        assert error["extensions"] == {
            "code": "TOO_MANY_OPERATIONS",
            "limit": 100,
            "docs": "/docs/api#too_many_operations",
        }
        await socket.send(type="complete", id="0")
        await socket.subscribe("0", "{hello}")
        assert (await socket.receive())["id"] == "0"


async def test_a_subscription_that_fails_as_its_client_leaves_is_not_reported(
    api: Api,
) -> None:
    async with api.socket() as socket:
        for id in ("a", "b", "c"):
            await socket.subscribe(id, "subscription{breaksOnLeaving}")
            assert (await socket.receive())["payload"] == {"data": {"breaksOnLeaving": 1}}
            await socket.send(type="complete", id=id)
            await socket.subscribe("other", "subscription{ticks}")
            messages = [await socket.receive() for _ in range(4)]
            assert [message["id"] for message in messages] == ["other"] * 4


async def test_an_expired_token_ends_the_operations_then_the_socket(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with (
        api_services(replace(settings, access_token_seconds=5)) as brief,
        running_api(brief, settings, viewer) as api,
    ):
        async with api.socket() as socket:
            await socket.subscribe("a", "subscription{ticks(every:60)}")
            await socket.receive()
            assert await socket.wait_closed() == (4403, "Token expired")
        async with api.socket({}) as socket:
            await socket.send(
                type="connection_init", payload={"authorization": f"Bearer {api.token}"}
            )
            assert await socket.wait_closed() == (4403, "Token expired")


async def test_a_connection_with_a_revoked_key_is_closed(api: Api, settings: Settings) -> None:
    async with api.socket({}) as socket:
        await socket.send(type="connection_init", payload={"apiKey": api.key})
        await socket.receive()
        await asyncio.sleep(1.5)
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        db = await asyncpg.connect(settings.database_url)
        await db.execute("update api_key set revoked_at = now()")
        await db.close()
        assert await socket.wait_closed() == (4401, "Unauthorized")


async def test_request_limits_apply_to_websockets(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, requests_per_minute=3)
    async with running_api(services, few, viewer) as api, api.socket() as socket:
        kinds = []
        for n in range(4):
            await socket.subscribe(str(n), "{hello}")
            answer = await socket.receive()
            kinds.append(answer["type"])
            if answer["type"] == "next":
                await socket.receive()
        assert kinds == ["next", "next", "next", "error"]
        assert answer["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert 0 < answer["payload"][0]["extensions"]["retryAfter"] <= 20


async def test_a_client_that_does_not_read_is_disconnected(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    stalled = await stalled_socket(api, "subscription{flood}")
    async with api.socket() as lively:
        with caplog.at_level(logging.INFO, "graph.access"):
            async with asyncio.timeout(60):
                while not (codes := [vars(r).get("code") for r in caplog.records]):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert codes == [1013]
        await lively.subscribe("a", "{hello}")
        assert (await lively.receive())["type"] == "next"
    stalled.close()


async def stalled_socket(api: Api, document: str) -> socket.socket:
    """Subscribes, then never reads again."""
    host, port = api.url.removeprefix("http://").split(":")
    raw = socket.create_connection((host, int(port)))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    protocol = ClientProtocol(
        parse_uri(f"ws://{host}:{port}/graphql"),
        subprotocols=[Subprotocol("graphql-transport-ws")],
    )
    protocol.send_request(protocol.connect())
    raw.sendall(b"".join(protocol.data_to_send()))
    protocol.receive_data(await asyncio.to_thread(raw.recv, 4096))
    for message in (
        {"type": "connection_init", "payload": {"apiKey": api.key}},
        {"type": "subscribe", "id": "1", "payload": {"query": document}},
    ):
        protocol.send_text(json.dumps(message).encode())
        raw.sendall(b"".join(protocol.data_to_send()))
        await asyncio.sleep(0.2)
    return raw
