"""How many events per second one worker process can store, and the latency of a batch."""

from __future__ import annotations

import asyncio
import time

from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from bench.harness.writers import fake_claim
from domain.calls.events import AgentTurn
from persistence.worker_wiring import worker_services

CALLS, SECONDS, IN_FLIGHT = 200, 8.0, 10
TEXT = "I would like to move my appointment from Tuesday afternoon to some time on Friday morning."


async def main() -> None:
    async with installation() as settings:
        viewer = await new_owner(settings)
        ids = await add_calls(settings, viewer.tenant_id, CALLS)
        latencies: list[float] = []
        stored = 0
        async with worker_services(settings) as services:
            deadline = time.perf_counter() + SECONDS

            async def write(claim_id: int) -> None:
                nonlocal stored
                claim = fake_claim(viewer.tenant_id, ids[claim_id])
                services.event_writer.open(claim)
                while time.perf_counter() < deadline:
                    started_at = time.perf_counter()
                    for n in range(IN_FLIGHT):
                        services.event_writer.emit(
                            claim,
                            AgentTurn(
                                turn_id=f"1.{n}", node="a", agent="a", text=TEXT, heard_text=TEXT
                            ),
                        )
                    await services.event_writer.wait_until_stored(claim)
                    latencies.append((time.perf_counter() - started_at) * 1000)
                    stored += IN_FLIGHT

            started_at = time.perf_counter()
            await asyncio.gather(*map(write, range(CALLS)))
            seconds = time.perf_counter() - started_at
    report(
        f"ingest: {CALLS} calls, one writing process, PostgreSQL and Redis on the same machine",
        [
            Figure("events_per_s", stored / seconds, ">= 10,000"),
            Figure("batch_p50_ms", percentile(latencies, 0.5)),
            Figure("batch_p99_ms", percentile(latencies, 0.99)),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
