"""The audio of one call: sends and receives RTP on a UDP port."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from domain.common.tasks import cancel_and_wait
from local.phone import g711, rtp
from local.phone.dtmf import DIGIT_TIMING, DigitTiming, DtmfReceiver, EventFrame, event_frames
from local.phone.g711 import FRAME_SAMPLES, RATE, Samples
from local.phone.heard_audio import HeardAudio
from local.phone.jitter_buffer import AudioTimeline, JitterBuffer
from local.phone.rtp import RtpPacket
from local.phone.sdp import PCMU, TELEPHONE_EVENT, AudioSession

HOST = "127.0.0.1"
FRAME_SECONDS = FRAME_SAMPLES / RATE
MAX_LATE_SECONDS = 0.2
"""A sender that is further behind skips frames instead of sending them all at once."""
BIND_ATTEMPTS = 50

FrameSource = Callable[[], Samples | None]
"""Returns the next 20 ms to send; None for silence."""
AudioListener = Callable[[Samples], None]
DigitListener = Callable[[str], None]


class Media(asyncio.DatagramProtocol):
    """One RTP stream in each direction. Nothing is sent before `connect`."""

    def __init__(self) -> None:
        self.heard = HeardAudio()
        self.digits = ""
        """The DTMF digits received so far."""
        self.packets_received = 0
        self.last_packet_at: float | None = None
        """When the last packet arrived, in seconds of `monotonic`."""
        self.sends = True
        """False stops sending without ending the call, as a broken network would."""
        self.source: FrameSource = self._next_queued
        self.audio_listeners: list[AudioListener] = []
        self.digit_listeners: list[DigitListener] = []
        self._remote: AudioSession | None = None
        self._queue: deque[Samples] = deque()
        self._repeated: Samples | None = None
        self._played = asyncio.Event()
        self._played.set()
        self._events: deque[Iterator[EventFrame]] = deque()
        self._changed = asyncio.Event()
        self._jitter_buffer, self._timeline = JitterBuffer(), AudioTimeline()
        self._dtmf = DtmfReceiver()
        self._sequence = secrets.randbelow(1 << 16)
        self._timestamp = secrets.randbelow(1 << 32)
        self._event_timestamp = 0
        self._ssrc = secrets.randbits(32)
        self._was_silent = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transports of asyncio are not subclasses of it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def start(self) -> None:
        self._sending = asyncio.create_task(self._send_frames())

    @property
    def session(self) -> AudioSession:
        """Where this side receives audio."""
        host, port = self._transport.get_extra_info("sockname")[:2]
        dtmf_payload = self._remote.dtmf_payload if self._remote else TELEPHONE_EVENT
        return AudioSession(host, port, dtmf_payload)

    def connect(self, remote: AudioSession) -> None:
        """Send to this address from now on."""
        self._remote = remote

    def take_over(self, other: Media) -> None:
        """Continue the stream of another port: to the same address, with the same listeners."""
        self._remote = other._remote
        self.heard, self.digits = other.heard, other.digits
        self.audio_listeners = other.audio_listeners
        self.digit_listeners = other.digit_listeners

    async def close(self) -> None:
        await cancel_and_wait(self._sending)
        self._transport.close()

    # ---- sending ---------------------------------------------------------------------------

    def play(self, samples: Samples, *, repeat: bool = False) -> None:
        """Play these samples instead of what is queued, once or again and again."""
        self._queue.clear()
        self._repeated = samples if repeat else None
        self.queue(samples)

    def queue(self, samples: Samples) -> None:
        """Play these samples after those that are queued."""
        if len(samples):
            self._queue.append(samples)
            self._played.clear()

    def drop_queued(self, keep: int) -> None:
        """Drop the oldest queued chunks except so many."""
        while len(self._queue) > keep:
            self._queue.popleft()

    async def until_played(self) -> None:
        await self._played.wait()

    def send_digits(self, digits: str, timing: DigitTiming = DIGIT_TIMING) -> None:
        """Send DTMF after the digits that are still being sent."""
        self._events.append(event_frames(digits, timing))

    @property
    def is_sending_digits(self) -> bool:
        return bool(self._events)

    async def until_digits_sent(self) -> None:
        while self._events:
            await self._changed.wait()

    def _next_queued(self) -> Samples | None:
        frame, filled = np.zeros(FRAME_SAMPLES, np.int16), 0
        while filled < FRAME_SAMPLES:
            if not self._queue:
                if self._repeated is None:
                    break
                self._queue.append(self._repeated)
            chunk = self._queue.popleft()
            part = chunk[: FRAME_SAMPLES - filled]
            frame[filled : filled + len(part)] = part
            filled += len(part)
            if len(rest := chunk[len(part) :]):
                self._queue.appendleft(rest)
        if not self._queue:
            self._played.set()
        return frame if filled else None

    async def _send_frames(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += FRAME_SECONDS
            if (late := loop.time() - due) > MAX_LATE_SECONDS:
                due += late
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._remote is not None:
                self._send_frame(self._remote)

    def _send_frame(self, remote: AudioSession) -> None:
        self._timestamp = (self._timestamp + FRAME_SAMPLES) % (1 << 32)
        event = self._next_event()
        if event is None:
            frame = self.source()
            samples = np.zeros(FRAME_SAMPLES, np.int16) if frame is None else frame
            self._send(remote, PCMU, g711.encode(samples), self._timestamp, self._was_silent)
        elif event.payload and remote.dtmf_payload is not None:
            if event.is_start:
                self._event_timestamp = self._timestamp
            self._send(
                remote, remote.dtmf_payload, event.payload, self._event_timestamp, event.is_start
            )
        self._was_silent = event is not None

    def _next_event(self) -> EventFrame | None:
        while self._events:
            if (event := next(self._events[0], None)) is not None:
                return event
            self._events.popleft()
            self._notify()
        return None

    def _send(
        self, remote: AudioSession, payload_type: int, payload: bytes, at: int, marker: bool
    ) -> None:
        if not self.sends:
            return
        self._sequence = (self._sequence + 1) % (1 << 16)
        packet = RtpPacket(payload_type, self._sequence, at, self._ssrc, payload, marker)
        self._transport.sendto(packet.encode(), remote.address)

    # ---- receiving -------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if (packet := rtp.parse(data)) is None:
            return
        self.packets_received += 1
        self.last_packet_at = time.monotonic()
        for ordered in self._jitter_buffer.add(packet):
            self._receive(ordered)
        self._notify()

    def error_received(self, exc: Exception) -> None:
        """The other side has closed its port; the call notices that by other means."""

    def _receive(self, packet: RtpPacket) -> None:
        if packet.payload_type == PCMU:
            samples = self._timeline.decode(packet)
            self.heard.append(samples)
            for listener in self.audio_listeners:
                listener(samples)
        elif packet.payload_type == self.session.dtmf_payload:
            for digit in self._dtmf.receive(packet):
                self.digits += digit
                for on_digit in self.digit_listeners:
                    on_digit(digit)

    # ---- waiting ---------------------------------------------------------------------------

    async def until_packet(self) -> None:
        """Wait for the first packet."""
        while self.last_packet_at is None:
            await self._changed.wait()

    async def until_digits(self, count: int, timeout_seconds: float = 60) -> str:
        """Wait for so many digits in total and return them."""
        async with asyncio.timeout(timeout_seconds):
            while len(self.digits) < count:
                await self._changed.wait()
        return self.digits

    async def until_heard(self, seconds: float, timeout_seconds: float = 60) -> Samples:
        """Wait for so much more audio and return it."""
        start = self.heard.position
        async with asyncio.timeout(timeout_seconds):
            while self.heard.position < start + seconds * RATE:
                await self._changed.wait()
        return self.heard.since(start)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def open_media(host: str = HOST) -> Media:
    """Receive on a free port. It is an even one, as RTP wants it."""
    loop = asyncio.get_running_loop()
    for _ in range(BIND_ATTEMPTS):
        transport, media = await loop.create_datagram_endpoint(Media, local_addr=(host, 0))
        if media.session.port % 2 == 0:
            media.start()
            return media
        transport.close()
    raise OSError(f"no even UDP port is free on {host}")
