"""Limits per connection, address, key and tenant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from graph.http.protocols import Bounds
from graph.requests.token_buckets import Rate, TokenBucket
from persistence.rate_limiter import RedisRateLimiter
from resolvers.global_ids import global_id
from tests.support.api_server import Api, running_api
from tests.support.log_writer import writing_call
from tests.support.toy_schema import may_end

pytestmark = pytest.mark.anyio

PING = b'{"type":"ping"}'
NEVER = Rate(per_second=0.001, burst=50)
SHORT_DEADLINES = Bounds(header_seconds=1.0, body_seconds=1.0)


@pytest.fixture
async def services(services: Services, settings: Settings) -> AsyncIterator[Services]:
    """Services whose limits hold on a busy machine, where Redis is slow."""
    limiter = RedisRateLimiter(settings.redis_url, timeout=10.0)
    yield replace(services, limiter=limiter)
    await limiter.aclose()


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(services, settings, viewer) as running:
        yield running


def test_a_token_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(Rate(per_second=10, burst=3), 0.0)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1, 0.15) for _ in range(2)] == [True, False]
    assert [bucket.take(3, 60.0), bucket.take(1, 60.0)] == [True, False]


# ---- floods on a WebSocket -----------------------------------------------------------------


async def raw_socket(api: Api) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, ClientProtocol]:
    """An open socket on which nothing was sent."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    protocol = ClientProtocol(
        parse_uri(f"ws://{host}:{port}/graphql"),
        subprotocols=[Subprotocol("graphql-transport-ws")],
    )
    protocol.send_request(protocol.connect())
    writer.write(b"".join(protocol.data_to_send()))
    protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
    return reader, writer, protocol


def answers_in(protocol: ClientProtocol, data: bytes) -> int:
    protocol.receive_data(data)
    return sum(isinstance(event, Frame) for event in protocol.events_received())


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(Opcode.TEXT, PING), (Opcode.PING, b""), (Opcode.TEXT, b'{"type":"pong"}')],
)
async def test_a_message_flood_is_aborted(
    services: Services, settings: Settings, viewer: Viewer, opcode: Opcode, payload: bytes
) -> None:
    async with running_api(services, settings, viewer, bounds=Bounds(messages=NEVER)) as api:
        reader, writer, protocol = await raw_socket(api)
        flood = b"".join(Frame(opcode, payload).serialize(mask=True) for _ in range(5_000))
        heard = 0
        with contextlib.suppress(ConnectionError):
            writer.write(flood)
            async with asyncio.timeout(60):
                while data := await reader.read(65_536):
                    heard += answers_in(protocol, data)
        assert heard <= 50
        writer.close()
        assert (await api.execute("{hello}"))["data"] == {"hello": "hello you"}


