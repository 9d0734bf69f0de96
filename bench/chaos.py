"""What is lost or repeated when servers and workers are frozen or killed during many calls."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bench.harness.benchmark import Figure, report, run_benchmark
from tests.support.chaos import (
    ChaosReport,
    Freeze,
    calling_customers,
    evaluate,
    freeze_processes,
    import_shop,
    kill_at_random,
    run_disturbed_round,
    shop,
)
from tests.support.installation import Installation, running_installation

CALLS = 24
ROUND_TIMEOUT_SECONDS = 120.0
"""The timeout of a round; messages without an answer count as lost."""
SEED = 7
KILLS = 4
FREEZES = (
    *(Freeze("database", delay, 5.0) for delay in (0.0, 0.2, 0.4)),
    *(Freeze("all workers", delay, 7.0) for delay in (0.0, 0.2)),
    Freeze("worker 0", 0.1, 7.0),
    Freeze("worker 1", 0.3, 7.0),  # which holds all calls by now
    Freeze("redis", 0.1, 5.0),
)
"""Freezes last longer than the lease, which is as long as in production."""
PRODUCTION = {
    "LEASE_SECONDS": "3.0",
    "HEARTBEAT_SECONDS": "1.0",
    "REQUESTS_PER_MINUTE": "100000",
}


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        async with shop() as server:
            env = {**PRODUCTION, "OUTBOUND_ALLOW": server.allowed}
            async with running_installation(Path(folder), workers=2, **env) as studio:
                await import_shop(studio, server)
                rounds = _rounds(studio)
                async with calling_customers(studio, CALLS) as callers:
                    replaced = {}
                    for number, (name, disturb) in enumerate(rounds.items()):
                        async with asyncio.timeout(ROUND_TIMEOUT_SECONDS):
                            text = f"tool {number}"
                            replaced[name] = await run_disturbed_round(callers, text, disturb)
                        print(f"{name}: {replaced[name]} replaced", file=sys.stderr, flush=True)
        result = evaluate(callers, server)
    stores = sum(
        count for name, count in replaced.items() if name.startswith(("database", "redis"))
    )
    report(*_figures(result, len(rounds), stores))


def _rounds(studio: Installation) -> dict[str, Callable[[], Awaitable[object]]]:
    rng = random.Random(SEED)
    freezes = {str(freeze): partial(freeze_processes, studio, freeze) for freeze in FREEZES}
    kills = {f"kill {n}": partial(kill_at_random, studio, rng, 1) for n in range(KILLS)}
    return {**freezes, **kills}


def _figures(result: ChaosReport, rounds: int, stores: int) -> tuple[str, list[Figure]]:
    for line in (*result.lost, *result.doubled, *result.doubled_effects):
        print(line, file=sys.stderr)
    title = (
        f"chaos: {CALLS} calls use a tool with effects, {rounds} times; each time something fails"
    )
    return title, [
        Figure("lost", len(result.lost), "0"),
        Figure("doubled", len(result.doubled), "0"),
        Figure("doubled_effects", len(result.doubled_effects), "0"),
        Figure("replaced_by_outages", stores, "0"),
        Figure("uses", result.uses, str(CALLS * rounds)),
        Figure("effects", result.effects),
        Figure("keys", result.keys),
        Figure("rounds", rounds),
    ]


if __name__ == "__main__":
    run_benchmark(main)
