"""WAV files with 16-bit PCM, mono."""

from __future__ import annotations

import struct
import wave
from io import BytesIO

CHUNK_HEADER = struct.Struct("<4sI")
FORMAT = struct.Struct("<HHIIHH")
PCM, EXTENSIBLE = 1, 0xFFFE
BYTES_PER_SAMPLE = 2
MAX_CHUNKS = 64


class NotWav(Exception):
    """The content is no WAV file with 16-bit PCM, mono."""


def encode_wav(samples: bytes, rate: int) -> bytes:
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(BYTES_PER_SAMPLE)
        file.setframerate(rate)
        file.writeframes(samples)
    return content.getvalue()


def decode_wav(content: bytes) -> tuple[bytes, int]:
    """The samples and their rate. Raises `NotWav`.

    Not with the standard library, which believes the header: a program that writes to a pipe does not
    know the size of its data beforehand, so the data ends at the latest with the content."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise NotWav
    rate, at = 0, 12
    for _ in range(MAX_CHUNKS):
        if at + CHUNK_HEADER.size > len(content):
            break
        name, size = CHUNK_HEADER.unpack_from(content, at)
        at += CHUNK_HEADER.size
        if name == b"fmt " and at + FORMAT.size <= len(content):
            kind, channels, rate, _, _, bits = FORMAT.unpack_from(content, at)
            if kind not in (PCM, EXTENSIBLE) or (channels, bits) != (1, 16):
                raise NotWav
        elif name == b"data":
            end = at + size if size else len(content)
            samples = content[at:end]
            return samples[: len(samples) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], rate
        at += size + size % 2
    raise NotWav
