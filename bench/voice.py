"""A voice turn beside a bare session's, the first sound of a call, and the gap when a worker dies."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psutil
from livekit import api

from bench.harness import bare
from bench.harness.lab import Figure, measure, percentile, report
from bench.harness.rooms import Exchange, exchange
from domain.calls.rooms import CALLER, Ticket
from tests.support.installation import Process
from tests.support.voice_clients import VoiceCaller

TURNS, CALLS, KILLS = 24, 20, 20
WARM = 3


async def turn(caller: VoiceCaller) -> float:
    """ms from the end of the caller's sound to the agent's first, at the caller."""
    spoken = await caller.says(0.6)
    heard = await caller.hears(spoken)
    await caller.quiet()
    return (heard - spoken) * 1000


@asynccontextmanager
async def bare_call(hall: Exchange) -> AsyncIterator[VoiceCaller]:
    """A caller in a room with a session of livekit-agents in a process of its own."""
    access, room = hall.livekit.access, "bare"
    process = await asyncio.create_subprocess_exec(
        *bare.COMMAND,
        room,
        env={**hall.env, **_path()},
        stdout=asyncio.subprocess.DEVNULL,
    )
    token = api.AccessToken(access.key, access.secret).with_identity(CALLER)
    signed = token.with_grants(api.VideoGrants(room_join=True, room=room)).to_jwt()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    caller = VoiceCaller()
    try:
        await caller.enter(Ticket(url=access.url, token=signed, room=room, expires_at=soon))
        await caller.hears(0.0, patience=60)
        await caller.quiet()
        yield caller
    finally:
        await caller.leave()
        process.kill()
        await process.wait()


@asynccontextmanager
async def our_call(hall: Exchange) -> AsyncIterator[VoiceCaller]:
    call = await hall.call()
    caller = VoiceCaller()
    try:
        await caller.join(hall.services, call)
        await caller.hears(0.0)
        await caller.quiet()
        yield caller
    finally:
        await caller.leave()
        await hall.end(call)


async def turns(hall: Exchange) -> tuple[list[float], list[float]]:
    """Ours and the bare session's, in turn, so that both meet the same noise."""
    ours: list[float] = []
    theirs: list[float] = []
    async with our_call(hall) as us, bare_call(hall) as them:
        for _ in range(TURNS):
            ours.append(await turn(us))
            theirs.append(await turn(them))
    return ours[WARM:], theirs[WARM:]


async def first_sound(hall: Exchange) -> float:
    began = time.monotonic()
    call = await hall.call()
    caller = VoiceCaller()
    await caller.join(hall.services, call)
    heard = await caller.hears(0.0)
    await caller.leave()
    await hall.end(call)
    return heard - began


def sockets(worker: Process) -> dict[psutil.Process, set[object]]:
    """For media, of its processes; some linger after a call."""
    assert worker.running is not None
    children = psutil.Process(worker.running.pid).children(recursive=True)
    return {each: set(each.net_connections("udp")) for each in children}


async def gap(hall: Exchange, worker: Process) -> float:
    before = sockets(worker)
    async with our_call(hall) as caller:
        holder = next(
            each for each, now in sockets(worker).items() if now - before.get(each, set())
        )
        killed = time.monotonic()
        holder.kill()
        heard = await caller.hears(killed)
        await caller.quiet()
    await asyncio.sleep(2)  # another process takes the dead one's place
    return heard - killed


async def main() -> None:
    async with exchange() as hall, hall.worker(2) as worker:
        for _ in range(4):
            await first_sound(hall)
        _say("turns")
        ours, theirs = await turns(hall)
        _say("first sounds")
        sounds = [await first_sound(hall) for _ in range(CALLS)]
        _say("kills")
        gaps = [await gap(hall, worker) for _ in range(KILLS)]
    added = percentile(ours, 0.5) - percentile(theirs, 0.5)
    report(
        f"voice: {len(ours)} turns of each side, {CALLS} calls, {KILLS} kills, all at the caller",
        [
            Figure("added_ms", added, "<= 10"),
            Figure("ours_ms", percentile(ours, 0.5)),
            Figure("bare_ms", percentile(theirs, 0.5)),
            Figure("ours_p95_ms", percentile(ours, 0.95)),
            Figure("bare_p95_ms", percentile(theirs, 0.95)),
            Figure("first_audio_s", percentile(sounds, 0.5), "<= 0.6"),
            Figure("first_audio_p95_s", percentile(sounds, 0.95), "<= 1.0"),
            Figure("kill_gap_s", percentile(gaps, 0.5), "<= 1.5"),
            Figure("kill_gap_p95_s", percentile(gaps, 0.95), "<= 3"),
        ],
    )


def _say(what: str) -> None:
    print(f"{what} …", file=sys.stderr)


def _path() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}


if __name__ == "__main__":
    measure(main)
