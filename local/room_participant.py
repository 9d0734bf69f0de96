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

from local.wav import Samples

RATE = 48_000
FRAME_SAMPLES = RATE // 50
QUEUE_MS = 100
MAX_QUEUED_CHUNKS = 20
SPEECH_THRESHOLD = 600
SILENCE_SECONDS = 0.6
CONNECT_TIMEOUT_SECONDS = 10.0
MAX_BACKOFF_SECONDS = 4.0
FINAL_DISCONNECT_REASONS = (
    rtc.DisconnectReason.CLIENT_INITIATED,
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.ROOM_CLOSED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
)
"""After these nobody waits for us in the room."""

Json = dict[str, Any]
AudioListener = Callable[[float, Samples], None]
"""Told of samples, and of the second of the call at which they are heard."""


def resample(rate: int, samples: Samples) -> Samples:
    """At the rate of the telephone."""
    if rate == RATE:
        return samples
    resampler = rtc.AudioResampler(rate, RATE, quality=rtc.AudioResamplerQuality.HIGH)
    frames = [*resampler.push(bytearray(samples.tobytes())), *resampler.flush()]
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


class RoomParticipant:
    """`new_ticket` is asked when the connection is lost for good; what it raises ends it."""

    def __init__(
        self, rejoin: Callable[[], Awaitable[Json]], on_disconnect: Callable[[], None]
    ) -> None:
        self.caller_listeners: list[AudioListener] = []
        self.agent_listeners: list[AudioListener] = []
        self._rejoin = rejoin
        self._on_disconnect = on_disconnect
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        self._outgoing: deque[Samples] = deque()
        self._drained = asyncio.Event()
        self._began = time.monotonic()
        self._last_speech_at = self._began
        self._sent = 0
        self._closing = False
        self._room = rtc.Room()
        self._disconnect_reasons: asyncio.Queue[int] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def elapsed(self) -> float:
        """The second of the call."""
        return time.monotonic() - self._began

    async def run(self, join: Json) -> None:
        """Be in the room, and come back into it, until cancelled or until nobody waits there."""
        pumping = asyncio.create_task(self._publish_frames())
        pause = 0.0
        try:
            while True:
                try:
                    await self._connect(join)
                    pause = 0.0
                    if await self._disconnect_reasons.get() in FINAL_DISCONNECT_REASONS:
                        return
                except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError):
                    pass
                self._on_disconnect()
                await asyncio.sleep(pause)
                pause = min(MAX_BACKOFF_SECONDS, 2 * pause + 0.5)
                join = await self._rejoin()
        finally:
            # Not cancelled: the frame that is on its way would be missed by LiveKit, loudly.
            self._closing = True
            await pumping
            await self._close()

    async def _connect(self, ticket: Json) -> None:
        await self._disconnect()
        room = self._room = rtc.Room()
        room.on("track_subscribed", self._track_subscribed)
        room.on("disconnected", partial(self._room_disconnected, room))
        room.on("reconnecting", self._on_disconnect)
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await room.connect(ticket["url"], ticket["token"])
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)

    def _room_disconnected(self, room: rtc.Room, reason: int) -> None:
        if room is self._room:
            self._disconnect_reasons.put_nowait(reason)

    async def _disconnect(self) -> None:
        room, self._room = self._room, rtc.Room()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await room.disconnect()
        while not self._disconnect_reasons.empty():
            self._disconnect_reasons.get_nowait()

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._disconnect()
        await self._source.aclose()

    # ---- what is said ----------------------------------------------------------------------

    def queue_audio(self, samples: Samples) -> None:
        """Say these after what waits already."""
        self._outgoing.append(samples)
        self._drained.clear()

    def queue_live_audio(self, samples: Samples) -> None:
        """As they are spoken: what comes by a clock of its own must not pile up."""
        while len(self._outgoing) >= MAX_QUEUED_CHUNKS:
            self._outgoing.popleft()
        self.queue_audio(samples)

    async def play(self, samples: Samples) -> None:
        self.queue_audio(samples)
        await self._drained.wait()
        await asyncio.sleep(QUEUE_MS / 1000)

    async def _publish_frames(self) -> None:
        """Always a frame, of silence where nothing is to be said: the call has one clock."""
        self._began = time.monotonic()
        while not self._closing:
            piece = self._next_frame()
            at = self._sent / RATE
            self._sent += FRAME_SAMPLES
            for told in self.caller_listeners:
                told(at, piece)
            await self._source.capture_frame(
                rtc.AudioFrame(piece.tobytes(), RATE, 1, FRAME_SAMPLES)
            )

    def _next_frame(self) -> Samples:
        piece, filled = np.zeros(FRAME_SAMPLES, np.int16), 0
        while self._outgoing and filled < FRAME_SAMPLES:
            first = self._outgoing.popleft()
            taken = first[: FRAME_SAMPLES - filled]
            piece[filled : filled + len(taken)] = taken
            filled += len(taken)
            if len(rest := first[len(taken) :]):
                self._outgoing.appendleft(rest)
        if not self._outgoing:
            self._drained.set()
        return piece

    # ---- what is heard ---------------------------------------------------------------------

    def _track_subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._start_task(self._receive_audio(track))

    async def _receive_audio(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        place = self.elapsed
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                # Frames that come in a bunch were spoken one after the other.
                place = max(place, self.elapsed - SILENCE_SECONDS / 2)
                if np.abs(samples).max(initial=0) > SPEECH_THRESHOLD:
                    self._last_speech_at = time.monotonic()
                for told in self.agent_listeners:
                    told(place, samples)
                place += len(samples) / RATE
        finally:
            await stream.aclose()

    async def wait_for_silence(self) -> None:
        """Until no agent has been heard for a moment."""
        while (left := self._last_speech_at + SILENCE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    def _start_task(self, what: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
