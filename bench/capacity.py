"""How many voice calls a worker host holds and their cost, compared with a process per job."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
from livekit import api

from bench.harness import livekit_baseline
from bench.harness.benchmark import Figure, percentile, report, run_benchmark
from bench.harness.call_rig import CallRig, call_rig
from bench.harness.cpu_memory import CpuMonitor, memory_mb
from bench.harness.simulated_callers import SimulatedCallers, build_callers
from domain.calls.rooms import CALLER_IDENTITY
from domain.common.tasks import cancel_and_wait
from domain.use_cases.calls import room_access

CORES = os.cpu_count() or 1
LEVELS = (1, *(calls * CORES for calls in (3, 6, 7, 8, 10)))
MAX_COMPARED_CALLS = 6 * CORES
"""The maximum number of calls at which both are compared; fewer if the studio holds fewer."""
START_TIMEOUT_SECONDS = 60.0
"""The timeout for one process of `AgentServer`, which has to import all code."""
GREETING_SECONDS = 8.0
MEASURE_SECONDS = 36.0
MAX_SLOWDOWN = 1.15


@dataclass(frozen=True, slots=True)
class Level:
    calls: int
    turns: Sequence[float]
    """Milliseconds from the end of the caller's speech to the agent's first audio, by the worker."""
    percent: Mapping[str, float]
    memory: float

    @property
    def cpu_percent_per_call(self) -> float:
        """The share of a core that the worker uses per call, in percent."""
        return self.percent.get("worker", 0.0) / self.calls

    def summary(self, label: str) -> str:
        used = ", ".join(f"{role} {share:.0f}" for role, share in sorted(self.percent.items()))
        p50, p95 = percentile(self.turns, 0.5), percentile(self.turns, 0.95)
        return (
            f"{label:>9} {self.calls:>2} calls: p50 {p50:.0f} p95 {p95:.0f} ms "
            f"({len(self.turns)} turns), {self.cpu_percent_per_call:.1f} % of a core each, "
            f"{self.memory:.0f} MB; % of a core: {used}"
        )


async def measure_level(count: int, turns: Callable[[datetime], AsyncIterator[float]]) -> Level:
    """Measure `count` calls that are in progress."""
    await asyncio.sleep(GREETING_SECONDS)
    since, load = datetime.now().astimezone(), CpuMonitor()
    await asyncio.sleep(MEASURE_SECONDS)
    percent, memory = load.cpu_percent(), memory_mb("worker")
    return Level(count, [turn async for turn in turns(since)], percent, memory)


# ---- Agent Studio -------------------------------------------------------------------------------


async def measure_studio(rig: CallRig, callers: SimulatedCallers, count: int) -> Level:
    calls = [await rig.start_call() for _ in range(count)]
    entries = [room_access(rig.services, call) for call in calls]
    rooms = [(entry.url, entry.token) for entry in entries if entry is not None]
    try:
        async with callers.joined(rooms):
            return await measure_level(count, lambda since: _turn_latencies(rig, since))
    finally:
        for call in calls:
            await rig.end_call(call)


async def _turn_latencies(rig: CallRig, since: datetime) -> AsyncIterator[float]:
    db = await asyncpg.connect(rig.env["DATABASE_URL"])
    try:
        rows = await db.fetch(
            "select (body ->> 'first_audio_ms')::float as ms from call_event "
            "where kind = 'turn_measured' and at > $1 and body ->> 'first_audio_ms' is not null",
            since,
        )
    finally:
        await db.close()
    for row in rows:
        yield row["ms"]


# ---- a process per job --------------------------------------------------------------------------


class JobOutput(list[float]):
    """The output of the jobs of `AgentServer`: the latency of turns in ms, and counts of other lines."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add_line(self, line: str) -> None:
        try:
            self.append(float(line))
        except ValueError:
            self.counts[line] += 1

    async def wait_for(self, word: str, count: int) -> None:
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            while self.counts[word] < count:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)


@asynccontextmanager
async def agent_server(rig: CallRig) -> AsyncIterator[JobOutput]:
    """The `AgentServer` of livekit-agents with the same agent."""
    process = await asyncio.create_subprocess_exec(
        *livekit_baseline.COMMAND,
        env={**rig.env, "PYTHONPATH": ":".join(sys.path)},
        stdout=PIPE,
        start_new_session=True,
    )
    output = JobOutput()

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            output.add_line(line.decode().strip())

    reading = asyncio.create_task(read())
    try:
        await output.wait_for(livekit_baseline.REGISTERED, 1)
        await asyncio.sleep(5)  # the LiveKit server dispatches to it only after a while
        yield output
    finally:
        # Killed, because it would otherwise wait for its jobs.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await cancel_and_wait(reading)


