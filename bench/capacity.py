"""How many voice calls a worker host holds, and what each costs, beside a process per job."""

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

from bench.harness import bare
from bench.harness.crowd import SimulatedCallers, build_callers
from bench.harness.lab import Figure, percentile, report, run_benchmark
from bench.harness.load import CpuMonitor, memory_mb
from bench.harness.rooms import CallRig, call_rig
from domain.calls.rooms import CALLER_IDENTITY
from domain.common.tasks import cancel_and_wait
from domain.use_cases.calls import room_access

CORES = os.cpu_count() or 1
LEVELS = (1, *(calls * CORES for calls in (3, 6, 7, 8, 10)))
MAX_COMPARED_CALLS = 6 * CORES
"""Calls at which the two are held beside each other, where ours holds so many."""
START_TIMEOUT_SECONDS = 60.0
"""Of one of their processes, which loads all the code."""
GREETING_SECONDS = 8.0
MEASURE_SECONDS = 36.0
MAX_SLOWDOWN = 1.15


@dataclass(frozen=True, slots=True)
class Level:
    calls: int
    turns: Sequence[float]
    """ms from the caller's last sound to the agent's first, as the worker measures it."""
    percent: Mapping[str, float]
    memory: float

    @property
    def cpu_percent_per_call(self) -> float:
        """% of a core that the worker needs for a call."""
        return self.percent.get("worker", 0.0) / self.calls

    def summary(self, label: str) -> str:
        used = ", ".join(f"{role} {share:.0f}" for role, share in sorted(self.percent.items()))
        middle, late = percentile(self.turns, 0.5), percentile(self.turns, 0.95)
        return (
            f"{label:>9} {self.calls:>2} calls: p50 {middle:.0f} p95 {late:.0f} ms "
            f"({len(self.turns)} turns), {self.cpu_percent_per_call:.1f} % of a core each, "
            f"{self.memory:.0f} MB; % of a core: {used}"
        )


async def measure_level(count: int, turns: Callable[[datetime], AsyncIterator[float]]) -> Level:
    """What becomes of so many calls that are going on."""
    await asyncio.sleep(GREETING_SECONDS)
    since, load = datetime.now().astimezone(), CpuMonitor()
    await asyncio.sleep(MEASURE_SECONDS)
    percent, memory = load.cpu_percent(), memory_mb("worker")
    return Level(count, [turn async for turn in turns(since)], percent, memory)


# ---- ours ---------------------------------------------------------------------------------------


async def measure_studio(hall: CallRig, crowd: SimulatedCallers, count: int) -> Level:
    calls = [await hall.start_call() for _ in range(count)]
    entries = [room_access(hall.services, call) for call in calls]
    tickets = [(entry.url, entry.token) for entry in entries if entry is not None]
    try:
        async with crowd.joined(tickets):
            return await measure_level(count, lambda since: _turn_latencies(hall, since))
    finally:
        for call in calls:
            await hall.end_call(call)


async def _turn_latencies(hall: CallRig, since: datetime) -> AsyncIterator[float]:
    db = await asyncpg.connect(hall.env["DATABASE_URL"])
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
    """What the jobs of the other tell: that they have begun, and what their turns measure."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add_line(self, line: str) -> None:
        try:
            self.append(float(line))
        except ValueError:
            self.counts[line] += 1

    async def wait_for(self, word: str, count: int) -> None:
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            while self.counts[word] < count:  # noqa: ASYNC110 - other processes say it
                await asyncio.sleep(0.1)


@asynccontextmanager
async def agent_server(hall: CallRig) -> AsyncIterator[JobOutput]:
    """livekit-agents' own server with the same agent."""
    process = await asyncio.create_subprocess_exec(
        *bare.COMMAND,
        env={**hall.env, "PYTHONPATH": ":".join(sys.path)},
        stdout=PIPE,
        start_new_session=True,
    )
    told = JobOutput()

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told.add_line(line.decode().strip())

    reading = asyncio.create_task(read())
    try:
        await told.wait_for(bare.REGISTERED, 1)
        await asyncio.sleep(5)  # the server offers it jobs only after a while
        yield told
    finally:
        # It would wait for its jobs; nobody waits for those.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await cancel_and_wait(reading)


