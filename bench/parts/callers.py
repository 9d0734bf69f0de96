"""A process of many callers who cost little: they subscribe and do not listen, and say something
now and then. `python -m bench.parts.callers`; each line of its input is a ticket: url, token."""

from __future__ import annotations

import asyncio
import sys

from livekit import rtc

from domain.tasks import end
from tests.emulators.speech import syllables

RATE, FRAME = 16_000, 1_600
EVERY_SECONDS, WORDS_SECONDS = 7.0, 0.8


async def call(url: str, token: str, late: float) -> None:
    """Until the room ends; `late` keeps callers from speaking all at once."""
    room, gone = rtc.Room(), asyncio.Event()
    room.on("disconnected", lambda _: gone.set())
    await room.connect(url, token)
    source = rtc.AudioSource(RATE, 1, queue_size_ms=400)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    talking = asyncio.create_task(_talk(source, late))
    await gone.wait()
    await end(talking)


async def _talk(source: rtc.AudioSource, late: float) -> None:
    await _send(source, bytes(2 * int(RATE * (3 + late))))
    words = syllables(WORDS_SECONDS, RATE)
    turn = words + bytes(2 * int(RATE * EVERY_SECONDS) - len(words))
    while True:
        await _send(source, turn)


async def _send(source: rtc.AudioSource, pcm: bytes) -> None:
    for start in range(0, len(pcm) - 2 * FRAME + 1, 2 * FRAME):
        piece = pcm[start : start + 2 * FRAME]
        await source.capture_frame(rtc.AudioFrame(piece, RATE, 1, FRAME))


async def main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        count = 0
        async for line in lines:
            url, token = line.decode().split()
            tasks.create_task(call(url, token, late=count * 1.7 % EVERY_SECONDS))
            count += 1


if __name__ == "__main__":
    asyncio.run(main())
