"""Ogg Opus: encodes samples, muxes packets into segments and demuxes them again. No packet is
encoded twice, so the segments of one encoder join without a seam, however they were cut.

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
"""Bits per second for both channels; much lower rates cause audible crosstalk."""
FRAME_MS = 20
PACKET_DURATION = 48 * FRAME_MS
"""Duration of a packet in samples at 48 kHz, the clock of Opus whatever its input rate."""
PRE_SKIP = 312
"""Samples at 48 kHz that the encoder adds before the first sound; players skip them."""
TIME_BASE = Fraction(1, 48_000)


class Encoder:
    """Encodes consecutive blocks of stereo samples into Opus packets."""

    def __init__(self) -> None:
        # `Any`: PyAV types the context precisely only for the codec names that it lists.
        context: Any = av.CodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "s16"
        context.bit_rate = BIT_RATE
        context.options = {
            "application": "audio",
            "frame_duration": str(FRAME_MS),
            "compression_level": "5",
        }
        context.open()
        self._context = context

    def encode(self, samples: Samples) -> list[bytes]:
        """Encode `samples`: one row per sample, with the left and the right channel."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = SAMPLE_RATE
        return [bytes(packet) for packet in self._context.encode(frame)]

    def flush(self) -> list[bytes]:
        return [bytes(packet) for packet in self._context.encode(None)]


class OggWriter:
    """Writes Opus packets to an Ogg file, each 20 ms after the previous one."""

    def __init__(self, destination: io.BytesIO | Path) -> None:
        target: Any = destination if isinstance(destination, io.BytesIO) else str(destination)
        self._file: Any = av.open(target, mode="w", format="ogg")
        self._stream = self._file.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
        self.packet_count = 0

    def add(self, packet: bytes) -> None:
        muxed = av.Packet(packet)
        muxed.stream = self._stream
        muxed.time_base = TIME_BASE
        muxed.pts = muxed.dts = self.packet_count * PACKET_DURATION - PRE_SKIP
        muxed.duration = PACKET_DURATION
        self._file.mux(muxed)
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
    """Yield `count` packets of silence."""
    encoder = Encoder()
    silence = np.zeros((SAMPLE_RATE * FRAME_MS // 1000, 2), dtype=np.int16)
    yielded = 0
    while yielded < count:
        for packet in encoder.encode(silence)[: count - yielded]:
            yielded += 1
            yield packet


def decode_ogg(audio: bytes) -> Samples:
    """Decode to 48 kHz: one row per sample, with the left and the right channel."""
    with av.open(io.BytesIO(audio), mode="r", format="ogg") as file:
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000)
        frames = [f for each in file.decode(audio=0) for f in resampler.resample(each)]
    parts = [frame.to_ndarray().reshape(-1, 2) for frame in frames]
    return cast(Samples, np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.int16))