async def measure_agent_server(
    hall: CallRig, crowd: SimulatedCallers, told: JobOutput, count: int
) -> Level:
    access = hall.livekit.credentials
    rooms = [f"bench-{uuid4()}" for _ in range(count)]
    async with api.LiveKitAPI(access.url, access.key, access.secret) as server:

        async def turns(_: datetime) -> AsyncIterator[float]:
            for turn in told:
                yield turn

        try:
            async with crowd.joined([(access.url, _token(hall, room)) for room in rooms]):
                # One by one: a machine that loads many at once loses jobs, which nobody offers again.
                for begun, room in enumerate(rooms, 1):
                    asked = api.CreateAgentDispatchRequest(agent_name=bare.NAME, room=room)
                    await server.agent_dispatch.create_dispatch(asked)
                    await told.wait_for(bare.STARTED, begun)
                await asyncio.sleep(GREETING_SECONDS)  # and until it has a spare process again
                told.clear()
                return await measure_level(count, turns)
        finally:
            for room in rooms:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))


def _token(hall: CallRig, room: str) -> str:
    access = hall.livekit.credentials
    token = api.AccessToken(access.key, access.secret).with_identity(CALLER_IDENTITY)
    grants = api.VideoGrants(room_join=True, room=room)
    return token.with_grants(grants).with_ttl(timedelta(minutes=5)).to_jwt()


# ---- figures ------------------------------------------------------------------------------------


async def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        people = await build_callers(Path(place))
        async with call_rig() as hall:
            async with hall.running_worker(CORES):
                await measure_studio(
                    hall, people, 2
                )  # the first calls pay for what the others find done
                levels = await _measure_levels(hall, people)
            async with agent_server(hall) as told:
                compared = await measure_agent_server(
                    hall, people, told, _comparison_level(levels).calls
                )
                _print_progress(compared.summary("a process"))
    report(*_figures(levels, compared))


async def _measure_levels(hall: CallRig, crowd: SimulatedCallers) -> list[Level]:
    """Up to the first that is too slow."""
    levels: list[Level] = []
    for count in LEVELS:
        levels.append(await measure_studio(hall, crowd, count))
        _print_progress(levels[-1].summary("ours"))
        if not _is_fast_enough(levels[-1], levels[0]):
            break
    return levels


def _is_fast_enough(level: Level, one: Level) -> bool:
    slow = percentile(level.turns, 0.95) > MAX_SLOWDOWN * percentile(one.turns, 0.95)
    return not slow and len(level.turns) >= level.calls * MEASURE_SECONDS / 7 * 0.8


def _highest_level(levels: Sequence[Level]) -> Level:
    return [level for level in levels if _is_fast_enough(level, levels[0])][-1]


def _comparison_level(levels: Sequence[Level]) -> Level:
    """What theirs is compared with."""
    return [
        level
        for level in levels
        if level.calls <= min(MAX_COMPARED_CALLS, _highest_level(levels).calls)
    ][-1]


def _figures(levels: Sequence[Level], compared: Level) -> tuple[str, Sequence[Figure]]:
    one, most, beside = levels[0], _highest_level(levels), _comparison_level(levels)
    rest = sum(most.percent.get(role, 0.0) for role in ("callers", "livekit", "providers"))
    figures = (
        Figure("calls", most.calls, ">= 12"),
        Figure("cpu_percent_per_call", most.cpu_percent_per_call, "<= 9"),
        Figure("mb_per_call", (most.memory - one.memory) / max(1, most.calls - 1), "<= 15"),
        Figure(
            "ratio_to_agentserver",
            compared.cpu_percent_per_call / beside.cpu_percent_per_call,
            ">= 1.6",
        ),
        Figure("p95_one_ms", percentile(one.turns, 0.95)),
        Figure("p95_most_ms", percentile(most.turns, 0.95)),
        Figure("callers_percent", most.percent.get("callers", 0.0)),
        Figure("servers_percent", rest - most.percent.get("callers", 0.0)),
        Figure("machine_percent", most.percent["machine"]),
    )
    title = (
        f"capacity: calls on this machine at p95 <= {MAX_SLOWDOWN} x that of one call; callers, "
        "LiveKit and stand-ins of providers take their part of the same cores"
    )
    return title, figures


def _print_progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_benchmark(main)
