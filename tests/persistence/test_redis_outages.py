"""Redis that hangs, dies or sends garbage delays no one and ends nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task, cancel_and_wait
from local import valkey
from local.server import Server
from persistence.outbox import Outbox
from persistence.pubsub import Channels, Lagged, RedisBackend
from persistence.rate_limiter import RedisRateLimiter
from persistence.wiring import api_services
from tests.persistence.test_streams import complete, follow
from tests.support.log_writer import writing_call
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

T = TypeVar("T")
TURNS = 60


def at_once(asked: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        asked.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    asked.close()
    raise AssertionError("it waits")


@asynccontextmanager
async def hanging(server: Server) -> AsyncIterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@asynccontextmanager
async def channels_on(url: str) -> AsyncIterator[Channels[str]]:
    backend = RedisBackend(url, flush_seconds=30)
    channels = Channels(backend, lambda channel, message: message, mailbox_size=10_000)
    await channels.connect()
    try:
        yield channels
    finally:
        await channels.disconnect()


async def test_a_hanging_redis_delays_no_turn_and_no_subscriber(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    async with valkey.started(tmp_path) as server:
        own = replace(settings, redis_url=server.url)
        async with api_services(own) as services, writing_call(services, own, viewer) as writer:
            watching = asyncio.create_task(follow(services, writer))
            await writer.write_turns("before")
            async with hanging(server):
                # If each waited half a second for Redis, this would take two and a half minutes.
                async with asyncio.timeout(75):
                    for number in range(5 * TURNS):
                        await writer.write_turns(str(number))
                async with asyncio.timeout(60):
                    while (await services.ready())["redis"]:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            await writer.end()
            events = await watching
    assert complete(events)


async def test_an_outage_and_its_end_are_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with valkey.started(tmp_path) as server, channels_on(server.url) as channels:
        await until(lambda: channels.is_connected)
        with caplog.at_level(logging.WARNING, "persistence.pubsub"):
            await server.kill()
            await until(lambda: not channels.is_connected)
            for _ in range(50):
                at_once(channels.publish_many([("studio:test", "dropped")]))
            await asyncio.sleep(2)  # it retries several times meanwhile
            await server.start()
            await until(lambda: channels.is_connected)
    said = [(r.getMessage().split(":")[0], vars(r).get("hints_dropped")) for r in caplog.records]
    assert said == [("redis is unavailable", None), ("redis is available again", 50)]


async def test_a_redis_that_refuses_notifications_is_unavailable_until_it_accepts_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        valkey.started(tmp_path) as server,
        Redis.from_url(server.url) as redis,
        channels_on(server.url) as channels,
    ):
        await until(lambda: channels.is_connected)
        with caplog.at_level(logging.WARNING, "persistence.pubsub"):
            await redis.client_pause(60_000, all=False)  # PUBLISH waits, SUBSCRIBE does not
            for _ in range(100):
                await channels.publish_many([("studio:test", "dropped")])
                await asyncio.sleep(0.05)
            assert not channels.is_connected
            await redis.client_unpause()
            await until(lambda: channels.is_connected)
    said = [record.getMessage().split(":")[0] for record in caplog.records]
    assert said == ["redis is unavailable", "redis is available again"]


async def test_notifications_before_a_shutdown_are_delivered_in_order(
    servers: tuple[str, str],
) -> None:
    reported = [str(number) for number in range(2_000)]
    async with channels_on(servers[1]) as here, here.listen("studio:shutdown") as box:
        assert isinstance(await box.get(), Lagged)  # it is connected
        async with channels_on(servers[1]) as leaving:
            at_once(leaving.publish_many([("studio:shutdown", number) for number in reported]))
        async with asyncio.timeout(60):
            heard = [await box.get() for _ in reported]
    assert heard == reported


async def test_a_full_outbox_drops_the_oldest_notifications(servers: tuple[str, str]) -> None:
    async with channels_on(servers[1]) as here, here.listen("studio:full") as box:
        assert isinstance(await box.get(), Lagged)
        async with Redis.from_url(servers[1]) as redis:
            outbox = Outbox(redis, on_failure=lambda: None, max_queued=10)
            outbox.put(("studio:full", str(number)) for number in range(30))
            async with background_task(outbox.run_sender()), asyncio.timeout(60):
                heard = [await box.get() for _ in range(10)]
    assert heard == [str(number) for number in range(20, 30)]
    assert outbox.take_dropped_count() == 20


async def test_limits_cause_no_delay_while_redis_hangs_and_are_shared_again_afterwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with valkey.started(tmp_path) as server:
        here, there = RedisRateLimiter(server.url, timeout=1.0), RedisRateLimiter(server.url, 30)
        assert (await here.spend("key", 1, 60)).remaining == 59
        with caplog.at_level(logging.WARNING, "persistence.rate_limiter"):
            async with hanging(server):
                await here.spend("key", 1, 60)  # finds out
                # Longer than a limiter used to remember it.
                later = time.monotonic() + 3
                while time.monotonic() < later:
                    at_once(here.spend("other", 1, 10**6))
                    await asyncio.sleep(0.02)
            async with asyncio.timeout(60):
                while (await there.spend("shared", 0, 60)).remaining == 60:
                    await here.spend("shared", 1, 60)
                    await asyncio.sleep(0.05)
        await here.aclose()
        await there.aclose()
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "redis is unavailable",
        "redis is available again",
    ]


class FaultyProxy:
    """A TCP proxy in front of Redis that can inject invalid replies."""

    def __init__(self, url: str) -> None:
        self._redis = urlsplit(url)
        self._clients: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._connected, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield f"redis://:{self._redis.password}@127.0.0.1:{port}"
            await cancel_and_wait(*self._connections)

    def inject(self) -> None:
        """Send text in place of a number: redis-py raises `ValueError`, not one of its own errors."""
        for client in self._clients:
            client.write(b":nonsense\r\n")

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(writer.close)
            there, back = await asyncio.open_connection("127.0.0.1", self._redis.port)
            stack.callback(back.close)
            self._clients.add(writer)
            stack.callback(self._clients.discard, writer)
            ways = [
                asyncio.create_task(_pour(reader, back)),
                asyncio.create_task(_pour(there, writer)),
            ]
            stack.push_async_callback(cancel_and_wait, *ways)
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def test_no_reply_of_redis_ends_a_stream_an_event_writer_or_a_request(
    settings: Settings, viewer: Viewer
) -> None:
    nonsense = FaultyProxy(settings.redis_url)
    async with nonsense.serving() as url:
        own = replace(settings, redis_url=url)
        async with api_services(own) as services, writing_call(services, own, viewer) as writer:
            watching = [asyncio.create_task(follow(services, writer))]
            async with asyncio.timeout(60):
                for number in range(TURNS):
                    nonsense.inject()
                    await writer.write_turns(str(number))
                    assert (await services.limiter.spend(str(number), 1, 60)).allowed
                    if number % 10 == 0:
                        watching.append(asyncio.create_task(follow(services, writer)))
                await writer.end()
                streams = await asyncio.gather(*watching)
    assert all(complete(events) for events in streams)
