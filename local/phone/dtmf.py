"""DTMF digits as telephone events in RTP (RFC 2833 and RFC 4733)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from local.phone.g711 import FRAME_SAMPLES, RATE
from local.phone.rtp import RtpPacket

DIGITS = "0123456789*#ABCD"
PAUSE = "w"
"""In a sequence of digits, a pause of half a second."""
PAUSE_SECONDS = 0.5
EVENT = struct.Struct("!BBH")
END, VOLUME = 0x80, 10
END_PACKETS = 3
"""The end of an event is sent several times, in case a packet is lost."""


@dataclass(frozen=True, slots=True)
class DigitTiming:
    """How long each digit and the pause after it are, in seconds."""

    digit: float = 0.16
    pause: float = 0.08


DIGIT_TIMING = DigitTiming()


@dataclass(frozen=True, slots=True)
class EventFrame:
    """What is sent in one frame of 20 ms instead of audio: nothing during a pause."""

    payload: bytes = b""
    is_start: bool = False


def is_dialable(digits: str) -> bool:
    return set(digits) <= {*DIGITS, PAUSE}


def event_frames(digits: str, timing: DigitTiming) -> Iterator[EventFrame]:
    for digit in digits:
        if digit == PAUSE:
            yield from [EventFrame()] * _frames(PAUSE_SECONDS)
        else:
            yield from _digit_frames(DIGITS.index(digit), _frames(timing.digit))
            yield from [EventFrame()] * _frames(timing.pause)


def _digit_frames(event: int, frames: int) -> Iterator[EventFrame]:
    for frame in range(1, frames + 1):
        yield EventFrame(EVENT.pack(event, VOLUME, frame * FRAME_SAMPLES), is_start=frame == 1)
    for _ in range(END_PACKETS):
        yield EventFrame(EVENT.pack(event, END | VOLUME, frames * FRAME_SAMPLES))


def _frames(seconds: float) -> int:
    return max(1, round(seconds * RATE / FRAME_SAMPLES))


class DtmfReceiver:
    """Recognizes each digit once, at its end; or when the next one begins, if its end was lost."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._unfinished = ""

    def receive(self, packet: RtpPacket) -> str:
        """The digits that are complete with this packet."""
        if len(packet.payload) < EVENT.size:
            return ""
        event, flags, _ = EVENT.unpack_from(packet.payload)
        complete = ""
        if packet.timestamp != self._timestamp:
            complete = self._unfinished
            self._timestamp = packet.timestamp
            self._unfinished = DIGITS[event] if event < len(DIGITS) else ""
        if flags & END:
            complete += self._unfinished
            self._unfinished = ""
        return complete
