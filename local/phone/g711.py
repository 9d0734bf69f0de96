"""G.711 µ-law (PCMU), the codec that every telephone understands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
FRAME_SAMPLES = RATE // 50
"""The samples of a packet: 20 ms."""
BIAS, MAX_MAGNITUDE = 0x84, 32_635
SILENCE = 0xFF

Samples = NDArray[np.int16]


def _decoding_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + BIAS) << ((code & 0x70) >> 4)) - BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    """Indexed by the sample as an unsigned number of 16 bits."""
    sample = np.arange(65_536).astype(np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), MAX_MAGNITUDE) + BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


DECODING_TABLE, ENCODING_TABLE = _decoding_table(), _encoding_table()


def encode(samples: Samples) -> bytes:
    return ENCODING_TABLE[samples.view(np.uint16)].tobytes()


def decode(payload: bytes) -> Samples:
    return DECODING_TABLE[np.frombuffer(payload, np.uint8)]
