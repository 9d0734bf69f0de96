"""A voice turn compared with livekit-agents alone, the first audio of a call, and the gap after a kill."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psutil
from livekit import api

from bench.harness import livekit_baseline
from bench.harness.benchmark import Figure, percentile, report, run_benchmark
from bench.harness.call_rig import CallRig, call_rig
from domain.calls.rooms import CALLER_IDENTITY, RoomAccess
from tests.support.installation import Process
from tests.support.voice_clients import VoiceCaller

TURNS, CALLS, KILLS = 24, 20, 20
WARM_UP_TURNS = 3


async def measure_turn(caller: VoiceCaller) -> float:
    """Milliseconds from the end of the caller's speech to the agent's first audio, at the caller."""
    spoken = await caller.speak_and_time(0.6)
    heard = await caller.wait_for_audio(spoken)
    await caller.wait_for_silence()
    return (heard - spoken) * 1000


@asynccontextmanager
async def baseline_call(rig: CallRig) -> AsyncIterator[VoiceCaller]:
    """A caller in a room with a session of livekit-agents, which runs in a process of its own."""
    access, room = rig.livekit.credentials, "baseline"
    process = await asyncio.create_subprocess_exec(
        *livekit_baseline.COMMAND,
        room,
        env={**rig.env, **_path()},
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
async def studio_call(rig: CallRig) -> AsyncIterator[VoiceCaller]:
    call = await rig.start_call()
    caller = VoiceCaller()
    try:
        await caller.join(rig.services, call)
        await caller.wait_for_audio(0.0)
        await caller.wait_for_silence()
        yield caller
    finally:
        await caller.leave()
        await rig.end_call(call)


async def measure_turns(rig: CallRig) -> tuple[list[float], list[float]]:
    """Turns of the studio and of the baseline, alternating, so that both see the same noise."""
    ours: list[float] = []
    baseline: list[float] = []
    async with studio_call(rig) as studio_caller, baseline_call(rig) as baseline_caller:
        for _ in range(TURNS):
            ours.append(await measure_turn(studio_caller))
            baseline.append(await measure_turn(baseline_caller))
    return ours[WARM_UP_TURNS:], baseline[WARM_UP_TURNS:]


async def measure_first_audio(rig: CallRig) -> float:
    started_at = time.monotonic()
    call = await rig.start_call()
    caller = VoiceCaller()
    await caller.join(rig.services, call)
    heard = await caller.wait_for_audio(0.0)
    await caller.leave()
    await rig.end_call(call)
    return heard - started_at


def udp_sockets(worker: Process) -> dict[psutil.Process, set[object]]:
    """The UDP sockets of each worker process, for media; some stay open after a call."""
    assert worker.running is not None
    children = psutil.Process(worker.running.pid).children(recursive=True)
    return {each: set(each.net_connections("udp")) for each in children}


async def measure_kill_gap(rig: CallRig, worker: Process) -> float:
    before = udp_sockets(worker)
    async with studio_call(rig) as caller:
        holder = next(
            each for each, now in udp_sockets(worker).items() if now - before.get(each, set())
        )
        killed = time.monotonic()
        holder.kill()
        heard = await caller.wait_for_audio(killed)
        await caller.wait_for_silence()
    await asyncio.sleep(2)  # until another process replaces the killed one
    return heard - killed


async def main() -> None:
    async with call_rig() as rig, rig.running_worker(2) as worker:
        for _ in range(4):
            await measure_first_audio(rig)
        _print_progress("turns")
        ours, baseline = await measure_turns(rig)
        _print_progress("first audio")
        first_audio = [await measure_first_audio(rig) for _ in range(CALLS)]
        _print_progress("kills")
        gaps = [await measure_kill_gap(rig, worker) for _ in range(KILLS)]
    added = percentile(ours, 0.5) - percentile(baseline, 0.5)
    report(
        f"voice: {len(ours)} turns of each, {CALLS} calls, {KILLS} kills, measured at the caller",
        [
            Figure("added_ms", added, "<= 10"),
            Figure("ours_ms", percentile(ours, 0.5)),
            Figure("bare_ms", percentile(baseline, 0.5)),
            Figure("ours_p95_ms", percentile(ours, 0.95)),
            Figure("bare_p95_ms", percentile(baseline, 0.95)),
            Figure("first_audio_s", percentile(first_audio, 0.5), "<= 0.6"),
            Figure("first_audio_p95_s", percentile(first_audio, 0.95), "<= 1.0"),
            Figure("kill_gap_s", percentile(gaps, 0.5), "<= 1.5"),
            Figure("kill_gap_p95_s", percentile(gaps, 0.95), "<= 3"),
        ],
    )


def _print_progress(text: str) -> None:
    print(f"{text} …", file=sys.stderr)


def _path() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}


if __name__ == "__main__":
    run_benchmark(main)
