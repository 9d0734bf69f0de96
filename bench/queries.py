"""An indexed list query, sixteen clients at once, one API process."""

from __future__ import annotations

import asyncio
import time

import httpx

from bench.api import Api, running_api
from bench.lab import Figure, add_calls, installation, measure, new_owner, percentile, report

CLIENTS, SECONDS, CALLS = 16, 8.0, 2_000
DOCUMENT = """query ($first: Int) {
  calls(first: $first) {
    edges { cursor node { id kind state direction createdAt endedAt endReason userId } }
    pageInfo { hasNextPage endCursor }
  }
}"""


async def client(api: Api, until: float, waits: list[float]) -> None:
    body = {"query": DOCUMENT, "variables": {"first": 20}}
    headers = {"authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers) as http:
        while time.perf_counter() < until:
            began = time.perf_counter()
            answer = await http.post("/graphql", json=body)
            waits.append((time.perf_counter() - began) * 1000)
            assert len(answer.json()["data"]["calls"]["edges"]) == 20, answer.text


async def main() -> None:
    waits: list[float] = []
    async with installation() as settings:
        viewer = await new_owner(settings)
        await add_calls(settings, viewer.tenant_id, CALLS)
        async with running_api(settings, viewer.tenant_id) as api:
            await client(api, time.perf_counter() + 1, [])
            until = time.perf_counter() + SECONDS
            began = api.cpu_seconds()
            await asyncio.gather(*(client(api, until, waits) for _ in range(CLIENTS)))
            cpu = api.cpu_seconds() - began
    report(
        f"queries: {CLIENTS} clients, 20 of {CALLS} calls with 8 fields each, one API process",
        [
            Figure("requests_per_s", len(waits) / SECONDS, ">= 400"),
            Figure("p95_ms", percentile(waits, 0.95), "<= 40"),
            Figure("p50_ms", percentile(waits, 0.50)),
            Figure("cpu_ms_per_request", cpu / len(waits) * 1000),
        ],
    )


if __name__ == "__main__":
    measure(main)
