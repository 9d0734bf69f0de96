"""What is lost or done twice while servers and workers are frozen and killed under many calls."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bench.harness.lab import Figure, report, run_benchmark
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
"""After so long a round is given up, and what was not answered counts as lost."""
SEED = 7
KILLS = 4
FREEZES = (
    *(Freeze("database", delay, 5.0) for delay in (0.0, 0.2, 0.4)),
    *(Freeze("all workers", delay, 7.0) for delay in (0.0, 0.2)),
    Freeze("worker 0", 0.1, 7.0),
    Freeze("worker 1", 0.3, 7.0),  # by now it holds them all
    Freeze("redis", 0.1, 5.0),
)
"""Longer than the lease, which is the one of production."""
PRODUCTION = {
    "LEASE_SECONDS": "3.0",
    "HEARTBEAT_SECONDS": "1.0",
    "REQUESTS_PER_MINUTE": "100000",
}


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as place:
        async with shop() as server:
            env = {**PRODUCTION, "OUTBOUND_ALLOW": server.allowed}
            async with running_installation(Path(place), workers=2, **env) as whole:
                await import_shop(whole, server)
                rounds = _rounds(whole)
                async with calling_customers(whole, CALLS) as callers:
                    replaced = {}
                    for number, (name, disturb) in enumerate(rounds.items()):
                        async with asyncio.timeout(ROUND_TIMEOUT_SECONDS):
                            words = f"tool {number}"
                            replaced[name] = await run_disturbed_round(callers, words, disturb)
                        print(f"{name}: {replaced[name]} replaced", file=sys.stderr, flush=True)
        result = evaluate(callers, server)
    stores = sum(
        count for name, count in replaced.items() if name.startswith(("database", "redis"))
    )
    report(*_figures(result, len(rounds), stores))


def _rounds(whole: Installation) -> dict[str, Callable[[], Awaitable[object]]]:
    dice = random.Random(SEED)
    freezes = {str(freeze): partial(freeze_processes, whole, freeze) for freeze in FREEZES}
    kills = {f"kill {n}": partial(kill_at_random, whole, dice, 1) for n in range(KILLS)}
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
