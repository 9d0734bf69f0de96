"""Many subscribers of one list of calls: its cost in the API process, idle and while calls change."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil
import uvloop

from bench.harness.api import MeasuredApi, open_socket, running_api, subscribe
from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    report,
    run_benchmark,
)
from domain.calls.model import CallId, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from persistence.wiring import api_services

CALLS, PER_SECOND, SECONDS, PER_SOCKET = 100, 10.0, 10.0, 20
WATCHER_COUNTS = (1, 100)
DOCUMENT = """subscription { calls(filter: {live: true}) {
  __typename ... on CallListSnapshot { calls { id state kind createdAt userId } }
  ... on CallAdded { call { id state kind createdAt workflow { slug } } }
  ... on CallChanged { call { id state activeNode } } ... on CallRemoved { callId }
} }"""


@dataclass(frozen=True, slots=True)
class CpuUsage:
    """CPU time of the API process, in seconds per second."""

    idle: float
    busy: float
    messages: float
    """Messages per subscriber and second while calls changed."""


async def watch(url: str, token: str, count: int, pipe: Connection) -> None:
    """Run all subscribers in this process; report when each has received its snapshot."""
    api = MeasuredApi(url, token, psutil.Process())
    received = [0]
    async with AsyncExitStack() as stack:
        tasks = []
        for start in range(0, count, PER_SOCKET):
            ws = await stack.enter_async_context(open_socket(api))
            subscriptions = min(PER_SOCKET, count - start)
            for n in range(subscriptions):
                await subscribe(ws, str(n), DOCUMENT, {})
            for _ in range(subscriptions):
                message = json.loads(await ws.recv())
                assert message["type"] == "next", message
            tasks.append(asyncio.create_task(_count(ws, received)))
        pipe.send("listening")
        while await asyncio.to_thread(pipe.recv) == "count":
            pipe.send(received[0])
        for task in tasks:
            task.cancel()


async def _count(ws: Any, received: list[int]) -> None:
    async for _ in ws:
        received[0] += 1


def run_watchers(url: str, token: str, count: int, pipe: Connection) -> None:
    uvloop.run(watch(url, token, count, pipe))


async def end_calls(services: Services, viewer: Viewer, ids: list[CallId]) -> None:
    """End one call after another; each change is sent to all subscribers of the list."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        async with services.store.transaction(viewer.tenant_id) as work:
            await work.calls.end_unclaimed(ids.pop(), EndReason.ENDED_BY_API)
        await asyncio.sleep(1 / PER_SECOND)


async def measure_cpu(
    settings: Settings, viewer: Viewer, count: int, ids: list[CallId]
) -> CpuUsage:
    async with running_api(settings, viewer.tenant_id) as api, api_services(settings) as services:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=run_watchers, args=(api.url, api.token, count, theirs))
        process.start()
        await asyncio.to_thread(ours.recv)
        await asyncio.sleep(1)
        started_at = api.cpu_seconds()
        await asyncio.sleep(SECONDS)
        idle = (api.cpu_seconds() - started_at) / SECONDS
        started_at = api.cpu_seconds()
        ours.send("count")
        received = await asyncio.to_thread(ours.recv)
        await end_calls(services, viewer, ids)
        busy = (api.cpu_seconds() - started_at) / SECONDS
        ours.send("count")
        received = await asyncio.to_thread(ours.recv) - received
        ours.send("stop")
        await asyncio.to_thread(process.join)
    return CpuUsage(idle, busy, received / count / SECONDS)


async def main() -> None:
    async with installation() as settings:
        viewer = await new_owner(settings)
        # The list shows the largest ids first, so each call that ends is one of those it shows.
        ids = [CallId(id) for id in sorted(await add_calls(settings, viewer.tenant_id, CALLS * 6))]
        costs = {count: await measure_cpu(settings, viewer, count, ids) for count in WATCHER_COUNTS}
    one, many = costs[WATCHER_COUNTS[0]], costs[WATCHER_COUNTS[1]]
    report(
        f"lists: {WATCHER_COUNTS[1]} subscribers of one list of {CALLS} calls, "
        f"{PER_SECOND:.0f} changes/s, one API process",
        [
            *(
                Figure(f"{name}_{count}_percent", getattr(cost, name) * 100)
                for count, cost in costs.items()
                for name in ("idle", "busy")
            ),
            Figure("idle_ratio", many.idle / max(one.idle, 0.001), "<= 1.5"),
            Figure("messages_per_s", many.messages),
            Figure(
                "us_per_message",
                (many.busy - one.busy) / (many.messages * (WATCHER_COUNTS[1] - 1)) * 1e6,
                "<= 100",
            ),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
