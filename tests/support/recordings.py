"""A clinic whose calls are recorded, and ears that say who is heard on which side, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from domain.calls.model import Call
from domain.calls.recordings import Recording, RecordingState, SegmentKey
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.workflows import publish_workflow, update_workflow
from domain.workflows.model import RecordingChoice
from persistence.worker_wiring import worker_services
from tests.support.voice_clients import LOUD_AMPLITUDE, VoiceCaller
from worker.audio.ogg_opus import FRAME_MS, SAMPLE_RATE, Encoder, decode_ogg, mux_ogg
from worker.keeper.recording_jobs import RecordingProcessor

WINDOW_SECONDS = 0.1
TOLERANCE_SECONDS = 0.5
"""Between the ear of the caller and ours: network, buffers, a busy machine."""
ANNOUNCEMENT = "This call is recorded."


def with_recordings(settings: Settings, place: Path) -> Settings:
    return replace(
        settings,
        recordings_url=f"file://{place / 'recordings'}",
        spool_folder=str(place / "spool"),
    )


async def enable_recording(
    services: Services, viewer: Viewer, announcement: str | None = ANNOUNCEMENT
) -> None:
    async with services.store.transaction(viewer.tenant_id) as work:
        [clinic] = await work.workflows.by_names(["clinic"])
    choice = RecordingChoice(enabled=True, announcement=announcement)
    clinic = await update_workflow(
        services, viewer, clinic.id, clinic.revision, {"recording": choice}
    )
    await publish_workflow(services, viewer, clinic.id, clinic.revision, None)


async def recording_of(services: Services, call: Call) -> Recording:
    async with services.store.transaction(call.tenant_id) as work:
        [found] = await work.recordings.by_ids([call.id])
    return found


@asynccontextmanager
async def running_archive(settings: Settings) -> AsyncIterator[RecordingProcessor]:
    async with worker_services(settings) as wired:
        assert wired.audio_store is not None
        yield RecordingProcessor(wired.recording_store, wired.audio_store)


async def wait_until_ready(
    services: Services, call: Call, timeout_seconds: float = 60.0
) -> Recording:
    """Once a keeper has joined it."""
    until = time.monotonic() + timeout_seconds
    while (found := await recording_of(services, call)).state is not RecordingState.READY:
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)
    return found


async def join_segments(services: Services, settings: Settings, call: Call) -> Recording:
    """Once we have joined it."""
    async with running_archive(settings) as keeper:
        while (found := await recording_of(services, call)).state is not RecordingState.READY:
            await keeper.process_next()
            await asyncio.sleep(0.1)
    return found


async def read_audio(services: Services, recording: Recording) -> bytes:
    assert services.audio_store is not None
    return b"".join([chunk async for chunk in services.audio_store.read(recording.key)])


@dataclass(frozen=True, slots=True)
class LoudMoments:
    """The moments, in seconds of the recording, at which each side is loud."""

    left: list[float]
    right: list[float]
    seconds: float

    @classmethod
    def from_ogg(cls, sound: bytes) -> LoudMoments:
        both = np.abs(decode_ogg(sound).astype(np.int32))
        size = int(48_000 * WINDOW_SECONDS)
        whole = both[: len(both) // size * size].reshape(-1, size, 2).max(axis=1)
        left, right = [
            (np.flatnonzero(whole[:, side] > LOUD_AMPLITUDE) * WINDOW_SECONDS).tolist()
            for side in (0, 1)
        ]
        return cls(left, right, len(both) / 48_000)


def matching_share(
    moments: Sequence[float], others: Sequence[float], within: float = TOLERANCE_SECONDS
) -> float:
    """The part of the moments that have one of the others close by."""
    those = np.array(others)
    found = [those.size and np.abs(those - at).min() <= within for at in moments]
    return sum(map(bool, found)) / max(1, len(found))


def heard_by_caller(caller: VoiceCaller, recording: Recording) -> list[float]:
    """When the caller heard agents, in seconds of the recording."""
    began = recording.started_at.timestamp() - (time.time() - time.monotonic())
    return [at - began for at in caller.heard_at]


def tone(ms: int, level: int = 8_000) -> list[bytes]:
    count = SAMPLE_RATE * ms // 1000
    wave = (level * np.sin(np.arange(count) * 2 * np.pi * 440 / SAMPLE_RATE)).astype(np.int16)
    return Encoder().encode(np.stack([wave, wave], axis=1))


def tone_segment(
    epoch: int, at_ms: int, ms: int = 1_000, level: int = 8_000
) -> tuple[SegmentKey, bytes]:
    """So much of a tone, on both sides."""
    return SegmentKey(epoch, at_ms), mux_ogg(tone(ms, level)[: ms // FRAME_MS])


def tone_segments(seconds: int, every_ms: int) -> tuple[bytes, list[tuple[SegmentKey, bytes]]]:
    """A tone as one file, and the same in pieces."""
    packets, step = tone(seconds * 1_000), every_ms // FRAME_MS
    starts = range(0, len(packets), step)
    pieces = [(SegmentKey(1, n * FRAME_MS), mux_ogg(packets[n : n + step])) for n in starts]
    return mux_ogg(packets), pieces
