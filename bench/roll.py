"""Rolling restarts of two API replicas behind Caddy, during which no request may fail."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from bench.harness.benchmark import Figure, installation, percentile, report, run_benchmark
from domain.common.tasks import background_task
from tests.api.test_caddy import caddy, replicas, restart_in_turn, send_continuously

CLIENTS, REQUEST_INTERVAL_SECONDS, ROUNDS = 5, 0.1, 4
SETTINGS = {"LAME_DUCK_SECONDS": "3", "REQUESTS_PER_MINUTE": "1000000"}


async def main() -> None:
    answers: Counter[int] = Counter()
    latencies: list[float] = []
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        folder_path = Path(folder)
        async with (
            installation() as settings,
            replicas(settings, folder_path, 2, **SETTINGS) as apis,
            caddy(folder_path, *(api.port for api in apis)) as url,
            AsyncExitStack() as clients,
        ):
            for _ in range(CLIENTS):
                requests = send_continuously(
                    url, apis[0].key, answers, REQUEST_INTERVAL_SECONDS, latencies
                )
                await clients.enter_async_context(background_task(requests))
            started_at = time.perf_counter()
            for _ in range(ROUNDS):
                await restart_in_turn(apis, answers, **SETTINGS)
            seconds = time.perf_counter() - started_at
    report(
        f"roll: {2 * ROUNDS} restarts of API replicas in {seconds:.0f} s, {CLIENTS} clients",
        [
            Figure("requests", answers.total()),
            Figure("failed", answers.total() - answers[200], "0"),
            Figure("p50_ms", percentile(latencies, 0.5)),
            Figure("p99_ms", percentile(latencies, 0.99)),
            Figure("max_ms", max(latencies)),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