async def test_a_byte_flood_is_aborted_too(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = Bounds(bytes=Rate(per_second=0.001, burst=100_000))
    async with running_api(services, settings, viewer, bounds=few) as api, api.socket() as socket:
        with contextlib.suppress(Exception):
            for _ in range(4):
                await socket.raw.send('{"type":"pong","payload":"' + "x" * 40_000 + '"}')
        assert (await socket.wait_closed())[0] == 1006


async def test_ordinary_clients_stay_below_the_limits(api: Api) -> None:
    async with api.socket() as socket:
        for n in range(100):
            document = f"subscription {{ ticks(every: 60) }} #{' ' * 1_500}{n}"
            await socket.subscribe(str(n), document)
        assert {(await socket.receive())["type"] for _ in range(100)} == {"next"}
        await socket.send(type="ping", payload="x" * 65_000)
        assert (await socket.receive())["type"] == "pong"


# ---- HTTP on a bare process ----------------------------------------------------------------


async def sent(api: Api, *parts: bytes) -> bytes:
    """Everything received until the process closes the connection; each part but the first is
    sent after the response to the previous one."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = b""
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            for part in parts[:-1]:
                writer.write(part)
                answer += await reader.readuntil(b"}")
            writer.write(parts[-1])
            while data := await reader.read(65_536):
                answer += data
    return answer


GET = b"GET /health/live HTTP/1.1\r\nhost: a\r\n"


async def test_a_connection_stays_open_after_a_body_that_is_too_large(api: Api) -> None:
    """Closing it with unread data would reset it, and the response could be lost."""
    size = 8_000_000
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    large = head + b"content-length: %d\r\n\r\n" % size + b" " * size
    answer = await sent(api, large, GET + b"connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.count(b"HTTP/1.1 200") == 1


async def test_headers_are_limited_in_size_and_number(api: Api) -> None:
    fits = b"x: " + b"a" * 20_000 + b"\r\nconnection: close\r\n\r\n"
    assert (await sent(api, GET + fits)).startswith(b"HTTP/1.1 200")
    for too_large in (
        b"x: " + b"a" * 40_000,  # and no end
        b"x: " + b"a" * 60_000 + b"\r\n\r\n",
        b"".join(b"x%d: 1\r\n" % n for n in range(101)) + b"\r\n",
    ):
        assert (await sent(api, GET + too_large)).startswith(b"HTTP/1.1 431"), too_large[:20]
    long = b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n"
    assert (await sent(api, long)).startswith(b"HTTP/1.1 431")


CHUNKED = (
    b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
)


async def test_chunk_framing_is_limited_in_size(api: Api) -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"query":"{__typename}"}' + b" " * 20_000)
    fits = CHUNKED + body + b"0\r\nx: " + b"a" * 20_000 + b"\r\n\r\n"
    assert b'{"__typename":"Query"}' in await sent(api, fits)
    for endless in (
        body + b"0\r\nx: " + b"a" * 50_000,
        body + b"1;x=" + b"a" * 50_000,
        body + b"0" * 50_000,
    ):
        assert (await sent(api, CHUNKED + endless)).startswith(b"HTTP/1.1 431"), endless[-9:]


async def test_incomplete_requests_time_out(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with running_api(services, settings, viewer, bounds=SHORT_DEADLINES) as api:
        post = (
            "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            f"x-api-key: {api.key}\r\ncontent-length: 100\r\n\r\n"
        )
        assert await sent(api, b"") == b""
        assert (await sent(api, GET)).startswith(b"HTTP/1.1 408")
        assert (await sent(api, post.encode() + b'{"query":')).startswith(b"HTTP/1.1 408")
        # Line ends between two requests start no request and keep no connection open.
        answer = await sent(api, GET + b"\r\n", b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b'{"live":true}')
        assert (await api.execute("{hello}"))["data"] == {"hello": "hello you"}


async def test_pipelined_requests_are_limited(api: Api) -> None:
    few = await sent(api, (GET + b"\r\n") * 3 + GET + b"connection: close\r\n\r\n")
    assert few.count(b"HTTP/1.1 200") == 4
    many = await sent(api, (GET + b"\r\n") * 200)
    assert many.count(b"HTTP/1.1 200") < 200


# ---- how many at once ----------------------------------------------------------------------


def error_of(message: Any) -> Any:
    assert message["type"] == "error"
    return message["payload"][0]["extensions"]


async def test_websockets_are_limited_per_address(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = replace(settings, max_sockets_per_address=2)
    async with running_api(services, few, viewer) as api, api.socket():
        async with api.socket():
            with pytest.raises(InvalidStatus) as refused:
                async with api.socket():
                    pass
            assert refused.value.response.status_code == 429
            [error] = json.loads(refused.value.response.body or b"")["errors"]
            assert error["extensions"] == {
                "code": "TOO_MANY_SOCKETS",
                "limit": 2,
                "docs": "/docs/api#too_many_sockets",
            }
        await retry_until_accepted(api)
    # Refused clients cannot fill the log with errors.
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def retry_until_accepted(api: Api) -> None:
    """Retry until welcomed: a closed socket counts until the process notices."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(InvalidStatus):
                async with api.socket():
                    return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("of", ["key", "tenant"])
async def test_websockets_are_limited_per_key_and_tenant(
    services: Services, settings: Settings, viewer: Viewer, of: str
) -> None:
    few = {
        "key": replace(settings, max_sockets_per_key=1),
        "tenant": replace(settings, max_sockets_per_tenant=1),
    }[of]
    async with running_api(services, few, viewer) as api, api.socket(), api.socket({}) as second:
        payload = {"authorization": f"Bearer {api.token}"} if of == "key" else {"apiKey": api.key}
        await second.send(type="connection_init", payload=payload)
        code, reason = await second.wait_closed()
        assert code == 1013
        assert (reason or "").startswith("At most 1 WebSockets of one ")


async def test_an_evicted_connection_is_not_counted_while_its_operations_end(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, max_sockets_per_tenant=1)
    async with running_api(services, few, viewer) as api:
        async with api.socket() as socket:
            await socket.subscribe("a", "subscription{lingers}")
            assert (await socket.receive())["type"] == "next"
        db = await asyncpg.connect(settings.database_url)
        await db.execute("delete from refresh_token")
        await db.close()
        try:
            async with asyncio.timeout(60):
                while await full(api):  # noqa: ASYNC110 - it asks the server
                    await asyncio.sleep(0.1)
        finally:
            may_end.set()


async def full(api: Api) -> bool:
    async with api.socket({}) as socket:
        await socket.send(type="connection_init", payload={"apiKey": api.key})
        with contextlib.suppress(ConnectionClosed):
            await socket.receive()
            return False
    return True


@pytest.mark.parametrize("of", ["key", "tenant"])
async def test_subscriptions_are_limited_per_key_and_tenant(
    services: Services, settings: Settings, viewer: Viewer, of: str
) -> None:
    few = {
        "key": replace(settings, max_subscriptions_per_key=2),
        "tenant": replace(settings, max_subscriptions_per_tenant=2),
    }[of]
    async with running_api(services, few, viewer) as api, api.socket() as one, api.socket() as two:
        await one.subscribe("a", "subscription{ticks(every:60)}")
        await two.subscribe("a", "subscription{ticks(every:60)}")
        assert [(await socket.receive())["type"] for socket in (one, two)] == ["next", "next"]
        await two.subscribe("b", "subscription{ticks(every:60)}")
        assert error_of(await two.receive()) == {
            "code": "TOO_MANY_SUBSCRIPTIONS",
            "limit": 2,
            "docs": "/docs/api#too_many_subscriptions",
        }
        await one.send(type="complete", id="a")
        async with asyncio.timeout(60):
            while True:
                await two.subscribe("b", "subscription{ticks(every:60)}")
                if (await two.receive())["type"] == "next":
                    break


async def test_an_address_that_never_authenticates_its_websockets_is_limited(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, anonymous_requests_per_minute=3)
    async with running_api(services, few, viewer) as api:
        with pytest.raises(InvalidStatus) as refused:
            await open_and_close(api, 50)
        assert refused.value.response.status_code == 429
        assert b"RATE_LIMITED" in (refused.value.response.body or b"")


async def test_the_address_of_a_flood_is_limited(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, anonymous_requests_per_minute=10)
    async with running_api(services, few, viewer, bounds=Bounds(messages=NEVER)) as api:
        with pytest.raises(InvalidStatus) as refused:
            await flood(api, 20)
        assert refused.value.response.status_code == 429


async def flood(api: Api, times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(ConnectionClosed):
            async with api.socket() as socket:
                for _ in range(60):
                    await socket.send(type="pong")
                await socket.wait_closed()


async def open_and_close(api: Api, times: int) -> None:
    for _ in range(times):
        async with api.socket({}):
            pass


# ---- coming back ---------------------------------------------------------------------------

EVENTS = "subscription($c:ID!,$a:Cursor){callEvents(callId:$c,after:$a){...on CallEvent{cursor}}}"


async def test_a_thousand_subscriptions_of_one_key_reconnect_at_once(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with (
        writing_call(services, settings, viewer) as writer,
        running_api(services, settings, viewer, build_schema_with_loaders) as api,
    ):
        *_, newest = await writer.worker.queue.log_page(writer.claim.call, 0, 100)
        last = newest.cursor
        back: asyncio.Semaphore = asyncio.Semaphore(0)
        about = {"c": global_id("Call", writer.call_id), "a": last}
        clients = [asyncio.create_task(follow(api, about, back)) for _ in range(50)]
        async with asyncio.timeout(120):
            for _ in clients:
                await back.acquire()
            await writer.write_turns("still there?")
            followed = await asyncio.gather(*clients)
    assert sum(map(len, followed)) == 1_000


async def follow(api: Api, about: dict[str, str], back: asyncio.Semaphore) -> set[str]:
    """Subscribe as clients do: reconnect after a close, and never after an error."""
    heard: set[str] = set()
    while True:
        with contextlib.suppress(ConnectionClosed, InvalidStatus):
            async with api.socket({}, open_timeout=60) as socket:
                await socket.send(type="connection_init", payload={"apiKey": api.key})
                assert (await socket.receive())["type"] == "connection_ack"
                for n in range(20):
                    await socket.subscribe(str(n), EVENTS, **about)
                back.release()
                while len(heard) < 20:
                    message = json.loads(await socket.raw.recv())
                    assert message["type"] == "next", message
                    heard.add(message["id"])
                return heard


async def test_a_subscription_over_the_limit_waits(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, subscriptions_per_minute=60)
    async with running_api(services, few, viewer) as api, api.socket() as socket:
        for n in range(62):
            await socket.subscribe(str(n), "subscription{ticks(every:60)}")
        heard = [await socket.receive() for _ in range(62)]
        assert {message["type"] for message in heard} == {"next"}
        assert {message["id"] for message in heard} == {str(n) for n in range(62)}


async def test_too_long_a_wait_closes_the_websocket_instead_of_refusing(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, subscriptions_per_minute=2)
    async with running_api(services, few, viewer) as api, api.socket() as one, api.socket() as two:
        for n in range(2):
            await one.subscribe(str(n), "subscription{ticks(every:60)}")
        assert [(await one.receive())["type"] for _ in range(2)] == ["next", "next"]
        await one.subscribe("2", "subscription{ticks(every:60)}")
        await two.subscribe("a", "subscription{ticks(every:60)}")
        assert await two.wait_closed() == (1013, "RATE_LIMITED")
        # A further subscription does not end those that are being delivered.
        await one.send(type="ping")
        assert await one.receive() == {"type": "pong"}
        async with Redis.from_url(settings.redis_url) as redis:
            await redis.flushdb()
        assert (await one.receive())["type"] == "next"
