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
from bench.harness.crowd import Crowd, gathered
from bench.harness.lab import Figure, measure, percentile, report
from bench.harness.load import Load, memory_mb
from bench.harness.rooms import Exchange, exchange
from domain.calls.rooms import CALLER
from domain.common.tasks import end
from domain.use_cases.calls import ticket

CORES = os.cpu_count() or 1
LEVELS = (1, *(calls * CORES for calls in (3, 6, 7, 8, 10)))
COMPARED = 6 * CORES
"""Calls at which the two are held beside each other, where ours holds so many."""
START_SECONDS = 60.0
"""Of one of their processes, which loads all the code."""
GREETING_SECONDS = 8.0
SECONDS = 36.0
MOST_SLOWER = 1.15


@dataclass(frozen=True, slots=True)
class Level:
    calls: int
    turns: Sequence[float]
    """ms from the caller's last sound to the agent's first, as the worker measures it."""
    percent: Mapping[str, float]
    memory: float

    @property
    def each(self) -> float:
        """% of a core that the worker needs for a call."""
        return self.percent.get("worker", 0.0) / self.calls

    def told(self, who: str) -> str:
        used = ", ".join(f"{role} {share:.0f}" for role, share in sorted(self.percent.items()))
        middle, late = percentile(self.turns, 0.5), percentile(self.turns, 0.95)
        return (
            f"{who:>9} {self.calls:>2} calls: p50 {middle:.0f} p95 {late:.0f} ms "
            f"({len(self.turns)} turns), {self.each:.1f} % of a core each, "
            f"{self.memory:.0f} MB; % of a core: {used}"
        )


async def watched(count: int, turns: Callable[[datetime], AsyncIterator[float]]) -> Level:
    """What becomes of so many calls that are going on."""
    await asyncio.sleep(GREETING_SECONDS)
    since, load = datetime.now().astimezone(), Load()
    await asyncio.sleep(SECONDS)
    percent, memory = load.percent(), memory_mb("worker")
    return Level(count, [turn async for turn in turns(since)], percent, memory)


# ---- ours ---------------------------------------------------------------------------------------


async def ours(hall: Exchange, crowd: Crowd, count: int) -> Level:
    calls = [await hall.call() for _ in range(count)]
    entries = [ticket(hall.services, call) for call in calls]
    tickets = [(entry.url, entry.token) for entry in entries if entry is not None]
    try:
        async with crowd.calling(tickets):
            return await watched(count, lambda since: _measured(hall, since))
    finally:
        for call in calls:
            await hall.end(call)


async def _measured(hall: Exchange, since: datetime) -> AsyncIterator[float]:
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


class Told(list[float]):
    """What the jobs of the other tell: that they have begun, and what their turns measure."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()

    def take(self, line: str) -> None:
        try:
            self.append(float(line))
        except ValueError:
            self.words[line] += 1

    async def until(self, word: str, count: int) -> None:
        async with asyncio.timeout(START_SECONDS):
            while self.words[word] < count:  # noqa: ASYNC110 - other processes say it
                await asyncio.sleep(0.1)


@asynccontextmanager
async def agent_server(hall: Exchange) -> AsyncIterator[Told]:
    """livekit-agents' own server with the same agent."""
    process = await asyncio.create_subprocess_exec(
        *bare.COMMAND,
        env={**hall.env, "PYTHONPATH": ":".join(sys.path)},
        stdout=PIPE,
        start_new_session=True,
    )
    told = Told()

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told.take(line.decode().strip())

    reading = asyncio.create_task(read())
    try:
        await told.until(bare.REGISTERED, 1)
        await asyncio.sleep(5)  # the server offers it jobs only after a while
        yield told
    finally:
        # It would wait for its jobs; nobody waits for those.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await end(reading)


async def theirs(hall: Exchange, crowd: Crowd, told: Told, count: int) -> Level:
    access = hall.livekit.access
    rooms = [f"bench-{uuid4()}" for _ in range(count)]
    async with api.LiveKitAPI(access.url, access.key, access.secret) as server:

        async def turns(_: datetime) -> AsyncIterator[float]:
            for turn in told:
                yield turn

        try:
            async with crowd.calling([(access.url, _token(hall, room)) for room in rooms]):
                # One by one: a machine that loads many at once loses jobs, which nobody offers again.
                for begun, room in enumerate(rooms, 1):
                    asked = api.CreateAgentDispatchRequest(agent_name=bare.NAME, room=room)
                    await server.agent_dispatch.create_dispatch(asked)
                    await told.until(bare.BEGUN, begun)
                await asyncio.sleep(GREETING_SECONDS)  # and until it has a spare process again
                told.clear()
                return await watched(count, turns)
        finally:
            for room in rooms:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))


def _token(hall: Exchange, room: str) -> str:
    access = hall.livekit.access
    token = api.AccessToken(access.key, access.secret).with_identity(CALLER)
    grants = api.VideoGrants(room_join=True, room=room)
    return token.with_grants(grants).with_ttl(timedelta(minutes=5)).to_jwt()


# ---- figures ------------------------------------------------------------------------------------


async def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        people = await gathered(Path(place))
        async with exchange() as hall:
            async with hall.worker(CORES):
                await ours(hall, people, 2)  # the first calls pay for what the others find done
                levels = await _levels(hall, people)
            async with agent_server(hall) as told:
                compared = await theirs(hall, people, told, _beside(levels).calls)
                _say(compared.told("a process"))
    report(*_figures(levels, compared))


async def _levels(hall: Exchange, crowd: Crowd) -> list[Level]:
    """Up to the first that is too slow."""
    levels: list[Level] = []
    for count in LEVELS:
        levels.append(await ours(hall, crowd, count))
        _say(levels[-1].told("ours"))
        if not _holds(levels[-1], levels[0]):
            break
    return levels


def _holds(level: Level, one: Level) -> bool:
    slow = percentile(level.turns, 0.95) > MOST_SLOWER * percentile(one.turns, 0.95)
    return not slow and len(level.turns) >= level.calls * SECONDS / 7 * 0.8


def _most(levels: Sequence[Level]) -> Level:
    return [level for level in levels if _holds(level, levels[0])][-1]


def _beside(levels: Sequence[Level]) -> Level:
    """What theirs is compared with."""
    return [level for level in levels if level.calls <= min(COMPARED, _most(levels).calls)][-1]


def _figures(levels: Sequence[Level], compared: Level) -> tuple[str, Sequence[Figure]]:
    one, most, beside = levels[0], _most(levels), _beside(levels)
    rest = sum(most.percent.get(role, 0.0) for role in ("callers", "livekit", "providers"))
    figures = (
        Figure("calls", most.calls, ">= 12"),
        Figure("cpu_percent_per_call", most.each, "<= 9"),
        Figure("mb_per_call", (most.memory - one.memory) / max(1, most.calls - 1), "<= 15"),
        Figure("ratio_to_agentserver", compared.each / beside.each, ">= 1.6"),
        Figure("p95_one_ms", percentile(one.turns, 0.95)),
        Figure("p95_most_ms", percentile(most.turns, 0.95)),
        Figure("callers_percent", most.percent.get("callers", 0.0)),
        Figure("servers_percent", rest - most.percent.get("callers", 0.0)),
        Figure("machine_percent", most.percent["machine"]),
    )
    title = (
        f"capacity: calls on this machine at p95 <= {MOST_SLOWER} x that of one call; callers, "
        "LiveKit and stand-ins of providers take their part of the same cores"
    )
    return title, figures


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(main)
