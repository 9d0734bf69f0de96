"""WAV files: read any common format as mono, and record a conversation in stereo."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

WAVE_FORMAT_EXTENSIBLE = 0xFFFE
MAX_DURATION_SECONDS = 120.0
MIX_WINDOW_SECONDS = 2.0
"""Audio older than this is written to the file, because no more late samples can arrive for it."""


class WavError(Exception):
    """A file cannot be read or written; the message names the file and the problem."""


def read_wav(path: Path) -> tuple[int, Samples]:
    """The sample rate in Hz, and the samples with all channels mixed to one."""
    try:
        chunks = dict(_chunks(path.read_bytes()))
    except OSError as error:
        raise WavError(f"{path}: {error.strerror}") from None
    except (struct.error, ValueError):
        raise WavError(f"{path} is not a WAV file") from None
    try:
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
        if kind == WAVE_FORMAT_EXTENSIBLE:
            [kind] = struct.unpack_from("<H", chunks[b"fmt "], 24)
        data = chunks[b"data"]
    except (KeyError, struct.error):
        raise WavError(f"{path} is a WAV file without audio") from None
    if not 1 <= channels <= 32 or not 8_000 <= rate <= 192_000:
        raise WavError(f"{path} has {channels} channels at {rate} Hz, which is not supported")
    values = _values(kind, bits, data)
    if values is None:
        raise WavError(f"{path} is neither PCM nor float: convert it to 16-bit PCM")
    mixed = values[: len(values) // channels * channels].reshape(-1, channels).mean(axis=1)
    if not 0 < len(mixed) <= rate * MAX_DURATION_SECONDS:
        raise WavError(
            f"{path} is {len(mixed) / rate:g} s long;"
            f" it must be longer than 0 s and at most {MAX_DURATION_SECONDS:g} s"
        )
    return rate, (np.nan_to_num(mixed).clip(-1.0, 1.0) * 32_767).astype(np.int16)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    riff, _, form = struct.unpack_from("<4sI4s", content)
    if (riff, form) != (b"RIFF", b"WAVE"):
        raise ValueError
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        # The declared size may be too large, as a program that writes to a pipe does not know it.
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _values(kind: int, bits: int, data: bytes) -> NDArray[np.float64] | None:
    """Convert the samples to floats from -1 to 1; None for an unsupported encoding."""
    match kind, bits:
        case (1, 8):  # PCM
            return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
        case (1, 24):
            bytes_ = np.frombuffer(data[: len(data) // 3 * 3], np.uint8).reshape(-1, 3)
            wide = np.zeros((len(bytes_), 4), np.uint8)
            wide[:, 1:] = bytes_
            return wide.view("<i4").ravel().astype(np.float64) / 2**31
        case (1, 16 | 32):
            whole = data[: len(data) // (bits // 8) * (bits // 8)]
            return np.frombuffer(whole, f"<i{bits // 8}").astype(np.float64) / 2.0 ** (bits - 1)
        case (3, 32 | 64):  # float
            whole = data[: len(data) // (bits // 8) * (bits // 8)]
            return np.frombuffer(whole, f"<f{bits // 8}").astype(np.float64)
        case _:
            return None


class StereoRecorder:
    """Records a conversation as a WAV file with the caller left and the agent right, on a common
    time line. The file is valid at any moment."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._channels: tuple[Samples, Samples] = (np.zeros(0, np.int16), np.zeros(0, np.int16))
        self._written = 0
        try:
            # Opened here, because an object of `wave` that cannot open its file complains later.
            self._output = path.open("wb")
        except OSError as error:
            raise WavError(f"{path}: {error.strerror}") from None
        self._file = wave.open(self._output, "wb")  # noqa: SIM115 closed by close
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def add_caller(self, at: float, samples: Samples) -> None:
        self._mix(0, at, samples)

    def add_agent(self, at: float, samples: Samples) -> None:
        self._mix(1, at, samples)

    def _mix(self, side: int, at: float, samples: Samples) -> None:
        """Mix the samples in at second `at`; drop those whose position has already been written."""
        start = round(at * self._rate) - self._written
        samples = samples[max(0, -start) :]
        start = max(0, start)
        end = start + len(samples)
        self._grow_to(end)
        old = self._channels[side][start:end].astype(np.int32)
        self._channels[side][start:end] = (old + samples).clip(-32_768, 32_767)
        self._write(len(self._channels[0]) - round(MIX_WINDOW_SECONDS * self._rate))

    def _grow_to(self, end: int) -> None:
        if (more := end - len(self._channels[0])) > 0:
            # Allocate a second more than needed, so that most calls need not grow the arrays.
            silence = np.zeros(more + self._rate, np.int16)
            left, right = self._channels
            self._channels = np.concatenate((left, silence)), np.concatenate((right, silence))

    def _write(self, count: int) -> None:
        if count < self._rate:
            return
        left, right = self._channels
        self._file.writeframes(np.stack((left[:count], right[:count]), axis=1).tobytes())
        self._channels = left[count:].copy(), right[count:].copy()
        self._written += count

    def close(self, at: float) -> None:
        """Close the file; the conversation lasted `at` seconds."""
        count = max(0, round(at * self._rate) - self._written)
        self._grow_to(count)
        left, right = self._channels
        self._file.writeframes(np.stack((left[:count], right[:count]), axis=1).tobytes())
        self._file.close()
        self._output.close()
