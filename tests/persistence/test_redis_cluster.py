"""Rate limits on a Redis Cluster of three nodes, each on a port of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.common.errors import InvalidSetting
from local import valkey
from local.private_files import free_port, private_dir, write_private
from local.server import Server
from persistence.pubsub import Channels, Lagged, RedisBackend
from persistence.rate_limiter import RedisRateLimiter
from tests.persistence.test_redis_outages import at_once, hanging
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

NODES, SLOTS = 3, 16_384
TIMEOUT_SECONDS = 20.0
PASSWORD = "one-for-all-nodes"


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Server]]:
    """The nodes, which share all slots."""
    place = tmp_path_factory.mktemp("cluster")
    async with AsyncExitStack() as stack:
        buses = [str(free_port()) for _ in range(NODES)]
        nodes = []
        for number, bus in enumerate(buses):
            options = {"cluster-enabled": "yes", "cluster-port": bus}
            name = f"node-{number}"
            write_private(private_dir(place / name) / "password", PASSWORD)
            server = await stack.enter_async_context(
                valkey.started(place, name=name, durable=False, options=options)
            )
            nodes.append(server)
        await join([node.url for node in nodes], buses)
        yield nodes


async def join(urls: list[str], buses: list[str]) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(Redis.from_url(url)) for url in urls]
        for number, node in enumerate(nodes):
            first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
            await cluster_command(node, "ADDSLOTSRANGE", first, last)
            port = urls[number].rsplit(":", 1)[1]
            await cluster_command(nodes[0], "MEET", "127.0.0.1", port, buses[number])
        async with asyncio.timeout(60):
            while not all([await is_whole(node) for node in nodes]):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def cluster_command(node: Any, name: str, *given: object) -> Any:
    return await node.execute_command(f"CLUSTER {name}", *given)


async def is_whole(node: Redis) -> bool:
    reported = await cluster_command(node, "INFO")
    return (reported["cluster_state"], reported["cluster_known_nodes"]) == ("ok", str(NODES))


def as_cluster(url: str) -> str:
    return url.replace("redis://", "redis+cluster://")


async def test_two_processes_share_one_limit_on_any_node(cluster: list[Server]) -> None:
    one = RedisRateLimiter(as_cluster(cluster[0].url), TIMEOUT_SECONDS)
    other = RedisRateLimiter(as_cluster(cluster[1].url), TIMEOUT_SECONDS)
    for _ in range(12):  # keys of every node
        key = secrets.token_hex(8)
        began = time.monotonic()
        answers = await asyncio.gather(
            *(limiter.spend(key, 1, 60) for limiter in (one, other) for _ in range(60))
        )
        # One more unit is available each second.
        assert 60 <= sum(answer.allowed for answer in answers) <= 61 + time.monotonic() - began
    await one.aclose()
    await other.aclose()


async def test_a_plain_url_of_a_cluster_node_is_logged_with_its_remedy(
    cluster: list[Server], caplog: pytest.LogCaptureFixture
) -> None:
    limiter = RedisRateLimiter(cluster[0].url, TIMEOUT_SECONDS)
    with caplog.at_level(logging.WARNING):
        for _ in range(30):
            assert (await limiter.spend(secrets.token_hex(8), 1, 60)).allowed
    await limiter.aclose()
    [said] = [record for record in caplog.records if record.name == "persistence.rate_limiter"]
    assert said.levelname == "ERROR"
    assert "redis+cluster://" in said.getMessage()


async def test_one_hanging_node_delays_nothing(
    cluster: list[Server], caplog: pytest.LogCaptureFixture
) -> None:
    limiter = RedisRateLimiter(as_cluster(cluster[0].url), timeout=1.0)
    with caplog.at_level(logging.WARNING, "persistence.rate_limiter"):
        async with hanging(cluster[1]):
            async with asyncio.timeout(60):
                while not caplog.records:
                    await limiter.spend(secrets.token_hex(8), 1, 60)
                    await asyncio.sleep(0.01)
            for _ in range(60):
                at_once(limiter.spend(secrets.token_hex(8), 1, 60))
                await asyncio.sleep(0.02)
        await until(lambda: len(caplog.records) == 2)
    await limiter.aclose()
    said = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert said == ["redis is unavailable", "redis is available again"]


async def test_notifications_pass_through_all_nodes(cluster: list[Server]) -> None:
    here = Channels(RedisBackend(as_cluster(cluster[0].url)), lambda channel, message: message)
    there = Channels(RedisBackend(as_cluster(cluster[1].url)), lambda channel, message: message)
    await here.connect()
    await there.connect()
    async with asyncio.timeout(60), there.listen("studio:test") as box:
        heard: str | Lagged = ""
        while heard != "hello":
            await here.publish_many([("studio:test", "hello")])
            heard = await box.get()
    await here.disconnect()
    await there.disconnect()


def test_an_unknown_url_scheme_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"REDIS_URL must start with .*redis\+cluster://"):
        RedisRateLimiter("redis+sentinel://127.0.0.1:26379")
