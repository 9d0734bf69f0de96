"""The caller's side of a voice call: a participant in a LiveKit room who sends and receives audio.

Import this only for voice calls, because importing LiveKit is slow."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
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
"""After a disconnect for one of these reasons there is no call to rejoin."""

Json = dict[str, Any]
AudioListener = Callable[[float, Samples], None]
"""Receives the position in seconds from the start of the call, and the samples heard there."""


def resample(rate: int, samples: Samples, target_rate: int = RATE) -> Samples:
    """Convert to another sample rate, by default that of the room."""
    if rate == target_rate:
        return samples
    resampler = rtc.AudioResampler(rate, target_rate, quality=rtc.AudioResamplerQuality.HIGH)
    frames = [*resampler.push(bytearray(samples.tobytes())), *resampler.flush()]
    return joined(frames)


def joined(frames: Sequence[rtc.AudioFrame]) -> Samples:
    parts = [np.frombuffer(frame.data, np.int16) for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class RoomParticipant:
    """Connects to a room and reconnects. `rejoin` returns new room access after the connection was
    lost; an exception that it raises ends the participation."""

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
        """Seconds since the start of the call."""
        return time.monotonic() - self._began

    async def run(self, join: Json) -> None:
        """Stay in the room, reconnecting as needed, until cancelled or until the call has ended."""
        publishing = asyncio.create_task(self._publish_frames())
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
            # Let the task finish: cancelled in the middle of a frame, LiveKit logs errors.
            self._closing = True
            await publishing
            await self._close()

    async def _connect(self, join: Json) -> None:
        await self._disconnect()
        room = self._room = rtc.Room()
        room.on("track_subscribed", self._track_subscribed)
        room.on("disconnected", partial(self._room_disconnected, room))
        room.on("reconnecting", self._on_disconnect)
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await room.connect(join["url"], join["token"])
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

    # ---- outgoing audio --------------------------------------------------------------------

    def queue_audio(self, samples: Samples) -> None:
        """Play these samples after those that are already queued."""
        self._outgoing.append(samples)
        self._drained.clear()

    def queue_live_audio(self, samples: Samples) -> None:
        """Queue samples from a microphone. Drops the oldest ones if the microphone's clock runs
        faster than the call's, so that latency does not grow."""
        while len(self._outgoing) >= MAX_QUEUED_CHUNKS:
            self._outgoing.popleft()
        self.queue_audio(samples)

    async def play(self, samples: Samples) -> None:
        self.queue_audio(samples)
        await self._drained.wait()
        await asyncio.sleep(QUEUE_MS / 1000)

    async def _publish_frames(self) -> None:
        """Publish frames without a gap, silent ones when nothing is queued, so that the number of
        samples sent is the clock of the call."""
        self._began = time.monotonic()
        while not self._closing:
            frame = self._next_frame()
            at = self._sent / RATE
            self._sent += FRAME_SAMPLES
            for listener in self.caller_listeners:
                listener(at, frame)
            await self._source.capture_frame(
                rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME_SAMPLES)
            )

    def _next_frame(self) -> Samples:
        frame, filled = np.zeros(FRAME_SAMPLES, np.int16), 0
        while self._outgoing and filled < FRAME_SAMPLES:
            chunk = self._outgoing.popleft()
            part = chunk[: FRAME_SAMPLES - filled]
            frame[filled : filled + len(part)] = part
            filled += len(part)
            if len(rest := chunk[len(part) :]):
                self._outgoing.appendleft(rest)
        if not self._outgoing:
            self._drained.set()
        return frame

    # ---- incoming audio --------------------------------------------------------------------

    def _track_subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._start_task(self._receive_audio(track))

    async def _receive_audio(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        position = self.elapsed
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                # Frames that arrive in a burst were spoken one after the other.
                position = max(position, self.elapsed - SILENCE_SECONDS / 2)
                if np.abs(samples).max(initial=0) > SPEECH_THRESHOLD:
                    self._last_speech_at = time.monotonic()
                for listener in self.agent_listeners:
                    listener(position, samples)
                position += len(samples) / RATE
        finally:
            await stream.aclose()

    async def wait_for_silence(self) -> None:
        """Wait until the agent has been silent for `SILENCE_SECONDS`."""
        while (remaining := self._last_speech_at + SILENCE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(remaining)

    def _start_task(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
