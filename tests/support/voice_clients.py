"""Callers that send audio in a real room, and a clinic with emulated speech providers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import numpy as np
from livekit import rtc

from domain.calls.model import Call
from domain.calls.rooms import RoomAccess
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.ports import Services
from domain.use_cases.calls import room_access
from domain.workflows.agents import AgentSpec, ProviderChoice
from domain.workflows.model import WorkflowSpec
from local.emulators.audio import synthetic_speech
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.emulators.voices import Voice
from local.livekit import LivekitCredentials
from persistence.wiring import api_services
from tests.support import heard_audio
from tests.support.demo_workflow import BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.heard_audio import AudioSink
from tests.worker.test_text_calls import running_worker
from worker.session.room_connection import leave_room

RATE = 48_000
FRAME_SAMPLES = RATE // 50
LOUD_AMPLITUDE = 1_000
SILENCE_SECONDS = 0.4
PAUSE_SECONDS = 1.0
"""The shortest pause of a caller between two utterances; the emulators join what is closer."""
MAX_ENDPOINTING_SECONDS = 0.8
"""Seconds. The turn detector treats synthetic speech as unfinished, and would wait for more."""
STT_CHOICE = ProviderChoice(provider="deepgram", model="nova-3")
TTS_CHOICE = ProviderChoice(provider="cartesia", model="sonic-3")


def with_speech(
    *agents: AgentSpec, stt: ProviderChoice = STT_CHOICE, tts: ProviderChoice = TTS_CHOICE
) -> tuple[AgentSpec, ...]:
    return tuple(
        replace(
            agent,
            stt=stt,
            tts=tts,
            session=replace(agent.session, max_endpointing=MAX_ENDPOINTING_SECONDS),
        )
        for agent in agents
    )


def with_voice_providers(
    settings: Settings, livekit: LivekitCredentials, emulator: SpeechEmulator
) -> Settings:
    """The settings with a LiveKit server and with speech providers."""
    return replace(
        settings,
        livekit_url=livekit.url,
        livekit_api_key=livekit.key,
        livekit_api_secret=livekit.secret,
        deepgram_api_key="emulator",
        deepgram_base_url=emulator.url,
        cartesia_api_key="emulator",
        cartesia_base_url=emulator.url,
        sarvam_api_key="emulator",
        sarvam_base_url=emulator.url,
        # A machine that is busy with other tests is not a failing provider.
        stt_timeout_seconds=30,
        tts_timeout_seconds=30,
    )


class VoiceCaller:
    """A caller with a microphone that records when agents are audible, in seconds of `monotonic`.

    With `listen_only` it receives larger frames, which leaves more CPU to what a test with many callers
    tests. `heard` receives all audio, to be decoded into words."""

    def __init__(self, listen_only: bool = False, heard: AudioSink | None = None) -> None:
        self._frame_ms, self._queue_ms = (50, 0) if listen_only else (10, 400)
        self._heard = heard
        self.heard_at: list[float] = []
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._spoke_at = 0.0
        self._open()

    def _open(self) -> None:
        self.room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=self._queue_ms)
        self._disconnected = asyncio.Event()
        self.subscriptions = 0
        """How often an agent has begun to receive the microphone."""

    async def join(self, services: Services, call: Call) -> None:
        entry = room_access(services, call)
        assert entry is not None
        await self.enter(entry)

    async def enter(self, entry: RoomAccess) -> None:
        self.room.on("track_subscribed", self._listen)
        self.room.on("disconnected", lambda _: self._disconnected.set())
        self.room.on("local_track_subscribed", self._count_subscription)
        async with asyncio.timeout(60):
            await self.room.connect(entry.url, entry.token)
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self.room.local_participant.publish_track(track, options)

    def _count_subscription(self, _: rtc.Track) -> None:
        self.subscriptions += 1
        self._changed.set()

    def _listen(self, track: rtc.Track, *_: object) -> None:
        rate = RATE if self._heard is None else heard_audio.RATE
        stream = rtc.AudioStream(track, sample_rate=rate, frame_size_ms=self._frame_ms)
        self._tasks.append(asyncio.create_task(self._record_audio(track.sid, stream)))

    async def _record_audio(self, track: str, stream: rtc.AudioStream) -> None:
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, dtype=np.int16)
                if self._heard is not None:
                    self._heard.add(track, samples)
                if np.abs(samples).max(initial=0) > LOUD_AMPLITUDE:
                    self.heard_at.append(time.monotonic())
                    self._changed.set()
        finally:
            await stream.aclose()

    async def speak(self, seconds: float = 1.0) -> None:
        """Send speech, then silence."""
        await self._speak(seconds)
        await self._send(bytes(RATE))
        await self._source.wait_for_playout()

    async def speak_and_time(self, seconds: float) -> float:
        """Send speech, then silence. Returns when the speech ended, by the clock of the sender."""
        await self._speak(seconds)
        await self._source.wait_for_playout()
        self._spoke_at = time.monotonic()
        self._tasks.append(asyncio.create_task(self._send(bytes(2 * RATE))))
        return self._spoke_at

    async def _speak(self, seconds: float) -> None:
        await asyncio.sleep(self._spoke_at + PAUSE_SECONDS - time.monotonic())
        await self._send(synthetic_speech(seconds, RATE))
        self._spoke_at = time.monotonic() + self._source.queued_duration

    async def _send(self, pcm: bytes) -> None:
        for start in range(0, len(pcm) - 2 * FRAME_SAMPLES + 1, 2 * FRAME_SAMPLES):
            frame = rtc.AudioFrame(pcm[start : start + 2 * FRAME_SAMPLES], RATE, 1, FRAME_SAMPLES)
            await self._source.capture_frame(frame)

    async def wait_for_audio(self, since: float, timeout_seconds: float = 60.0) -> float:
        """The time at which an agent was first audible after `since`."""
        async with asyncio.timeout(timeout_seconds):
            while not (later := [at for at in self.heard_at if at > since]):
                self._changed.clear()
                await self._changed.wait()
        return later[0]

    async def wait_for_silence(self) -> None:
        """Wait until no agent has been audible for `SILENCE_SECONDS`."""
        async with asyncio.timeout(60):
            while self.heard_at:
                remaining = self.heard_at[-1] + SILENCE_SECONDS - time.monotonic()
                if remaining <= 0:
                    break
                await asyncio.sleep(remaining)

    def longest_silence(self, since: float) -> float:
        """The longest silence that ended after `since`, not counting the time before it."""
        pairs = zip(self.heard_at, self.heard_at[1:], strict=False)
        return max((b - max(a, since) for a, b in pairs if b > since), default=0.0)

    async def wait_disconnected(self) -> None:
        """Wait until the room has closed the connection."""
        async with asyncio.timeout(60):
            await self._disconnected.wait()

    async def wait_for_subscription(self, count: int) -> None:
        """Wait until an agent has begun to receive the microphone more than `count` times."""
        async with asyncio.timeout(120):
            while self.subscriptions <= count:
                self._changed.clear()
                await self._changed.wait()

    async def leave(self) -> None:
        await cancel_and_wait(*self._tasks)
        self._tasks.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                await leave_room(self.room)
        self._open()


@asynccontextmanager
async def joined_caller(
    services: Services, call: Call, caller: VoiceCaller | None = None
) -> AsyncIterator[VoiceCaller]:
    """A caller in the room, after the greeting."""
    caller = caller or VoiceCaller()
    try:
        await caller.join(services, call)
        await caller.wait_for_audio(0.0)
        await caller.wait_for_silence()
        yield caller
    finally:
        await caller.leave()


@asynccontextmanager
async def voice_clinic(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    reception: AgentSpec = RECEPTION,
    booking: AgentSpec = BOOKING,
    stt: ProviderChoice = STT_CHOICE,
    tts: ProviderChoice = TTS_CHOICE,
    workflow: WorkflowSpec = CLINIC,
    voice: Voice | None = None,
) -> AsyncIterator[tuple[Services, SpeechEmulator, Settings]]:
    """The published clinic with one worker."""
    async with run_speech_emulator() as emulator:
        emulator.voice = voice or emulator.voice
        voice_settings = with_voice_providers(settings, livekit, emulator)
        async with api_services(voice_settings) as services, running_worker(voice_settings):
            agents = with_speech(reception, booking, stt=stt, tts=tts)
            await publish_clinic(services, viewer, agents, workflow=workflow)
            yield services, emulator, voice_settings
