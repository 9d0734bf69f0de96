"""What a caller on hold hears: short tones, and announcements between them."""

from __future__ import annotations

import array
import asyncio
import math
from contextlib import suppress

from livekit import rtc

RATE = 8_000
"""Of a telephone line."""
FRAME_SAMPLES = RATE // 10
"""Frames of 100 ms take half the work of shorter ones."""
QUEUE_MS = 400
TRACK_NAME = "hold"
TONE_HERTZ = 350
TONE_SECONDS = 0.4
TONE_INTERVAL_SECONDS = 4.0
"""From one tone to the next. During the silence between them hardly a packet is sent."""
AMPLITUDE = 3_000
FADE_SAMPLES = RATE // 50


def hold_tone() -> bytes:
    """One tone, which fades in and out so that it does not click."""
    count = int(RATE * TONE_SECONDS)
    samples = (
        AMPLITUDE
        * min(1.0, n / FADE_SAMPLES, (count - n) / FADE_SAMPLES)
        * math.sin(2 * math.pi * TONE_HERTZ * n / RATE)
        for n in range(count)
    )
    return array.array("h", map(round, samples)).tobytes()


TONE = hold_tone()


class HoldAudio:
    """The track of a lobby in a room."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)

    async def publish(self, room: rtc.Room) -> None:
        track = rtc.LocalAudioTrack.create_audio_track(TRACK_NAME, self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=True)
        await room.local_participant.publish_track(track, options)

    async def play(self, pcm: bytes) -> None:
        """Play samples of 16 bits, and return when they were played."""
        size = 2 * FRAME_SAMPLES
        for start in range(0, len(pcm), size):
            part = pcm[start : start + size].ljust(size, b"\0")
            await self._source.capture_frame(rtc.AudioFrame(part, RATE, 1, FRAME_SAMPLES))
        await self._source.wait_for_playout()

    async def play_tone(self) -> None:
        """Play a tone and the silence after it."""
        await self.play(TONE)
        await asyncio.sleep(TONE_INTERVAL_SECONDS - TONE_SECONDS)

    async def close(self) -> None:
        """Fall silent at once."""
        with suppress(Exception):  # of a source whose room is gone
            self._source.clear_queue()
            await self._source.aclose()
