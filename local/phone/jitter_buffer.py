"""Puts received RTP packets into their order, and audio onto its time line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from local.phone import g711
from local.phone.g711 import RATE, Samples
from local.phone.rtp import RtpPacket, difference

MAX_WAITING_PACKETS = 5
"""A packet that is missing for longer than this, here 100 ms, counts as lost."""
MAX_JUMP_PACKETS = 500
"""After a larger jump of the sequence numbers, the sender has started a new stream."""
MAX_FILLED_SAMPLES = 5 * RATE
"""The longest pause of the sender that is filled with silence."""


class JitterBuffer:
    """Orders packets by sequence number. Drops repeated packets and those that come too late."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._next = 0
        self._waiting: dict[int, RtpPacket] = {}
        self.lost = 0

    def add(self, packet: RtpPacket) -> Iterator[RtpPacket]:
        """Yield the packets that are now in order."""
        ahead = difference(packet.sequence, self._next, 16)
        if packet.ssrc != self._ssrc or abs(ahead) > MAX_JUMP_PACKETS:
            self._ssrc, self._next, self._waiting, ahead = packet.ssrc, packet.sequence, {}, 0
        if ahead < 0:
            return
        self._waiting[packet.sequence] = packet
        while self._waiting:
            if self._next not in self._waiting:
                if len(self._waiting) <= MAX_WAITING_PACKETS:
                    return
                self.lost += 1
            else:
                yield self._waiting.pop(self._next)
            self._next = (self._next + 1) % 65_536


class AudioTimeline:
    """Decodes audio packets and fills the pauses of the sender with silence."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._expected = 0

    def decode(self, packet: RtpPacket) -> Samples:
        samples = g711.decode(packet.payload)
        pause = difference(packet.timestamp, self._expected, 32)
        is_continued = packet.ssrc == self._ssrc
        self._ssrc = packet.ssrc
        self._expected = (packet.timestamp + len(samples)) % (1 << 32)
        if is_continued and 0 < pause <= MAX_FILLED_SAMPLES:
            return np.concatenate((np.zeros(pause, np.int16), samples))
        return samples
