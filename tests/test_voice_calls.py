"""Voice calls in a real room: a caller who makes sounds, agents who answer with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from livekit import rtc

from domain.access import Viewer
from domain.actions.calls import CallRequest, end_call, start_call, ticket
from domain.agents import ProviderChoice
from domain.calls import CallKind
from domain.events import (
    AgentTurn,
    CallEnded,
    CallerPresent,
    HandedOff,
    TurnMeasured,
    UserTurn,
)
from domain.ports import Services
from domain.rooms import Ticket
from domain.settings import Settings
from local.livekit import Access
from persistence.wiring import api_services
from tests import clinic
from tests.emulators.speech import Speech, speech, tone
from tests.test_text_calls import watch, working

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

RATE = 48_000
EARS = ProviderChoice(provider="deepgram", model="nova-3")
VOICE = ProviderChoice(provider="cartesia", model="sonic-3")


class Caller:
    """In the room with a microphone; keeps when the agent was heard."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard = asyncio.Event()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=400)
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, ticket: Ticket) -> None:
        self.room.on("track_subscribed", self._listen)
        async with asyncio.timeout(10):
            await self.room.connect(ticket.url, ticket.token)
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self.room.local_participant.publish_track(track, options)

    def _listen(self, track: rtc.Track, *_: object) -> None:
        self._tasks.append(asyncio.create_task(self._hear(rtc.AudioStream(track))))

    async def _hear(self, stream: rtc.AudioStream) -> None:
        async for event in stream:
            samples = np.frombuffer(event.frame.data, dtype=np.int16)
            if np.abs(samples).max(initial=0) > 1_000:
                self.heard.set()

    async def speak(self, seconds: float = 1.0) -> None:
        """A sound, then silence."""
        pcm = tone(seconds, RATE) + bytes(RATE * 2)
        step = RATE // 50 * 2
        for start in range(0, len(pcm) - step + 1, step):
            frame = rtc.AudioFrame(pcm[start : start + step], RATE, 1, step // 2)
            await self._source.capture_frame(frame)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.room.disconnect()


@asynccontextmanager
async def voice_clinic(
    settings: Settings, viewer: Viewer, livekit: Access, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Services, Speech]]:
    async with speech() as heard:
        voiced = replace(
            settings,
            livekit_url=livekit.url,
            livekit_api_key=livekit.key,
            livekit_api_secret=livekit.secret,
            deepgram_api_key="stand-in",
            deepgram_base_url=heard.url,
            cartesia_api_key="stand-in",
            cartesia_base_url=heard.url,
        )
        for name in ("RECEPTION", "BOOKING"):
            spec = replace(getattr(clinic, name), stt=EARS, tts=VOICE)
            monkeypatch.setattr(clinic, name, spec)
        async with api_services(voiced) as services, working(voiced):
            await clinic.publish_clinic(services, viewer)
            yield services, heard


async def test_a_call_is_heard_answered_handed_off_and_ended(
    settings: Settings, viewer: Viewer, livekit: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with voice_clinic(settings, viewer, livekit, monkeypatch) as (services, heard):
        heard.words = ["I need an appointment", "tomorrow at ten"]
        request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
        call = await start_call(services, viewer, request, 3600)
        caller = Caller()
        entry = ticket(services, call)
        assert entry is not None
        await caller.join(entry)
        async with asyncio.timeout(10):
            await caller.heard.wait()
        await watch(services, viewer, call.id, AgentTurn)
        await caller.speak()
        seen = await watch(services, viewer, call.id, HandedOff)
        await watch(services, viewer, call.id, AgentTurn, 3)
        await caller.speak()
        seen = await watch(services, viewer, call.id, TurnMeasured, 2)
        await end_call(services, viewer, call.id)
        seen = await watch(services, viewer, call.id, CallEnded)
        await caller.leave()
        assert [e.text for e in seen if isinstance(e, UserTurn)] == [
            "I need an appointment",
            "tomorrow at ten",
        ]
        assert [e.heard_text for e in seen if isinstance(e, AgentTurn)] == [
            "Sunrise Clinic, hello.",
            "One moment.",
            "Booking here. When suits you?",
            "You are booked for tomorrow at ten.",
        ]
        assert CallerPresent(present=True) in seen
        assert heard.ears == 1
        measured = [e for e in seen if isinstance(e, TurnMeasured)]
        assert [bool(e.first_audio_ms) for e in measured] == [True, True], measured
