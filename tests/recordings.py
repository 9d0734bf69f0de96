"""A clinic whose calls are recorded, and ears that say who is heard on which side, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from domain.access import Viewer
from domain.actions.workflows import publish_workflow, update_workflow
from domain.calls import Call
from domain.ports import Services
from domain.recordings import Place, Recording, RecordingState
from domain.settings import Settings
from domain.workflows import RecordingChoice
from persistence.worker_wiring import worker_services
from tests.voices import LOUD, VoiceCaller
from worker.archive import Archive
from worker.opus import FRAME_MS, RATE, Encoder, decoded, ogg

WINDOW = 0.1
NEAR_SECONDS = 0.5
"""Between the ear of the caller and ours: network, buffers, a busy machine."""
ANNOUNCEMENT = "This call is recorded."


def keeping(settings: Settings, place: Path) -> Settings:
    return replace(
        settings,
        recordings_url=f"file://{place / 'recordings'}",
        spool_folder=str(place / "spool"),
    )


async def record_clinic(
    services: Services, viewer: Viewer, announcement: str | None = ANNOUNCEMENT
) -> None:
    async with services.store.work(viewer.tenant_id) as work:
        [clinic] = await work.workflows.named(["clinic"])
    choice = RecordingChoice(enabled=True, announcement=announcement)
    clinic = await update_workflow(
        services, viewer, clinic.id, clinic.revision, {"recording": choice}
    )
    await publish_workflow(services, viewer, clinic.id, clinic.revision, None)


async def recording_of(services: Services, call: Call) -> Recording:
    async with services.store.work(call.tenant_id) as work:
        [found] = await work.recordings.many([call.id])
    return found


@asynccontextmanager
async def archive(settings: Settings) -> AsyncIterator[Archive]:
    async with worker_services(settings) as wired:
        assert wired.sounds is not None
        yield Archive(wired.recordings, wired.sounds)


async def ready(services: Services, call: Call, patience: float = 60.0) -> Recording:
    """Once a keeper has joined it."""
    until = time.monotonic() + patience
    while (found := await recording_of(services, call)).state is not RecordingState.READY:
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)
    return found


async def joined(services: Services, settings: Settings, call: Call) -> Recording:
    """Once we have joined it."""
    async with archive(settings) as keeper:
        while (found := await recording_of(services, call)).state is not RecordingState.READY:
            await keeper.step()
            await asyncio.sleep(0.1)
    return found


async def sound_of(services: Services, recording: Recording) -> bytes:
    assert services.sounds is not None
    return b"".join([chunk async for chunk in services.sounds.read(recording.key)])


@dataclass(frozen=True, slots=True)
class Heard:
    """The moments, in seconds of the recording, at which each side is loud."""

    left: list[float]
    right: list[float]
    seconds: float

    @classmethod
    def of(cls, sound: bytes) -> Heard:
        both = np.abs(decoded(sound).astype(np.int32))
        size = int(48_000 * WINDOW)
        whole = both[: len(both) // size * size].reshape(-1, size, 2).max(axis=1)
        left, right = [(np.flatnonzero(whole[:, side] > LOUD) * WINDOW).tolist() for side in (0, 1)]
        return cls(left, right, len(both) / 48_000)


def near(moments: Sequence[float], others: Sequence[float], within: float = NEAR_SECONDS) -> float:
    """The part of the moments that have one of the others close by."""
    those = np.array(others)
    found = [those.size and np.abs(those - at).min() <= within for at in moments]
    return sum(map(bool, found)) / max(1, len(found))


def on_the_line(caller: VoiceCaller, recording: Recording) -> list[float]:
    """When the caller heard agents, in seconds of the recording."""
    began = recording.started_at.timestamp() - (time.time() - time.monotonic())
    return [at - began for at in caller.sounds]


def tone(ms: int, level: int = 8_000) -> list[bytes]:
    count = RATE * ms // 1000
    wave = (level * np.sin(np.arange(count) * 2 * np.pi * 440 / RATE)).astype(np.int16)
    return Encoder().encode(np.stack([wave, wave], axis=1))


def piece(epoch: int, at_ms: int, ms: int = 1_000, level: int = 8_000) -> tuple[Place, bytes]:
    """So much of a tone, on both sides."""
    return Place(epoch, at_ms), ogg(tone(ms, level)[: ms // FRAME_MS])


def cut(seconds: int, every_ms: int) -> tuple[bytes, list[tuple[Place, bytes]]]:
    """A tone as one file, and the same in pieces."""
    packets, step = tone(seconds * 1_000), every_ms // FRAME_MS
    starts = range(0, len(packets), step)
    pieces = [(Place(1, n * FRAME_MS), ogg(packets[n : n + step])) for n in starts]
    return ogg(packets), pieces
