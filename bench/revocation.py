"""How soon a revoked API key is out, on HTTP and in the middle of a subscription, in another process than
the one that revoked it; with Redis, and without it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

import httpx
from websockets.exceptions import ConnectionClosed

from bench.harness.api import MeasuredApi, open_socket, running_api, subscribe
from bench.harness.benchmark import (
    Figure,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)

REVOCATIONS = 20
NO_REDIS = "redis://127.0.0.1:9"
FOLLOW = "subscription { calls { __typename } }"
VIEWER = "{ viewer { subject } }"
CREATE = """mutation { createApiKey(input: {name: "bench", role: "VIEWER"}) {
  ... on CreateApiKeySuccess { value apiKey { id } } } }"""
REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { __typename } }"


@dataclass(frozen=True, slots=True)
class Delays:
    """In milliseconds, from the response to the revocation."""

    of_socket: list[float] = field(default_factory=list)
    of_http: list[float] = field(default_factory=list)


async def execute(http: httpx.AsyncClient, document: str, **variables: str) -> httpx.Response:
    return await http.post("/graphql", json={"query": document, "variables": variables})


async def revoke_once(owner: httpx.AsyncClient, watched: MeasuredApi, delays: Delays) -> None:
    created = (await execute(owner, CREATE)).json()["data"]["createApiKey"]
    key, id = created["value"], created["apiKey"]["id"]
    theirs = MeasuredApi(watched.url, key, watched.process)
    headers = {"authorization": f"Bearer {key}"}
    async with (
        open_socket(theirs) as socket,
        httpx.AsyncClient(base_url=watched.url, headers=headers, timeout=60) as http,
    ):
        await subscribe(socket, "1", FOLLOW, {})
        await socket.recv()
        assert (await execute(http, VIEWER)).status_code == 200
        await execute(owner, REVOKE, id=id)
        revoked_at = time.perf_counter()

        async def until_closed() -> None:
            try:
                while True:
                    await socket.recv()
            except ConnectionClosed:
                delays.of_socket.append((time.perf_counter() - revoked_at) * 1000)

        async def until_refused() -> None:
            while (answer := await execute(http, VIEWER)).status_code == 200:
                pass
            assert answer.status_code == 401, answer.text
            delays.of_http.append((time.perf_counter() - revoked_at) * 1000)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(until_closed())
            tasks.create_task(until_refused())


async def main() -> None:
    figures = []
    async with installation() as settings:
        viewer = await new_owner(settings)
        async with running_api(settings, viewer.tenant_id) as first:
            headers = {"authorization": f"Bearer {first.token}"}
            async with httpx.AsyncClient(base_url=first.url, headers=headers, timeout=60) as owner:
                without = replace(settings, redis_url=NO_REDIS)
                for name, theirs in (("", settings), ("_without_redis", without)):
                    delays = Delays()
                    async with running_api(theirs, viewer.tenant_id) as watched:
                        for _ in range(REVOCATIONS):
                            await revoke_once(owner, watched, delays)
                    for way, values in (("socket", delays.of_socket), ("http", delays.of_http)):
                        figures += [
                            Figure(f"{way}{name}_p50_ms", percentile(values, 0.5)),
                            Figure(f"{way}{name}_max_ms", max(values), "< 1,000"),
                        ]
    report(f"revocation: {REVOCATIONS} API keys, two API processes", figures)


if __name__ == "__main__":
    run_benchmark(main)
