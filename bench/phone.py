"""Telephone calls at 20 at the same time: the time until a phone rings, and until a caller is greeted.

The calls pass livekit-sip, where it is installed, or its emulator, which is written in Python and takes
more CPU. While the other calls are in progress, calls are started and dialled one after another."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice

import asyncpg

from bench.harness.benchmark import Figure, percentile, report, run_benchmark
from bench.harness.cpu_memory import CpuMonitor
from bench.harness.phone_rig import (
    CALLED_NUMBERS,
    PhoneRig,
    caller_audio,
    invited_at,
    phone_rig,
)
from local.phone.phone_call import PhoneCall

CALLS, SAMPLES = 20, 20
CORES = os.cpu_count() or 1
ANSWER_SECONDS = 60.0
SETTLE_SECONDS, MEASURE_SECONDS = 3.0, 15.0
ROLES = ("worker", "sip", "livekit", "keeper", "api", "providers", "stores")
STEPS = ("claimed", "dialed", "invited")
"""What happens between `startCall` and the INVITE."""


@dataclass(slots=True)
class Setup:
    """Seconds from `startCall` to the INVITE, and when the steps between happened."""

    seconds: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STEPS})


async def hold(rig: PhoneRig, number: str) -> PhoneCall:
    """A call in progress, whose caller speaks now and then."""
    await rig.start_call(number)
    call = await rig.phone.next_call(ANSWER_SECONDS)
    await call.until_answered()
    call.media.play(caller_audio(), repeat=True)
    return call


async def measure_setup(rig: PhoneRig, numbers: Sequence[str]) -> Setup:
    """Start calls one after another, and hang each up when it has been answered."""
    setup, db = Setup(), await asyncpg.connect(rig.env["DATABASE_URL"])
    try:
        for number in numbers:
            at, started = time.time(), time.monotonic()
            await rig.start_call(number)
            call = await rig.phone.next_call(ANSWER_SECONDS)
            invited = invited_at(rig.phone, call) - started
            setup.seconds.append(invited)
            await call.until_answered()
            for name, seconds in (await _steps(db, number, at, invited)).items():
                setup.steps[name].append(seconds)
            await call.hang_up()
    finally:
        await db.close()
    return setup


async def _steps(
    db: asyncpg.Connection, number: str, started: float, invited: float
) -> Mapping[str, float]:
    """When the call was claimed, dialled and invited, in seconds after its start."""
    rows = await db.fetch(
        "select e.kind, e.body ->> 'state' as state, e.at from call_event e"
        " join call c on c.id = e.call_id where c.phone_number = $1",
        number,
    )

    def at(kind: str, state: str | None = None) -> float:
        found: Sequence[datetime] = [
            row["at"] for row in rows if row["kind"] == kind and row["state"] == state
        ]
        return found[0].timestamp() - started

    claimed = at("state_changed", "CONNECTING")
    return {"claimed": claimed, "dialed": at("dial_started"), "invited": invited}


async def measure_greetings(rig: PhoneRig, count: int) -> list[float]:
    """Call the workflow, and hang up when it has greeted."""
    seconds = []
    for _ in range(count):
        call, greeted = await rig.dial()
        seconds.append(greeted)
        await call.hang_up()
    return seconds


async def measure_cpu(calls: int) -> Mapping[str, float]:
    """Percent of a core per call, by process, while so many calls are in progress."""
    monitor = CpuMonitor()
    await asyncio.sleep(MEASURE_SECONDS)
    percent = monitor.cpu_percent()
    _print_progress(", ".join(f"{name} {share:.0f} %" for name, share in sorted(percent.items())))
    return {role: percent.get(role, 0.0) / calls for role in ROLES}


async def main() -> None:
    options = _options()
    numbers = cycle(CALLED_NUMBERS)
    async with phone_rig(options.workers) as rig:
        _print_progress(f"{options.calls} calls over {rig.sip_name}")
        await measure_greetings(rig, 1)  # the first call does work that later ones find done
        held: list[PhoneCall] = []
        for number in islice(numbers, options.calls - 1):
            try:
                held.append(await hold(rig, number))
            except TimeoutError:
                _print_progress(f"this machine is too slow for more: --calls {len(held)}")
                return
        await asyncio.sleep(SETTLE_SECONDS)
        _print_progress("setup")
        setup = await measure_setup(rig, [next(numbers) for _ in range(options.samples)])
        for name, seconds in setup.steps.items():
            _print_progress(f"  {name} after {percentile(seconds, 0.5):.3f} s")
        _print_progress("greetings")
        greetings = await measure_greetings(rig, options.samples)
        held.append(await hold(rig, next(numbers)))
        await asyncio.sleep(SETTLE_SECONDS)
        _print_progress("cpu")
        cpu = await measure_cpu(len(held))
        lost = sum(call.end is not None for call in held)
    report(
        f"phone: {options.calls} calls at the same time over {rig.sip_name}; providers are emulated,"
        " and everything runs on this machine",
        [
            Figure("setup_p50_s", percentile(setup.seconds, 0.5), "<= 0.15"),
            Figure("setup_p95_s", percentile(setup.seconds, 0.95), "<= 0.3"),
            Figure("inbound_p50_s", percentile(greetings, 0.5), "<= 1.0"),
            Figure("inbound_p95_s", percentile(greetings, 0.95), "<= 1.5"),
            Figure("lost_calls", lost, "<= 0"),
            Figure("cpu_percent_per_call", sum(cpu.values())),
            *(Figure(f"cpu_percent_per_call_{role}", share) for role, share in cpu.items()),
        ],
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./studio bench phone", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="calls at the same time")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="measurements of each kind")
    parser.add_argument("--workers", type=int, default=CORES, help="worker processes")
    parser.add_argument("--json", action="store_true", help="also print one JSON object")
    return parser.parse_args()


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_benchmark(main)
