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
from bench.harness.lab import Figure, percentile, report, run_benchmark
from bench.harness.rooms import CallRig, call_rig
from domain.calls.rooms import CALLER_IDENTITY, RoomAccess
from tests.support.installation import Process
from tests.support.voice_clients import VoiceCaller

TURNS, CALLS, KILLS = 24, 20, 20
WARM_UP_TURNS = 3


async def measure_turn(caller: VoiceCaller) -> float:
    """ms from the end of the caller's sound to the agent's first, at the caller."""
    spoken = await caller.speak_and_time(0.6)
    heard = await caller.wait_for_audio(spoken)
    await caller.wait_for_silence()
    return (heard - spoken) * 1000


@asynccontextmanager
async def baseline_call(hall: CallRig) -> AsyncIterator[VoiceCaller]:
    """A caller in a room with a session of livekit-agents in a process of its own."""
    access, room = hall.livekit.credentials, "bare"
    process = await asyncio.create_subprocess_exec(
        *bare.COMMAND,
        room,
        env={**hall.env, **_path()},
        stdout=asyncio.subprocess.DEVNULL,
    )
    token = api.AccessToken(access.key, access.secret).with_identity(CALLER_IDENTITY)
    signed = token.with_grants(api.VideoGrants(room_join=True, room=room)).to_jwt()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    caller = VoiceCaller()
    try:
        await caller.enter(RoomAccess(url=access.url, token=signed, room=room, expires_at=soon))
        await caller.wait_for_audio(0.0, timeout_seconds=60)
        await caller.wait_for_silence()
        yield caller
    finally:
        await caller.leave()
        process.kill()
        await process.wait()


@asynccontextmanager
async def studio_call(hall: CallRig) -> AsyncIterator[VoiceCaller]:
    call = await hall.start_call()
    caller = VoiceCaller()
    try:
        await caller.join(hall.services, call)
        await caller.wait_for_audio(0.0)
        await caller.wait_for_silence()
        yield caller
    finally:
        await caller.leave()
        await hall.end_call(call)


async def measure_turns(hall: CallRig) -> tuple[list[float], list[float]]:
    """Ours and the bare session's, in turn, so that both meet the same noise."""
    ours: list[float] = []
    theirs: list[float] = []
    async with studio_call(hall) as us, baseline_call(hall) as them:
        for _ in range(TURNS):
            ours.append(await measure_turn(us))
            theirs.append(await measure_turn(them))
    return ours[WARM_UP_TURNS:], theirs[WARM_UP_TURNS:]


async def measure_first_audio(hall: CallRig) -> float:
    began = time.monotonic()
    call = await hall.start_call()
    caller = VoiceCaller()
    await caller.join(hall.services, call)
    heard = await caller.wait_for_audio(0.0)
    await caller.leave()
    await hall.end_call(call)
    return heard - began


def udp_sockets(worker: Process) -> dict[psutil.Process, set[object]]:
    """For media, of its processes; some linger after a call."""
    assert worker.running is not None
    children = psutil.Process(worker.running.pid).children(recursive=True)
    return {each: set(each.net_connections("udp")) for each in children}


async def measure_kill_gap(hall: CallRig, worker: Process) -> float:
    before = udp_sockets(worker)
    async with studio_call(hall) as caller:
        holder = next(
            each for each, now in udp_sockets(worker).items() if now - before.get(each, set())
        )
        killed = time.monotonic()
        holder.kill()
        heard = await caller.wait_for_audio(killed)
        await caller.wait_for_silence()
    await asyncio.sleep(2)  # another process takes the dead one's place
    return heard - killed


async def main() -> None:
    async with call_rig() as hall, hall.running_worker(2) as worker:
        for _ in range(4):
            await measure_first_audio(hall)
        _print_progress("turns")
        ours, theirs = await measure_turns(hall)
        _print_progress("first sounds")
        sounds = [await measure_first_audio(hall) for _ in range(CALLS)]
        _print_progress("kills")
        gaps = [await measure_kill_gap(hall, worker) for _ in range(KILLS)]
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


def _print_progress(what: str) -> None:
    print(f"{what} …", file=sys.stderr)


def _path() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}


if __name__ == "__main__":
    run_benchmark(main)
