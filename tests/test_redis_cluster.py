"""Rate limits on a Redis Cluster of three nodes, each on a port of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.errors import InvalidSetting
from local import valkey
from local.home import free_port, private_dir, write_private
from persistence.channels import Channels, Lagged, RedisBackend
from persistence.limiter import RedisLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

NODES, SLOTS = 3, 16_384
PATIENCE = 20.0
PASSWORD = "one-for-all-nodes"


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[str]]:
    """The URLs of the nodes, which share all slots among them."""
    place = tmp_path_factory.mktemp("cluster")
    async with AsyncExitStack() as stack:
        buses = [str(free_port()) for _ in range(NODES)]
        urls = []
        for number, bus in enumerate(buses):
            options = {"cluster-enabled": "yes", "cluster-port": bus}
            name = f"node-{number}"
            write_private(private_dir(place / name) / "password", PASSWORD)
            server = await stack.enter_async_context(
                valkey.started(place, name=name, durable=False, options=options)
            )
            urls.append(server.url)
        await join(urls, buses)
        yield urls


async def join(urls: list[str], buses: list[str]) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(Redis.from_url(url)) for url in urls]
        for number, node in enumerate(nodes):
            first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
            await command(node, "CLUSTER ADDSLOTSRANGE", first, last)
            port = urls[number].rsplit(":", 1)[1]
            await command(nodes[0], "CLUSTER MEET", "127.0.0.1", port, buses[number])
        async with asyncio.timeout(60):
            while not all([await is_whole(node) for node in nodes]):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def command(node: Redis, *words: str | int) -> Any:
    # redis-py does not type it.
    send: Any = node.execute_command
    return await send(*words)


async def is_whole(node: Redis) -> bool:
    told = await command(node, "CLUSTER INFO")
    return (told["cluster_state"], told["cluster_known_nodes"]) == ("ok", str(NODES))


def as_cluster(url: str) -> str:
    return url.replace("redis://", "redis+cluster://")


async def test_two_processes_share_one_limit_wherever_its_key_lies(cluster: list[str]) -> None:
    one = RedisLimiter(as_cluster(cluster[0]), PATIENCE)
    other = RedisLimiter(as_cluster(cluster[1]), PATIENCE)
    for _ in range(12):  # keys of every node
        key = secrets.token_hex(8)
        answers = await asyncio.gather(
            *(limiter.spend(key, 1, 60) for limiter in (one, other) for _ in range(60))
        )
        assert 60 <= sum(answer.allowed for answer in answers) <= 61
    await one.aclose()
    await other.aclose()


async def test_a_url_that_hides_the_cluster_is_named_with_its_remedy(
    cluster: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    limiter = RedisLimiter(cluster[0], PATIENCE)
    with caplog.at_level(logging.WARNING):
        for _ in range(30):
            assert (await limiter.spend(secrets.token_hex(8), 1, 60)).allowed
    await limiter.aclose()
    [said] = [record for record in caplog.records if record.name == "persistence.limiter"]
    assert said.levelname == "ERROR"
    assert "redis+cluster://" in said.getMessage()


async def test_hints_cross_the_nodes(cluster: list[str]) -> None:
    here = Channels(RedisBackend(as_cluster(cluster[0])), lambda channel, message: message)
    there = Channels(RedisBackend(as_cluster(cluster[1])), lambda channel, message: message)
    await here.connect()
    await there.connect()
    async with asyncio.timeout(60), there.listen("studio:test") as box:
        heard: str | Lagged = ""
        while heard != "hello":
            await here.publish_many([("studio:test", "hello")])
            heard = await box.get()
    await here.disconnect()
    await there.disconnect()


def test_a_url_of_another_kind_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidSetting, match=r"REDIS_URL must begin with .*redis\+cluster://"):
        RedisLimiter("redis+sentinel://127.0.0.1:26379")
