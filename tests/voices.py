"""Callers that make sounds in a real room, and a clinic that hears and speaks by stand-ins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import numpy as np
from livekit import rtc

from domain.access import Viewer
from domain.actions.calls import ticket
from domain.agents import AgentSpec, ProviderChoice
from domain.calls import Call
from domain.ports import Services
from domain.rooms import Ticket
from domain.settings import Settings
from domain.tasks import end
from local.livekit import Access
from persistence.wiring import api_services
from tests.clinic import BOOKING, RECEPTION, publish_clinic
from tests.emulators.sounds import syllables
from tests.emulators.speech import Speech, speech
from tests.test_text_calls import working
from worker.joining import leave

RATE = 48_000
FRAME = RATE // 50
LOUD = 1_000
PAUSE_SECONDS = 0.4
SOON = 0.8
"""The detector takes made-up speech for unfinished, and would wait for more."""
EARS = ProviderChoice(provider="deepgram", model="nova-3")
VOICE = ProviderChoice(provider="cartesia", model="sonic-3")


def voiced(
    *agents: AgentSpec, ears: ProviderChoice = EARS, voice: ProviderChoice = VOICE
) -> tuple[AgentSpec, ...]:
    return tuple(
        replace(agent, stt=ears, tts=voice, session=replace(agent.session, max_endpointing=SOON))
        for agent in agents
    )


def speaking(settings: Settings, livekit: Access, heard: Speech) -> Settings:
    """The same installation with a LiveKit and with providers of speech."""
    return replace(
        settings,
        livekit_url=livekit.url,
        livekit_api_key=livekit.key,
        livekit_api_secret=livekit.secret,
        deepgram_api_key="stand-in",
        deepgram_base_url=heard.url,
        cartesia_api_key="stand-in",
        cartesia_base_url=heard.url,
        sarvam_api_key="stand-in",
        sarvam_base_url=heard.url,
        # A machine that is busy with other tests is no provider that fails.
        stt_timeout_seconds=30,
        tts_timeout_seconds=30,
    )


class VoiceCaller:
    """In the room with a microphone; keeps when agents were heard, in seconds of `monotonic`.

    One of many only listens, and not as finely: that leaves the machine to what they are to test."""

    def __init__(self, one_of_many: bool = False) -> None:
        self._grain_ms, self._queue_ms = (50, 0) if one_of_many else (10, 400)
        self.sounds: list[float] = []
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._open()

    def _open(self) -> None:
        self.room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=self._queue_ms)
        self._gone = asyncio.Event()
        self._back = asyncio.Event()

    async def join(self, services: Services, call: Call) -> None:
        entry = ticket(services, call)
        assert entry is not None
        await self.enter(entry)

    async def enter(self, entry: Ticket) -> None:
        self.room.on("track_subscribed", self._listen)
        self.room.on("disconnected", lambda _: self._gone.set())
        self.room.on("reconnected", self._back.set)
        async with asyncio.timeout(60):
            await self.room.connect(entry.url, entry.token)
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self.room.local_participant.publish_track(track, options)

    def _listen(self, track: rtc.Track, *_: object) -> None:
        stream = rtc.AudioStream(track, frame_size_ms=self._grain_ms)
        self._tasks.append(asyncio.create_task(self._hear(stream)))

    async def _hear(self, stream: rtc.AudioStream) -> None:
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, dtype=np.int16)
                if np.abs(samples).max(initial=0) > LOUD:
                    self.sounds.append(time.monotonic())
                    self._changed.set()
        finally:
            await stream.aclose()

    async def speak(self, seconds: float = 1.0) -> None:
        """A sound, then silence."""
        await self._send(syllables(seconds, RATE) + bytes(RATE))
        await self._source.wait_for_playout()

    async def says(self, seconds: float) -> float:
        """Speak, and go on with silence; when the sound was over, by the clock that sends it."""
        await self._send(syllables(seconds, RATE))
        await self._source.wait_for_playout()
        over = time.monotonic()
        self._tasks.append(asyncio.create_task(self._send(bytes(2 * RATE))))
        return over

    async def _send(self, pcm: bytes) -> None:
        for start in range(0, len(pcm) - 2 * FRAME + 1, 2 * FRAME):
            frame = rtc.AudioFrame(pcm[start : start + 2 * FRAME], RATE, 1, FRAME)
            await self._source.capture_frame(frame)

    async def hears(self, since: float, patience: float = 60.0) -> float:
        """When an agent was first heard after that moment."""
        async with asyncio.timeout(patience):
            while not (later := [at for at in self.sounds if at > since]):
                self._changed.clear()
                await self._changed.wait()
        return later[0]

    async def quiet(self) -> None:
        """Until no agent has been heard for a moment."""
        async with asyncio.timeout(60):
            while self.sounds:
                left = self.sounds[-1] + PAUSE_SECONDS - time.monotonic()
                if left <= 0:
                    break
                await asyncio.sleep(left)

    def gap(self, since: float) -> float:
        """The longest silence that ended after that moment; counted from it at the earliest."""
        pairs = zip(self.sounds, self.sounds[1:], strict=False)
        return max((b - max(a, since) for a, b in pairs if b > since), default=0.0)

    async def put_out(self) -> None:
        """Until the room has ended our connection."""
        async with asyncio.timeout(60):
            await self._gone.wait()

    async def reconnected(self) -> None:
        await self._back.wait()

    async def leave(self) -> None:
        await end(*self._tasks)
        self._tasks.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                await leave(self.room)
        self._open()


@asynccontextmanager
async def in_the_room(
    services: Services, call: Call, caller: VoiceCaller | None = None
) -> AsyncIterator[VoiceCaller]:
    """A caller who has heard the greeting."""
    caller = caller or VoiceCaller()
    try:
        await caller.join(services, call)
        await caller.hears(0.0)
        await caller.quiet()
        yield caller
    finally:
        await caller.leave()


@asynccontextmanager
async def voice_clinic(
    settings: Settings,
    viewer: Viewer,
    livekit: Access,
    reception: AgentSpec = RECEPTION,
    booking: AgentSpec = BOOKING,
    ears: ProviderChoice = EARS,
    voice: ProviderChoice = VOICE,
) -> AsyncIterator[tuple[Services, Speech, Settings]]:
    """The clinic, open for calls, with one worker."""
    async with speech() as heard:
        with_voice = speaking(settings, livekit, heard)
        async with api_services(with_voice) as services, working(with_voice):
            agents = voiced(reception, booking, ears=ears, voice=voice)
            await publish_clinic(services, viewer, agents)
            yield services, heard, with_voice
