"""The latency of an event from the worker to the client: commit, publish, GraphQL, WebSocket."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from bench.harness.api import now_ms, open_socket, running_api, subscribe, writer_process
from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from resolvers.global_ids import global_id

CALLS, PER_SECOND, SECONDS, PER_SOCKET = 100, 1.67, 12.0, 10
DOCUMENT = """subscription ($callId: ID!) {
  callEvents(callId: $callId) { ... on CallEvent { seq at } ... on AgentTurn { text } }
}"""


async def listen(ws: Any, latencies: list[float]) -> None:
    async for raw in ws:
        message = json.loads(raw)
        if message["type"] == "next":
            event = message["payload"]["data"]["callEvents"]
            latencies.append(now_ms() - datetime.fromisoformat(event["at"]).timestamp() * 1000)


async def main() -> None:
    latencies: list[float] = []
    async with installation() as settings, AsyncExitStack() as stack:
        viewer = await new_owner(settings)
        ids = await add_calls(settings, viewer.tenant_id, CALLS)
        api = await stack.enter_async_context(running_api(settings, viewer.tenant_id))
        listeners = []
        for start in range(0, CALLS, PER_SOCKET):
            ws = await stack.enter_async_context(open_socket(api))
            for id in ids[start : start + PER_SOCKET]:
                await subscribe(ws, str(id), DOCUMENT, {"callId": global_id("Call", id)})
            listeners.append(asyncio.create_task(listen(ws, latencies)))
        await asyncio.sleep(1)
        async with writer_process(settings, viewer.tenant_id, ids, PER_SECOND, SECONDS) as writer:
            assert writer.stdout is not None
            written = sum(int(line) for line in (await writer.stdout.read()).split())
        await asyncio.sleep(0.5)
        for listener in listeners:
            listener.cancel()
    report(
        f"stream: {CALLS} calls, {CALLS * PER_SECOND:.0f} events/s, one API process",
        [
            Figure("p50_ms", percentile(latencies, 0.50), "<= 3"),
            Figure("p95_ms", percentile(latencies, 0.95), "<= 8"),
            Figure("p99_ms", percentile(latencies, 0.99), "<= 20"),
            Figure("delivered", len(latencies), f"{written}"),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
