"""Sound as Opus in Ogg: made of samples, cut into pieces, joined again. No packet is encoded twice:
what one encoder made is one unbroken sound, however often it was cut.

https://www.rfc-editor.org/rfc/rfc7845"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SAMPLE_RATE = 24_000
BIT_RATE = 48_000
"""A second, for both sides. Much less, and the two are heard in each other's ear."""
FRAME_MS = 20
PACKET_DURATION = 48 * FRAME_MS
"""Of a packet: Opus counts at 48 kHz, whatever it was given."""
PRE_SKIP = 312
"""Ticks that the encoder takes before the first sound; players leave them out."""
TIME_BASE = Fraction(1, 48_000)


class Encoder:
    """Of stereo sound, in order."""

    def __init__(self) -> None:
        # What kind of context it is, the library tells only of codecs that it has listed.
        made: Any = av.CodecContext.create("libopus", "w")
        made.sample_rate, made.layout, made.format = SAMPLE_RATE, "stereo", "s16"
        made.bit_rate = BIT_RATE
        made.options = {
            "application": "audio",
            "frame_duration": str(FRAME_MS),
            "compression_level": "5",
        }
        made.open()
        self._context = made

    def encode(self, samples: Samples) -> list[bytes]:
        """`both`: a row for each moment, left and right."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = SAMPLE_RATE
        return [bytes(packet) for packet in self._context.encode(frame)]

    def flush(self) -> list[bytes]:
        return [bytes(packet) for packet in self._context.encode(None)]


class OggWriter:
    """A file that packets are written to, each 20 ms after the one before."""

    def __init__(self, destination: io.BytesIO | Path) -> None:
        target: Any = destination if isinstance(destination, io.BytesIO) else str(destination)
        self._file: Any = av.open(target, mode="w", format="ogg")
        self._stream = self._file.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
        self.packet_count = 0

    def add(self, packet: bytes) -> None:
        made = av.Packet(packet)
        made.stream = self._stream
        made.time_base = TIME_BASE
        made.pts = made.dts = self.packet_count * PACKET_DURATION - PRE_SKIP
        made.duration = PACKET_DURATION
        self._file.mux(made)
        self.packet_count += 1

    def close(self) -> None:
        self._file.close()


def mux_ogg(packets: Sequence[bytes]) -> bytes:
    buffer = io.BytesIO()
    file = OggWriter(buffer)
    for packet in packets:
        file.add(packet)
    file.close()
    return buffer.getvalue()


def demux_ogg(audio: bytes) -> list[bytes]:
    file: Any = av.open(io.BytesIO(audio), mode="r", format="ogg")
    try:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]
    finally:
        file.close()


def silent_packets(count: int) -> Iterator[bytes]:
    """So many packets of nothing."""
    encoder, samples = Encoder(), SAMPLE_RATE * FRAME_MS // 1000
    nothing = np.zeros((samples, 2), dtype=np.int16)
    given = 0
    while given < count:
        for packet in encoder.encode(nothing)[: count - given]:
            given += 1
            yield packet


def decode_ogg(audio: bytes) -> Samples:
    """A row for each moment at 48 kHz, left and right."""
    with av.open(io.BytesIO(audio), mode="r", format="ogg") as file:
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000)
        frames = [f for each in file.decode(audio=0) for f in resampler.resample(each)]
    parts = [frame.to_ndarray().reshape(-1, 2) for frame in frames]
    return cast(Samples, np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.int16))
