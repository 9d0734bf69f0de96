"""Many subscribers of one call: the cost of a delivery in the API process."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import psutil
import uvloop

from bench.harness.api import (
    MeasuredApi,
    now_ms,
    open_socket,
    running_api,
    subscribe,
    writer_process,
)
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

WATCHERS, PER_SECOND, SECONDS, WARM_SECONDS = 500, 20.0, 12.0, 3.0
DOCUMENT = """subscription ($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename ... on CallEvent { cursor seq at } ... on AgentTurn { agent text heardText }
  }
}"""


async def watch(url: str, token: str, call: str, pipe: Connection) -> None:
    """Run all subscribers in this process; report when all have subscribed, and later their latencies."""
    latencies: list[float] = []
    counts = [0] * WATCHERS
    api = MeasuredApi(url, token, psutil.Process())
    async with AsyncExitStack() as stack:
        sockets = []
        for _ in range(WATCHERS):
            ws = await stack.enter_async_context(open_socket(api))
            await subscribe(ws, "1", DOCUMENT, {"callId": call})
            sockets.append(ws)
        tasks = [
            asyncio.create_task(_count(ws, n, counts, latencies)) for n, ws in enumerate(sockets)
        ]
        await asyncio.sleep(1)
        pipe.send("listening")
        await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()
    pipe.send((latencies, counts))


async def _count(ws: Any, place: int, counts: list[int], latencies: list[float]) -> None:
    async for raw in ws:
        counts[place] += 1
        # Every tenth subscriber decodes the event; decoding all would measure the client.
        if place % 10 == 0:
            event = json.loads(raw)["payload"]["data"]["callEvents"]
            latencies.append(now_ms() - datetime.fromisoformat(event["at"]).timestamp() * 1000)


def run_watchers(url: str, token: str, call: str, pipe: Connection) -> None:
    uvloop.run(watch(url, token, call, pipe))


async def main() -> None:
    async with installation() as settings:
        viewer = await new_owner(settings)
        [id] = await add_calls(settings, viewer.tenant_id, 1)
        async with running_api(settings, viewer.tenant_id) as api:
            ours, theirs = multiprocessing.get_context("spawn").Pipe()
            process = multiprocessing.get_context("spawn").Process(
                target=run_watchers, args=(api.url, api.token, global_id("Call", id), theirs)
            )
            process.start()
            await asyncio.to_thread(ours.recv)
            started_at = api.cpu_seconds()
            async with writer_process(
                settings, viewer.tenant_id, [id], PER_SECOND, SECONDS
            ) as writer:
                assert writer.stdout is not None
                written = int((await writer.stdout.read()).split()[0])
            await asyncio.sleep(1)
            cpu = api.cpu_seconds() - started_at
            ours.send("stop")
            latencies, counts = await asyncio.to_thread(ours.recv)
            await asyncio.to_thread(process.join)
    report_figures(latencies, counts, written, cpu)


def report_figures(
    latencies: Sequence[float], counts: Sequence[int], written: int, cpu: float
) -> None:
    delivered = sum(counts)
    report(
        f"fanout: {WATCHERS} subscribers of one call, {PER_SECOND:.0f} events/s, one API process",
        [
            Figure("cpu_us_per_delivery", cpu / delivered * 1e6, "<= 35"),
            Figure("p95_ms", percentile(latencies, 0.95), "<= 30"),
            Figure("p50_ms", percentile(latencies, 0.50)),
            Figure("delivered", delivered, f"{written * WATCHERS}"),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