async def measure_agent_server(
    rig: CallRig, callers: SimulatedCallers, output: JobOutput, count: int
) -> Level:
    access = rig.livekit.credentials
    rooms = [f"bench-{uuid4()}" for _ in range(count)]
    async with api.LiveKitAPI(access.url, access.key, access.secret) as server:

        async def turns(_: datetime) -> AsyncIterator[float]:
            for turn in output:
                yield turn

        try:
            async with callers.joined([(access.url, _token(rig, room)) for room in rooms]):
                # One by one: a machine that starts many at once loses jobs, which are not retried.
                for started_count, room in enumerate(rooms, 1):
                    request = api.CreateAgentDispatchRequest(
                        agent_name=livekit_baseline.NAME, room=room
                    )
                    await server.agent_dispatch.create_dispatch(request)
                    await output.wait_for(livekit_baseline.STARTED, started_count)
                # Wait for the greeting, and until an idle process is available again.
                await asyncio.sleep(GREETING_SECONDS)
                output.clear()
                return await measure_level(count, turns)
        finally:
            for room in rooms:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))


def _token(rig: CallRig, room: str) -> str:
    access = rig.livekit.credentials
    token = api.AccessToken(access.key, access.secret).with_identity(CALLER_IDENTITY)
    grants = api.VideoGrants(room_join=True, room=room)
    return token.with_grants(grants).with_ttl(timedelta(minutes=5)).to_jwt()


# ---- figures ------------------------------------------------------------------------------------


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        callers = await build_callers(Path(folder))
        async with call_rig() as rig:
            async with rig.running_worker(CORES):
                # The first calls do work that later calls find done.
                await measure_studio(rig, callers, 2)
                levels = await _measure_levels(rig, callers)
            async with agent_server(rig) as output:
                compared = await measure_agent_server(
                    rig, callers, output, _comparison_level(levels).calls
                )
                _print_progress(compared.summary("a process"))
    report(*_figures(levels, compared))


async def _measure_levels(rig: CallRig, callers: SimulatedCallers) -> list[Level]:
    """Measure levels up to the first that is too slow."""
    levels: list[Level] = []
    for count in LEVELS:
        levels.append(await measure_studio(rig, callers, count))
        _print_progress(levels[-1].summary("studio"))
        if not _is_fast_enough(levels[-1], levels[0]):
            break
    return levels


def _is_fast_enough(level: Level, one: Level) -> bool:
    slow = percentile(level.turns, 0.95) > MAX_SLOWDOWN * percentile(one.turns, 0.95)
    return not slow and len(level.turns) >= level.calls * MEASURE_SECONDS / 7 * 0.8


def _highest_level(levels: Sequence[Level]) -> Level:
    return [level for level in levels if _is_fast_enough(level, levels[0])][-1]


def _comparison_level(levels: Sequence[Level]) -> Level:
    """The level that `AgentServer` is compared with."""
    return [
        level
        for level in levels
        if level.calls <= min(MAX_COMPARED_CALLS, _highest_level(levels).calls)
    ][-1]


def _figures(levels: Sequence[Level], compared: Level) -> tuple[str, Sequence[Figure]]:
    one, highest, comparison = levels[0], _highest_level(levels), _comparison_level(levels)
    other_percent = sum(
        highest.percent.get(role, 0.0) for role in ("callers", "livekit", "providers")
    )
    figures = (
        Figure("calls", highest.calls, ">= 12"),
        Figure("cpu_percent_per_call", highest.cpu_percent_per_call, "<= 9"),
        Figure("mb_per_call", (highest.memory - one.memory) / max(1, highest.calls - 1), "<= 15"),
        Figure(
            "ratio_to_agentserver",
            compared.cpu_percent_per_call / comparison.cpu_percent_per_call,
            ">= 1.6",
        ),
        Figure("p95_one_ms", percentile(one.turns, 0.95)),
        Figure("p95_most_ms", percentile(highest.turns, 0.95)),
        Figure("callers_percent", highest.percent.get("callers", 0.0)),
        Figure("servers_percent", other_percent - highest.percent.get("callers", 0.0)),
        Figure("machine_percent", highest.percent["machine"]),
    )
    title = (
        f"capacity: calls on this machine at p95 <= {MAX_SLOWDOWN} x that of one call; callers, "
        "LiveKit and provider emulators use the same cores"
    )
    return title, figures


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_benchmark(main)
