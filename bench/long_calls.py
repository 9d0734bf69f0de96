"""Calls with very long logs: their own cost, and the delays that they cause for others."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import httpx

from bench.harness.api import MeasuredApi, running_api
from bench.harness.benchmark import (
    Figure,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from domain.calls.events import StoredEvent, TurnMeasured
from domain.calls.model import Call
from domain.calls.state import replay
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import send_message
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.conftest import new_tenant
from tests.support.demo_workflow import publish_clinic
from tests.support.long_logs import LoopDelays, append_events, measuring_loop_delays
from tests.worker.test_text_calls import running_worker, started, watch

LONG, VERY_LONG, READERS, SECONDS = 20_000, 100_000, 4, 8.0
VIEWER = "{ viewer { __typename } }"
DOCUMENT = """query ($id: ID!) { node(id: $id) { ... on Call {
  transcript { turnId at speaker text } usage { model inputTokens } latency { turns } } } }"""


async def measure_fold(services: Services, viewer: Viewer, call: Call) -> float:
    """The CPU time of replaying the log, in milliseconds."""
    async with services.store.transaction(viewer.tenant_id) as work:
        events = await work.calls.events(call.id, 0, LONG)
    started_at = time.process_time()
    replay(events)
    return (time.process_time() - started_at) * 1000


async def prepare_call(settings: Settings, services: Services, viewer: Viewer, events: int) -> Call:
    async with running_worker(settings):
        call = await started(services, viewer)
        await send_message(services, viewer, call.id, "hello", None)
        await watch(services, viewer, call.id, TurnMeasured)
    await append_events(settings, call.id, events)
    return call


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """The takeover of a long call.

    The turns are those of another call in the same process, in milliseconds."""

    seconds: float
    delays: LoopDelays
    turns_meanwhile: list[float]
    turns_after: list[float]


async def measure_takeover(
    settings: Settings, services: Services, viewer: Viewer, long: Call
) -> Takeover:
    """Measure until the long call has been answered."""
    other = await prepare_call(settings, services, viewer, 0)
    started_at = time.perf_counter()
    await send_message(services, viewer, long.id, "are you there?", None)
    meanwhile: list[float] = []
    async with running_worker(settings):
        async with measuring_loop_delays() as delays:
            while not await is_answered(settings, long):
                meanwhile.append(await measure_turn(services, viewer, other))
        seconds = time.perf_counter() - started_at
        after = [await measure_turn(services, viewer, other) for _ in range(20)]
    return Takeover(seconds=seconds, delays=delays, turns_meanwhile=meanwhile, turns_after=after)


async def measure_turn(services: Services, viewer: Viewer, call: Call) -> float:
    """The time until a message has been answered, in milliseconds."""
    async with services.store.transaction(viewer.tenant_id) as work:
        *_, last = await work.calls.events(call.id, 0, 100_000)
    sent = time.perf_counter()
    await send_message(services, viewer, call.id, "hello again", None)
    async for update in services.streams.follow(viewer.tenant_id, call.id, last.cursor):
        if isinstance(update, StoredEvent) and isinstance(update.event, TurnMeasured):
            break
    return (time.perf_counter() - sent) * 1000


async def is_answered(settings: Settings, call: Call) -> bool:
    """Whether every message has been answered completely."""
    db = await asyncpg.connect(settings.database_url)
    query = """
        select kind = 'turn_measured' and not exists (
               select from call_command where call_id = $1 and done_at is null)
          from call_event where call_id = $1 order by seq desc limit 1"""
    answered: bool = await db.fetchval(query, call.id)
    await db.close()
    return answered


async def query_latencies(
    api: MeasuredApi, document: str, deadline: float, **variables: str
) -> list[float]:
    """The latency of each query in milliseconds. On a busy machine the API may return `UNAVAILABLE`."""
    latencies = []
    headers = {"authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60) as http:
        while time.perf_counter() < deadline:
            sent = time.perf_counter()
            body = {"query": document, "variables": variables}
            response = await http.post("/graphql", json=body)
            latencies.append((time.perf_counter() - sent) * 1000)
            assert b'"data"' in response.content[:200] or b"UNAVAILABLE" in response.content
            await asyncio.sleep(0.005)
    return latencies


async def measure_readers(
    settings: Settings, viewer: Viewer, call: Call
) -> tuple[list[float], list[float], list[float]]:
    """Latencies of the readers, of another tenant meanwhile, and of that tenant before."""
    other = await new_tenant(settings, "other")
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(running_api(settings, viewer.tenant_id))
        token = await stack.enter_async_context(running_api(settings, other.id))
        api_as_other = MeasuredApi(api.url, token.token, api.process)
        await query_latencies(api_as_other, VIEWER, time.perf_counter() + 1)
        alone = await query_latencies(api_as_other, VIEWER, time.perf_counter() + SECONDS / 4)
        deadline = time.perf_counter() + SECONDS
        id = global_id("Call", call.id)
        *reads, others = await asyncio.gather(
            *(query_latencies(api, DOCUMENT, deadline, id=id) for _ in range(READERS)),
            query_latencies(api_as_other, VIEWER, deadline),
        )
    return [wait for latencies in reads for wait in latencies], others, alone


async def main() -> None:
    async with installation() as settings, api_services(settings) as services:
        viewer = await new_owner(settings)
        await publish_clinic(services, viewer)
        long = await prepare_call(settings, services, viewer, LONG)
        cpu = await measure_fold(services, viewer, long)
        reads, others, alone = await measure_readers(settings, viewer, long)
        very_long = await prepare_call(settings, services, viewer, VERY_LONG)
        takeover = await measure_takeover(settings, services, viewer, very_long)
    report(
        f"long calls: a log of {LONG} events is read, a call with {VERY_LONG} events is taken over",
        [
            Figure("fold_cpu_ms", cpu, "<= 300"),
            Figure("read_p50_ms", percentile(reads, 0.5)),
            Figure("others_before_p50_ms", percentile(alone, 0.5)),
            Figure("others_before_p95_ms", percentile(alone, 0.95)),
            Figure("others_p50_ms", percentile(others, 0.5)),
            Figure("others_p95_ms", percentile(others, 0.95), "<= 100"),
            Figure("others_max_ms", max(others)),
            Figure("takeover_s", takeover.seconds),
            Figure("loop_late_cpu_ms", takeover.delays.worst_cpu * 1000, "<= 50"),
            Figure("loop_late_ms", takeover.delays.worst * 1000, "<= 100"),
            Figure("turn_meanwhile_p50_ms", percentile(takeover.turns_meanwhile, 0.5)),
            Figure("turn_meanwhile_max_ms", max(takeover.turns_meanwhile)),
            Figure("turn_after_p50_ms", percentile(takeover.turns_after, 0.5)),
            Figure("turn_after_max_ms", max(takeover.turns_after)),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
