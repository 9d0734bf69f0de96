"""Third-party clients against an API process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.workflows import create_workflow
from domain.workflows.model import Node, WorkflowSpec
from local.private_files import free_port
from resolvers.global_ids import global_id
from tests.support.api_server import Api, create_api_key
from tests.support.demo_workflow import publish_clinic
from tests.support.log_writer import CallWriter, writing_call
from tests.support.processes import running_process, until_answers

pytestmark = pytest.mark.anyio

REAL, TOY = "graph.app", "tests.support.toy_app"
NODE = "id key agentName isEntry isExit"
WORKFLOWS = f"""query {{ workflows {{ edges {{ node {{ id slug graph {{ nodes {{ {NODE} }} }}
  nodes {{ key agent isEntry isExit }} published {{ id graph {{ nodes {{ {NODE} }} }} }} }} }} }} }}"""


@asynccontextmanager
async def api_process(
    settings: Settings, port: int, module: str = REAL, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "API_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        **more,
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)
    try:
        await until_answers(f"http://127.0.0.1:{port}/health/ready")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def node(*command: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return running_process("node", *command, stdout=subprocess.PIPE, limit=1 << 20)


async def test_every_audit_of_graphql_over_http_passes(
    js_packages: Path, settings: Settings, viewer: Viewer
) -> None:
    port = free_port()
    async with api_process(settings, port):
        url, key = f"http://127.0.0.1:{port}/graphql", await create_api_key(settings, viewer)
        async with node(str(js_packages / "audit.mjs"), url, key) as process:
            output, _ = await process.communicate()
    results: list[dict[str, Any]] = json.loads(output)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61


async def test_a_normalizing_cache_keeps_the_nodes_of_two_workflows_apart(
    js_packages: Path, services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    nodes = (
        Node(id="booking", agent="reception", is_entry=True),
        Node(id="reception", agent="booking", is_exit=True),
    )
    await create_workflow(services, viewer, WorkflowSpec(name="annex", nodes=nodes))
    port = free_port()
    async with api_process(settings, port):
        url, key = f"http://127.0.0.1:{port}/graphql", await create_api_key(settings, viewer)
        async with node(str(js_packages / "apollo.mjs"), url, key, WORKFLOWS) as process:
            output, _ = await process.communicate()
    result: dict[str, Any] = json.loads(output)
    workflows = [edge["node"] for edge in result["data"]["workflows"]["edges"]]
    assert [each["slug"] for each in workflows] == ["annex", "clinic"]
    keys = [[node["key"] for node in each["graph"]["nodes"]] for each in workflows]
    assert keys == [["booking", "reception"], ["reception", "booking"]]
    assert result["cached"] == result["data"]
    # Two nodes of each draft, and two of the version.
    assert len([key for key in result["keys"] if key.startswith("GraphNode:")]) == 6


async def test_a_client_follows_a_call_across_a_crash_of_the_api(
    js_packages: Path, services: Services, settings: Settings, viewer: Viewer
) -> None:
    port = free_port()
    key = await create_api_key(settings, viewer)
    async with writing_call(services, settings, viewer) as writer:
        url, call_id = f"ws://127.0.0.1:{port}/graphql", global_id("Call", writer.call_id)
        async with node(str(js_packages / "follow.mjs"), url, key, call_id) as follower:
            assert follower.stdout is not None
            talking = asyncio.create_task(talk(writer))
            for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                async with api_process(settings, port) as api:
                    await asyncio.sleep(0.7)
                    api.send_signal(end)
                    await api.wait()
            async with api_process(settings, port):
                await talking
                await writer.end()
                async with asyncio.timeout(60):
                    output = await follower.stdout.read()
        log = list(await writer.worker.queue.log_page(writer.claim.call, 0, 10_000))
    *numbers, last = output.decode().split()
    assert last == "complete"
    assert len(log) > 300
    assert [int(number) for number in numbers] == [event.seq for event in log]


async def test_a_stopping_process_asks_clients_to_reconnect(
    settings: Settings, viewer: Viewer
) -> None:
    port = free_port()
    async with api_process(settings, port, TOY) as api:
        key = await create_api_key(settings, viewer)
        running = Api(
            url=f"http://127.0.0.1:{port}", token="", key=key, http=httpx.AsyncClient(timeout=60)
        )
        async with running.http, running.socket({}) as socket_:
            await socket_.send(type="connection_init", payload={"apiKey": key})
            await socket_.receive()
            await socket_.subscribe("a", "subscription{ticks(every:3600)}")
            await socket_.receive()
            api.send_signal(signal.SIGTERM)
            assert (await socket_.wait_closed())[0] == 1012
            async with asyncio.timeout(60):  # its client would be there for an hour
                await api.wait()


async def test_a_stopping_process_serves_until_load_balancers_have_noticed(
    settings: Settings, viewer: Viewer
) -> None:
    port = free_port()
    async with api_process(settings, port, TOY, LAME_DUCK_SECONDS="300") as process:
        key, url = await create_api_key(settings, viewer), f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}, timeout=60) as http:
            api = Api(url=url, token="", key=key, http=http)
            init = {"type": "connection_init", "payload": {"apiKey": key}}
            async with api.socket({}) as before:
                await before.send(**init)
                await before.receive()
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(60):
                    while (ready := await http.get("/health/ready")).status_code == 200:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                assert (ready.status_code, ready.json()["stopping"]) == (503, True)
                answer = await http.post("/graphql", json={"query": "{hello}"})
                assert answer.json()["data"] == {"hello": "hello you"}
                async with api.socket({}) as after:
                    await after.send(**init)
                    assert (await after.receive())["type"] == "connection_ack"
                await before.send(type="ping")
                assert await before.receive() == {"type": "pong"}
                process.send_signal(signal.SIGTERM)
                assert (await before.wait_closed())[0] == 1012
        async with asyncio.timeout(60):
            await process.wait()


async def talk(writer: CallWriter) -> None:
    for n in range(400):
        await writer.write_turns(f"sentence {n}")
        await asyncio.sleep(0.01)
