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

RATE = 24_000
BITS = 48_000
"""A second, for both sides. Much less, and the two are heard in each other's ear."""
FRAME_MS = 20
TICKS = 48 * FRAME_MS
"""Of a packet: Opus counts at 48 kHz, whatever it was given."""
LEAD = 312
"""Ticks that the encoder takes before the first sound; players leave them out."""
TICK = Fraction(1, 48_000)


class Encoder:
    """Of stereo sound, in order."""

    def __init__(self) -> None:
        # What kind of context it is, the library tells only of codecs that it has listed.
        made: Any = av.CodecContext.create("libopus", "w")
        made.sample_rate, made.layout, made.format = RATE, "stereo", "s16"
        made.bit_rate = BITS
        made.options = {
            "application": "audio",
            "frame_duration": str(FRAME_MS),
            "compression_level": "5",
        }
        made.open()
        self._context = made

    def encode(self, both: Samples) -> list[bytes]:
        """`both`: a row for each moment, left and right."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(both).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = RATE
        return [bytes(packet) for packet in self._context.encode(frame)]

    def rest(self) -> list[bytes]:
        return [bytes(packet) for packet in self._context.encode(None)]


class Ogg:
    """A file that packets are written to, each 20 ms after the one before."""

    def __init__(self, to: io.BytesIO | Path) -> None:
        target: Any = to if isinstance(to, io.BytesIO) else str(to)
        self._file: Any = av.open(target, mode="w", format="ogg")
        self._stream = self._file.add_stream("libopus", rate=RATE, layout="stereo")
        self.packets = 0

    def add(self, packet: bytes) -> None:
        made = av.Packet(packet)
        made.stream = self._stream
        made.time_base = TICK
        made.pts = made.dts = self.packets * TICKS - LEAD
        made.duration = TICKS
        self._file.mux(made)
        self.packets += 1

    def close(self) -> None:
        self._file.close()


def ogg(packets: Sequence[bytes]) -> bytes:
    buffer = io.BytesIO()
    file = Ogg(buffer)
    for packet in packets:
        file.add(packet)
    file.close()
    return buffer.getvalue()


def packets_in(sound: bytes) -> list[bytes]:
    file: Any = av.open(io.BytesIO(sound), mode="r", format="ogg")
    try:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]
    finally:
        file.close()


def silence(count: int) -> Iterator[bytes]:
    """So many packets of nothing."""
    encoder, samples = Encoder(), RATE * FRAME_MS // 1000
    nothing = np.zeros((samples, 2), dtype=np.int16)
    given = 0
    while given < count:
        for packet in encoder.encode(nothing)[: count - given]:
            given += 1
            yield packet


def decoded(sound: bytes) -> Samples:
    """A row for each moment at 48 kHz, left and right."""
    with av.open(io.BytesIO(sound), mode="r", format="ogg") as file:
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000)
        frames = [f for each in file.decode(audio=0) for f in resampler.resample(each)]
    parts = [frame.to_ndarray().reshape(-1, 2) for frame in frames]
    return cast(Samples, np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.int16))
