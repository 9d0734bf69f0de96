"""A clinic whose calls are recorded, and an analysis of who is audible on which channel, and when."""

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
"""The tolerance between caller and recording: network, buffers and a busy machine."""
ANNOUNCEMENT = "This call is recorded."


def with_recordings(settings: Settings, folder: Path) -> Settings:
    return replace(
        settings,
        recordings_url=f"file://{folder / 'recordings'}",
        spool_folder=str(folder / "spool"),
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
        [recording] = await work.recordings.by_ids([call.id])
    return recording


@asynccontextmanager
async def running_archive(settings: Settings) -> AsyncIterator[RecordingProcessor]:
    async with worker_services(settings) as wired:
        assert wired.audio_store is not None
        yield RecordingProcessor(wired.recording_store, wired.audio_store)


async def wait_until_ready(
    services: Services, call: Call, timeout_seconds: float = 60.0
) -> Recording:
    """The recording, once a keeper has joined its segments."""
    deadline = time.monotonic() + timeout_seconds
    while (recording := await recording_of(services, call)).state is not RecordingState.READY:
        assert time.monotonic() < deadline, recording
        await asyncio.sleep(0.1)
    return recording


async def join_segments(services: Services, settings: Settings, call: Call) -> Recording:
    """Join the segments of the recording in this process, and return it."""
    async with running_archive(settings) as keeper:
        while (recording := await recording_of(services, call)).state is not RecordingState.READY:
            await keeper.process_next()
            await asyncio.sleep(0.1)
    return recording


async def read_audio(services: Services, recording: Recording) -> bytes:
    assert services.audio_store is not None
    return b"".join([chunk async for chunk in services.audio_store.read(recording.key)])


@dataclass(frozen=True, slots=True)
class LoudMoments:
    """The times, in seconds of the recording, at which each channel is loud."""

    left: list[float]
    right: list[float]
    seconds: float

    @classmethod
    def from_ogg(cls, ogg: bytes) -> LoudMoments:
        samples = np.abs(decode_ogg(ogg).astype(np.int32))
        size = int(48_000 * WINDOW_SECONDS)
        windows = samples[: len(samples) // size * size].reshape(-1, size, 2).max(axis=1)
        left, right = [
            (np.flatnonzero(windows[:, side] > LOUD_AMPLITUDE) * WINDOW_SECONDS).tolist()
            for side in (0, 1)
        ]
        return cls(left, right, len(samples) / 48_000)


def matching_share(
    moments: Sequence[float], others: Sequence[float], within: float = TOLERANCE_SECONDS
) -> float:
    """The share of `moments` that have one of `others` within a tolerance, in seconds."""
    other_times = np.array(others)
    matches = [other_times.size and np.abs(other_times - at).min() <= within for at in moments]
    return sum(map(bool, matches)) / max(1, len(matches))


def heard_by_caller(caller: VoiceCaller, recording: Recording) -> list[float]:
    """The times at which the caller heard agents, in seconds of the recording."""
    started_at = recording.started_at.timestamp() - (time.time() - time.monotonic())
    return [at - started_at for at in caller.heard_at]


def tone(ms: int, level: int = 8_000) -> list[bytes]:
    count = SAMPLE_RATE * ms // 1000
    wave = (level * np.sin(np.arange(count) * 2 * np.pi * 440 / SAMPLE_RATE)).astype(np.int16)
    return Encoder().encode(np.stack([wave, wave], axis=1))


def tone_segment(
    epoch: int, at_ms: int, ms: int = 1_000, level: int = 8_000
) -> tuple[SegmentKey, bytes]:
    """A segment with a tone on both channels."""
    return SegmentKey(epoch, at_ms), mux_ogg(tone(ms, level)[: ms // FRAME_MS])


def tone_segments(seconds: int, every_ms: int) -> tuple[bytes, list[tuple[SegmentKey, bytes]]]:
    """A tone as one file, and the same tone as segments."""
    packets, step = tone(seconds * 1_000), every_ms // FRAME_MS
    starts = range(0, len(packets), step)
    segments = [(SegmentKey(1, n * FRAME_MS), mux_ogg(packets[n : n + step])) for n in starts]
    return mux_ogg(packets), segments
