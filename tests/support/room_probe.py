"""A participant of a LiveKit room that notes what happens there, speaks a tone and hears tones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from livekit import api, rtc

from domain.common.tasks import cancel_and_wait
from local.livekit import LivekitCredentials
from local.phone.g711 import RATE, Samples
from local.phone.tones import amplitude_of, sine
from tests.support.waiting import WAIT_SECONDS, until
from worker.session.room_connection import leave_room

FRAME_SAMPLES = RATE // 50
MAX_HEARD_SAMPLES = 60 * RATE
AUDIBLE_AMPLITUDE = 1_500.0
"""Half of the tones that phones and probes send, as Opus and G.711 leave it, is far above this."""


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something that happened to another participant: joined, changed, published, left."""

    kind: str
    identity: str
    detail: str = ""


class RoomProbe:
    def __init__(self, livekit: LivekitCredentials, room: str, identity: str = "agent") -> None:
        self.events: list[RoomEvent] = []
        self.digits: list[tuple[str, str]] = []
        """The DTMF digits that arrived, with the identity of their sender."""
        self.room = rtc.Room()
        self._livekit, self._name, self._identity = livekit, room, identity
        self._heard: dict[str, list[Samples]] = {}
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=100)
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self) -> None:
        room = self.room
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        room.on("participant_attributes_changed", self._on_attributes)
        room.on("track_subscribed", self._on_track)
        room.on("sip_dtmf_received", self._on_digit)
        token = (
            api.AccessToken(self._livekit.key, self._livekit.secret)
            .with_identity(self._identity)
            .with_grants(api.VideoGrants(room_join=True, room=self._name))
            .to_jwt()
        )
        async with asyncio.timeout(WAIT_SECONDS):
            await room.connect(self._livekit.url, token)

    async def speak(self, hertz: float) -> None:
        """Publish a track with a tone that never ends."""
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._send_tone(hertz)))

    async def leave(self) -> None:
        await cancel_and_wait(*self._tasks)
        async with asyncio.timeout(WAIT_SECONDS):
            await leave_room(self.room)

    # ---- waiting ---------------------------------------------------------------------------

    async def until(
        self, condition: Callable[[], bool], timeout_seconds: float = WAIT_SECONDS
    ) -> None:
        await until(condition, timeout_seconds)

    async def until_left(self, identity: str, timeout_seconds: float = WAIT_SECONDS) -> str:
        """Wait until a participant has left, and return why."""
        await self.until(lambda: self.reason(identity) is not None, timeout_seconds)
        return self.reason(identity) or ""

    async def until_status(self, identity: str, status: str) -> None:
        """Wait until the status of a telephone call has been this one."""
        await self.until(lambda: status in self.statuses(identity))

    async def until_heard(self, identity: str, hertz: float) -> None:
        """Wait until a participant is heard with a tone."""
        await self.until(lambda: self.amplitude(identity, hertz) > AUDIBLE_AMPLITUDE)

    # ---- what happened ---------------------------------------------------------------------

    def statuses(self, identity: str) -> list[str]:
        """The statuses of a telephone call in their order."""
        return [
            event.detail
            for event in self.events
            if event.identity == identity and event.kind == "status" and event.detail
        ]

    def amplitude(self, identity: str, hertz: float, seconds: float = 0.4) -> float:
        """How loud a tone was lately in what a participant says."""
        frames = self._heard.get(identity, [])[-round(seconds * 50) :]
        if not frames:
            return 0.0
        return amplitude_of(np.concatenate(frames), hertz)

    def forget_audio(self) -> None:
        """Measure only what arrives from now on."""
        for frames in self._heard.values():
            frames.clear()

    def attributes(self, identity: str) -> Mapping[str, str]:
        return self.room.remote_participants[identity].attributes

    def reason(self, identity: str) -> str | None:
        """Why a participant left; None if it is still there."""
        left = [e.detail for e in self.events if (e.kind, e.identity) == ("left", identity)]
        return left[0] if left else None

    # ---- events of the room ----------------------------------------------------------------

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        kind = rtc.ParticipantKind.Name(participant.kind)
        self.events.append(RoomEvent("joined", participant.identity, kind))
        status = participant.attributes.get("sip.callStatus", "")
        self.events.append(RoomEvent("status", participant.identity, status))

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if status := changed.get("sip.callStatus"):
            self.events.append(RoomEvent("status", participant.identity, status))

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        reason = participant.disconnect_reason
        name = "" if reason is None else rtc.DisconnectReason.Name(reason)
        self.events.append(RoomEvent("left", participant.identity, name))

    def _on_digit(self, dtmf: rtc.SipDTMF) -> None:
        sender = dtmf.participant.identity if dtmf.participant else ""
        self.digits.append((sender, dtmf.digit))

    def _on_track(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks.append(asyncio.create_task(self._hear(track, who.identity)))

    async def _hear(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        frames = self._heard.setdefault(identity, [])
        try:
            async for event in stream:
                frames.append(np.frombuffer(event.frame.data, np.int16).copy())
                del frames[: -MAX_HEARD_SAMPLES // FRAME_SAMPLES]
        finally:
            await stream.aclose()

    async def _send_tone(self, hertz: float) -> None:
        second = sine(hertz, 1)  # a whole number of periods, so that it can be repeated
        while True:
            for start in range(0, len(second), FRAME_SAMPLES):
                frame = second[start : start + FRAME_SAMPLES]
                await self._source.capture_frame(
                    rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME_SAMPLES)
                )


@asynccontextmanager
async def joined_probe(
    livekit: LivekitCredentials, room: str, identity: str = "agent"
) -> AsyncIterator[RoomProbe]:
    probe = RoomProbe(livekit, room, identity)
    await probe.join()
    try:
        yield probe
    finally:
        await probe.leave()
