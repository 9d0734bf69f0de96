"""RTP packets (RFC 3550)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHII")
VERSION = 2


@dataclass(frozen=True, slots=True)
class RtpPacket:
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        head = HEADER.pack(VERSION << 6, second, self.sequence, self.timestamp, self.ssrc)
        return head + self.payload


def parse(datagram: bytes) -> RtpPacket | None:
    """None if the datagram is not an RTP packet."""
    if len(datagram) < HEADER.size or datagram[0] >> 6 != VERSION:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    start = HEADER.size + 4 * (first & 0x0F)  # after the contributing sources
    if first & 0x10:  # a header extension
        if len(datagram) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    end = len(datagram) - (datagram[-1] if first & 0x20 else 0)  # without the padding
    if end < start:
        return None
    return RtpPacket(
        second & 0x7F, sequence, timestamp, ssrc, datagram[start:end], bool(second & 0x80)
    )


def difference(later: int, earlier: int, bits: int) -> int:
    """The signed distance between two numbers of a counter that wraps around."""
    size = 1 << bits
    return (later - earlier + size // 2) % size - size // 2
