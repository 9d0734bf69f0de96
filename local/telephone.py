"""The caller's end of a voice call: a room of LiveKit, with what is said into it and heard from it.

Loaded only for voice: LiveKit takes its time to load."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from livekit import rtc

from local.sound import Samples

RATE = 48_000
FRAME = RATE // 50
QUEUE_MS = 100
MOST_LIVE = 20
LOUD = 600
PAUSE_SECONDS = 0.6
CONNECT_SECONDS = 10.0
LONGEST_PAUSE = 4.0
OURS_TO_END = (
    rtc.DisconnectReason.CLIENT_INITIATED,
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.ROOM_CLOSED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
)
"""After these nobody waits for us in the room."""

Json = dict[str, Any]
Sound = Callable[[float, Samples], None]
"""Told of samples, and of the second of the call at which they are heard."""


def resampled(rate: int, samples: Samples) -> Samples:
    """At the rate of the telephone."""
    if rate == RATE:
        return samples
    resampler = rtc.AudioResampler(rate, RATE, quality=rtc.AudioResamplerQuality.HIGH)
    frames = [*resampler.push(bytearray(samples.tobytes())), *resampler.flush()]
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


class Telephone:
    """`new_ticket` is asked when the connection is lost for good; what it raises ends it."""

    def __init__(self, new_ticket: Callable[[], Awaitable[Json]], lost: Callable[[], None]) -> None:
        self.said: list[Sound] = []
        self.heard: list[Sound] = []
        self._new_ticket = new_ticket
        self._lost = lost
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        self._waiting: deque[Samples] = deque()
        self._spoken = asyncio.Event()
        self._began = time.monotonic()
        self._loud_at = self._began
        self._sent = 0
        self._over = False
        self._room = rtc.Room()
        self._gone: asyncio.Queue[int] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        """The second of the call."""
        return time.monotonic() - self._began

    async def hold(self, ticket: Json) -> None:
        """Be in the room, and come back into it, until cancelled or until nobody waits there."""
        pumping = asyncio.create_task(self._pump())
        pause = 0.0
        try:
            while True:
                try:
                    await self._enter(ticket)
                    pause = 0.0
                    if await self._gone.get() in OURS_TO_END:
                        return
                except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError):
                    pass
                self._lost()
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause + 0.5)
                ticket = await self._new_ticket()
        finally:
            # Not cancelled: the frame that is on its way would be missed by LiveKit, loudly.
            self._over = True
            await pumping
            await self._leave()

    async def _enter(self, ticket: Json) -> None:
        await self._hang_up()
        room = self._room = rtc.Room()
        room.on("track_subscribed", self._listen)
        room.on("disconnected", partial(self._cut_off, room))
        room.on("reconnecting", self._lost)
        async with asyncio.timeout(CONNECT_SECONDS):
            await room.connect(ticket["url"], ticket["token"])
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)

    def _cut_off(self, room: rtc.Room, reason: int) -> None:
        if room is self._room:
            self._gone.put_nowait(reason)

    async def _hang_up(self) -> None:
        room, self._room = self._room, rtc.Room()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await room.disconnect()
        while not self._gone.empty():
            self._gone.get_nowait()

    async def _leave(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hang_up()
        await self._source.aclose()

    # ---- what is said ----------------------------------------------------------------------

    def feed(self, samples: Samples) -> None:
        """Say these after what waits already."""
        self._waiting.append(samples)
        self._spoken.clear()

    def live(self, samples: Samples) -> None:
        """As they are spoken: what comes by a clock of its own must not pile up."""
        while len(self._waiting) >= MOST_LIVE:
            self._waiting.popleft()
        self.feed(samples)

    async def say(self, samples: Samples) -> None:
        self.feed(samples)
        await self._spoken.wait()
        await asyncio.sleep(QUEUE_MS / 1000)

    async def _pump(self) -> None:
        """Always a frame, of silence where nothing is to be said: the call has one clock."""
        self._began = time.monotonic()
        while not self._over:
            piece = self._next()
            at = self._sent / RATE
            self._sent += FRAME
            for told in self.said:
                told(at, piece)
            await self._source.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, FRAME))

    def _next(self) -> Samples:
        piece, filled = np.zeros(FRAME, np.int16), 0
        while self._waiting and filled < FRAME:
            first = self._waiting.popleft()
            taken = first[: FRAME - filled]
            piece[filled : filled + len(taken)] = taken
            filled += len(taken)
            if len(rest := first[len(taken) :]):
                self._waiting.appendleft(rest)
        if not self._waiting:
            self._spoken.set()
        return piece

    # ---- what is heard ---------------------------------------------------------------------

    def _listen(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._start(self._hear(track))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        place = self.now
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                # Frames that come in a bunch were spoken one after the other.
                place = max(place, self.now - PAUSE_SECONDS / 2)
                if np.abs(samples).max(initial=0) > LOUD:
                    self._loud_at = time.monotonic()
                for told in self.heard:
                    told(place, samples)
                place += len(samples) / RATE
        finally:
            await stream.aclose()

    async def quiet(self) -> None:
        """Until no agent has been heard for a moment."""
        while (left := self._loud_at + PAUSE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    def _start(self, what: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
