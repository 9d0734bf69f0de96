"""The participant of a telephone call in its LiveKit room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from livekit import api, rtc
from livekit.protocol.room import RoomConfiguration
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto.stats_pb2 import DtlsTransportState, RtcStats

from domain.common.tasks import cancel_and_wait, first_event
from local.emulators.livekit_sip.mixer import AudioMixer
from local.livekit import LivekitCredentials
from local.phone.dtmf import DIGITS, DigitTiming
from local.phone.g711 import FRAME_SAMPLES, RATE, Samples
from local.phone.media import FRAME_SECONDS, Media

CAPTURED_SAMPLES = RATE // 100
"""A source without a queue takes 10 ms at a time."""
MAX_QUEUED_CHUNKS = 10
CONNECT_TIMEOUT_SECONDS = 10.0
VISIBILITY_INTERVAL_SECONDS = 0.01
SUBSCRIPTION_ATTEMPTS, SUBSCRIPTION_INTERVAL_SECONDS = 5, 1.0
BROADCAST_SECONDS = 0.1
"""How long the server collects changes of participants before it sends them to the others."""
AUDIO_TIMEOUT_SECONDS = 10.0
UPDATE_TIMEOUT_SECONDS = LEAVE_TIMEOUT_SECONDS = 5.0
DTMF_TIMING = DigitTiming(digit=0.25, pause=0.25)
"""livekit-sip sends two digits per second."""

RpcHandler = Callable[[rtc.RpcInvocationData], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Livekit:
    """The real LiveKit server whose rooms the calls join."""

    credentials: LivekitCredentials
    client: api.LiveKitAPI


@dataclass(frozen=True, slots=True)
class LegIdentity:
    """How the participant appears in the room."""

    room: str
    identity: str
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    room_config: RoomConfiguration | None = None

    def token(self, livekit: LivekitCredentials) -> str:
        grants = api.VideoGrants(
            room_join=True,
            room=self.room,
            can_publish=True,
            can_subscribe=True,
            can_publish_data=True,
            # Without it, the server ignores changes of attributes silently.
            can_update_own_metadata=True,
        )
        token = (
            api.AccessToken(livekit.key, livekit.secret)
            .with_identity(self.identity)
            .with_name(self.name)
            .with_metadata(self.metadata)
            .with_kind("sip")
            .with_attributes(dict(self.attributes))
            .with_grants(grants)
        )
        if self.room_config is not None:
            token = token.with_room_config(self.room_config)
        return token.to_jwt()


class RoomLeg:
    """Joins the room and carries audio and digits between it and the telephone line."""

    def __init__(self, livekit: Livekit, identity: LegIdentity) -> None:
        self.identity = identity
        self.left = asyncio.Event()
        """The participant was removed, the room was deleted, or the connection was lost."""
        self.hears_audio = asyncio.Event()
        """At least one audio track of another participant is subscribed."""
        self._livekit = livekit
        self._room = rtc.Room()
        # Without a queue, because a source with one sends silence while it is empty.
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self._mixer = AudioMixer()
        self._media: Media | None = None
        self._subscribes = False
        self._received: set[str] = set()
        """The tracks that have arrived, by sid."""
        self._outgoing: deque[Samples] = deque(maxlen=MAX_QUEUED_CHUNKS)
        self._digits: asyncio.Queue[str] = asyncio.Queue()
        self._is_closed = False
        self._visible = asyncio.Event()
        self._updates = asyncio.Lock()
        self._task_group: asyncio.TaskGroup
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def sid(self) -> str:
        return self._room.local_participant.sid

    @property
    def room_name(self) -> str:
        return self.identity.room

    async def join(self, rpc_methods: Mapping[str, RpcHandler], tasks: asyncio.TaskGroup) -> None:
        """Join the room and publish a track at once, as livekit-sip does while it dials."""
        self._task_group = tasks
        room = self._room
        room.on("disconnected", lambda _: self.left.set())
        room.on("reconnected", lambda: self._start(self._subscribe_again()))
        room.on("local_track_republished", self._on_rejoined)
        room.on("track_published", lambda publication, _: self._subscribe_to(publication))
        room.on("track_subscribed", self._on_track)
        room.on("sip_dtmf_received", self._on_digit)
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await room.connect(
                self._livekit.credentials.url,
                self.identity.token(self._livekit.credentials),
                rtc.RoomOptions(auto_subscribe=False),
            )
            for method, handler in rpc_methods.items():
                room.local_participant.register_rpc_method(method, handler)
            name = self.identity.identity
            track = rtc.LocalAudioTrack.create_audio_track(name, self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
            await room.local_participant.publish_track(track, options)
        self._start(self._watch_visibility(track))

    async def _watch_visibility(self, track: rtc.LocalAudioTrack) -> None:
        """Others see a participant when the connection that it receives media on stands, and a
        little later. The one that it sends on may take longer on a busy machine, and audio that is
        sent before it stands is lost: an answer is not reported before that."""
        name = self.identity
        request = api.RoomParticipantIdentity(room=name.room, identity=name.identity)
        try:
            while not self.left.is_set():
                participant = await self._livekit.client.room.get_participant(request)
                if participant.state == api.ParticipantInfo.State.ACTIVE:
                    await asyncio.sleep(BROADCAST_SECONDS)
                    await self._wait_until_sending(track)
                    return
                await asyncio.sleep(VISIBILITY_INTERVAL_SECONDS)
        except (api.ServerError, aiohttp.ClientError):
            pass  # removed, or the server is down
        finally:
            self._visible.set()

    async def _wait_until_sending(self, track: rtc.LocalAudioTrack) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AUDIO_TIMEOUT_SECONDS):
                while not self.left.is_set():
                    if _is_sending(await track.get_stats()):
                        return
                    await asyncio.sleep(VISIBILITY_INTERVAL_SECONDS)

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Change attributes, in the order of the calls. Waits until others see the participant: they
        would miss its first status otherwise."""
        async with self._updates:
            await self._visible.wait()
            if self._room.isconnected():
                with suppress(TimeoutError):  # the room may close at any moment
                    async with asyncio.timeout(UPDATE_TIMEOUT_SECONDS):
                        await self._room.local_participant.set_attributes(dict(attributes))

    async def set_status(self, status: str) -> None:
        await self.set_attributes({"sip.callStatus": status})

    def _on_rejoined(self, *_: object) -> None:
        """livekit-sip rejoins with its first token after a restart of LiveKit, so its status is again
        what it was at the beginning. The tracks of others are new, too; `reconnected`, which follows,
        subscribes to them."""
        self._received.clear()
        self._start(self.set_status(self.identity.attributes["sip.callStatus"]))

    def subscribe(self) -> None:
        """Listen to all participants from now on."""
        self._subscribes = True
        self._subscribe_to_all()

    def connect(self, media: Media) -> None:
        """Connect the telephone line with the room."""
        self._media = media
        media.source = self._mixer.next_frame
        media.audio_listeners.append(self._outgoing.append)
        media.digit_listeners.append(self._digits.put_nowait)
        self._start(self._publish_audio())
        self._start(self._publish_digits())

    async def leave(self, reason: rtc.DisconnectReason.ValueType) -> None:
        """Leave once; later calls change nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_SECONDS), self._updates:
                await first_event(self._visible, self.left)
                await self._room.disconnect(reason=reason)
        await cancel_and_wait(*self._tasks)
        queue = getattr(self._room, "_ffi_queue", None)
        if queue is not None:  # the library still queues events for a closed room
            FfiClient.instance.queue.unsubscribe(queue)
        await self._source.aclose()

    # ---- from the room to the telephone ----------------------------------------------------

    def _subscribe_to_all(self) -> None:
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._subscribe_to(publication)

    async def _subscribe_again(self) -> None:
        """Subscribe after a reconnect. The request is lost if the connection breaks again, so it is
        repeated for a while for tracks that have never arrived."""
        for _ in range(SUBSCRIPTION_ATTEMPTS):
            self._subscribe_to_all()
            await asyncio.sleep(SUBSCRIPTION_INTERVAL_SECONDS)

    def _subscribe_to(self, publication: rtc.RemoteTrackPublication) -> None:
        is_audio = publication.kind == rtc.TrackKind.KIND_AUDIO
        if self._subscribes and is_audio and publication.sid not in self._received:
            publication.set_subscribed(True)

    def _on_track(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, *_: object
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._received.add(publication.sid)
            self._start(self._mixer.read(track))
            self.hears_audio.set()

    def _on_digit(self, dtmf: rtc.SipDTMF) -> None:
        if self._media is not None and len(dtmf.digit) == 1 and dtmf.digit in DIGITS:
            self._media.send_digits(dtmf.digit, DTMF_TIMING)

    # ---- from the telephone to the room ----------------------------------------------------

    async def _publish_audio(self) -> None:
        """Publish 20 ms every 20 ms, and nothing while nothing arrives: livekit-sip passes on what it
        receives."""
        loop = asyncio.get_running_loop()
        due, pending = loop.time(), np.zeros(0, np.int16)
        while True:
            due = max(due + FRAME_SECONDS, loop.time() - FRAME_SECONDS)
            await asyncio.sleep(max(0.0, due - loop.time()))
            while self._outgoing and len(pending) < FRAME_SAMPLES:
                pending = np.concatenate((pending, self._outgoing.popleft()))
            if not len(pending):
                continue
            frame, pending = pending[:FRAME_SAMPLES], pending[FRAME_SAMPLES:]
            frame = np.pad(frame, (0, FRAME_SAMPLES - len(frame)))
            for part in np.split(frame, FRAME_SAMPLES // CAPTURED_SAMPLES):
                await self._source.capture_frame(
                    rtc.AudioFrame(part.tobytes(), RATE, 1, CAPTURED_SAMPLES)
                )

    async def _publish_digits(self) -> None:
        while True:
            digit = await self._digits.get()
            with suppress(rtc.participant.PublishDTMFError):  # the connection is lost
                await self._room.local_participant.publish_dtmf(
                    code=DIGITS.index(digit), digit=digit
                )

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._task_group.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_sending(statistics: Sequence[RtcStats]) -> bool:
    """Whether the connection that audio is sent on is encrypted, which is the last step."""
    transports = (each.transport.transport for each in statistics if each.HasField("transport"))
    connected = DtlsTransportState.DTLS_TRANSPORT_CONNECTED
    return any(transport.dtls_state == connected for transport in transports)
