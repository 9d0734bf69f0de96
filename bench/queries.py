"""An indexed list query from sixteen concurrent clients, on one API process."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.harness.api import MeasuredApi, running_api
from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from bench.harness.mercurius import ComparisonUnavailable, running_mercurius
from domain.common.access import TenantId
from domain.common.settings import Settings

CLIENTS, SECONDS, CALLS = 16, 8.0, 2_000
DOCUMENT = """query ($first: Int) {
  calls(first: $first) {
    edges { cursor node { id kind state direction createdAt endedAt endReason userId } }
    pageInfo { hasNextPage endCursor }
  }
}"""


async def run_client(api: MeasuredApi, deadline: float, latencies: list[float]) -> None:
    """Query over one keep-alive connection, with a minimal client: only the API is measured."""
    body = json.dumps({"query": DOCUMENT, "variables": {"first": 20}}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {api.token}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
    while time.perf_counter() < deadline:
        started_at = time.perf_counter()
        writer.write(request)
        headers = await reader.readuntil(b"\r\n\r\n")
        length = int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body_bytes = await reader.readexactly(length)
        latencies.append((time.perf_counter() - started_at) * 1000)
        assert body_bytes.count(b'"cursor"') == 20, body_bytes
    writer.close()


@dataclass(frozen=True, slots=True)
class Measurement:
    latencies: list[float]
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / SECONDS

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds / len(self.latencies) * 1000


async def measure_api(api: MeasuredApi) -> Measurement:
    latencies: list[float] = []
    await run_client(api, time.perf_counter() + 1, [])
    deadline = time.perf_counter() + SECONDS
    started_at = api.cpu_seconds()
    await asyncio.gather(*(run_client(api, deadline, latencies) for _ in range(CLIENTS)))
    return Measurement(latencies, api.cpu_seconds() - started_at)


async def measure_mercurius(settings: Settings, tenant: TenantId) -> list[Figure]:
    """The same measurement for Mercurius, while the API is not running."""
    try:
        async with running_mercurius(settings, tenant) as server:
            other = await measure_api(server)
    except ComparisonUnavailable as reason:
        print(f"not compared with Mercurius: {reason}", file=sys.stderr)
        return []
    return [
        Figure("mercurius_requests_per_s", other.per_second),
        Figure("mercurius_cpu_ms_per_request", other.cpu_ms),
    ]


async def main() -> None:
    async with installation() as settings:
        viewer = await new_owner(settings)
        await add_calls(settings, viewer.tenant_id, CALLS)
        async with running_api(settings, viewer.tenant_id) as api:
            own = await measure_api(api)
        others = await measure_mercurius(settings, viewer.tenant_id)
    report(
        f"queries: {CLIENTS} clients, 20 of {CALLS} calls with 8 fields each, one API process",
        [
            Figure("requests_per_s", own.per_second, ">= 400"),
            Figure("p95_ms", percentile(own.latencies, 0.95), "<= 40"),
            Figure("p50_ms", percentile(own.latencies, 0.50)),
            Figure("cpu_ms_per_request", own.cpu_ms),
            *others,
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
