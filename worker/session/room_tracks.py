"""Tracks that a worker publishes in a room in addition to the voice of its agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from worker.audio.hold_tone import FRAME_SECONDS, PERIOD_SECONDS, RATE, hold_notes
from worker.common.side_tasks import side_task

HOLD_TRACK, PRIVATE_TRACK = "hold", "private"
QUEUE_MS = 1_000
PUBLISH_TIMEOUT_SECONDS = 10.0
UNPUBLISH_TIMEOUT_SECONDS = 2.0


class TrackNotPublished(Exception):
    """LiveKit does not publish a track of this worker."""


@asynccontextmanager
async def published_track(room: rtc.Room, name: str, rate: int) -> AsyncGenerator[rtc.AudioSource]:
    """The source of a track that is published for the duration of the block. Raises
    `TrackNotPublished`."""
    source = rtc.AudioSource(rate, 1, queue_size_ms=QUEUE_MS)
    track = rtc.LocalAudioTrack.create_audio_track(name, source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    try:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                await room.local_participant.publish_track(track, options)
        except (PublishTrackError, TimeoutError) as error:
            raise TrackNotPublished(f"The track {name} could not be published.") from error
        yield source
    finally:
        await _unpublish(room, name)
        await source.aclose()


async def _unpublish(room: rtc.Room, name: str) -> None:
    """The track has another id than before after a restart of LiveKit's server."""
    for sid in track_sids(room, name):
        with suppress(Exception):  # the room is closed, or the track is gone
            async with asyncio.timeout(UNPUBLISH_TIMEOUT_SECONDS):
                await room.local_participant.unpublish_track(sid)


def track_sids(room: rtc.Room, *names: str) -> list[str]:
    """The ids of this worker's tracks with these names."""
    tracks = room.local_participant.track_publications.values()
    return [track.sid for track in tracks if track.name in names]


@asynccontextmanager
async def hold_tone(room: rtc.Room) -> AsyncGenerator[None]:
    """Play the hold tone for the duration of the block."""
    async with published_track(room, HOLD_TRACK, RATE) as source, side_task(_play(source)):
        yield


async def _play(source: rtc.AudioSource) -> None:
    samples = round(RATE * FRAME_SECONDS)
    while True:
        for notes in hold_notes():
            await source.capture_frame(rtc.AudioFrame(notes, RATE, 1, samples))
        await asyncio.sleep(PERIOD_SECONDS)
