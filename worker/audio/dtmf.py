"""Recognizes keys by their tones in the audio of a phone, for carriers that send no events for them.

A key sounds at one of four low frequencies and one of four high ones. A frame of 20 ms holds a key if
nearly all of its energy is at two of them. Speech has too much energy elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW_HERTZ = (697.0, 770.0, 852.0, 941.0)
HIGH_HERTZ = (1_209.0, 1_336.0, 1_477.0, 1_633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
"""By the low frequency, and then by the high one."""
FRAME_SECONDS = 0.02
MIN_LEVEL_DB = -40.0
"""Softer frames, relative to full scale, hold no key."""
MIN_PURITY, MIN_PURITY_WHILE_PRESSED = 0.65, 0.5
"""The share of the energy at the two frequencies with which a key begins, and with which it continues."""
MAX_TWIST_DB = 8.0
"""How much louder one of the two may be."""
MIN_FRAMES = 2
"""The frames that a key takes: a tone of 50 ms fills two."""
GAP_FRAMES = 2
"""The frames without a key after which it counts as pressed again."""

Samples = NDArray[np.floating[Any]]


class DtmfDetector:
    def __init__(self, sample_rate: int) -> None:
        self._frame_size = round(sample_rate * FRAME_SECONDS)
        times = np.arange(self._frame_size) / sample_rate
        hertz = np.array([*LOW_HERTZ, *HIGH_HERTZ])
        window = np.hanning(self._frame_size)  # tones may be off by one and a half percent
        self._waves = np.exp(-2j * np.pi * np.outer(hertz, times)) * (window / window.sum())
        self._rest = b""
        self._key: str | None = None
        """The key that sounds, or is about to; None if none does."""
        self._frames = 0
        self._missed = 0
        """Frames without the key since it sounded last."""

    def add(self, pcm: bytes) -> str:
        """Take signed 16-bit mono samples, and return the keys whose tones were recognized in them."""
        self._rest += pcm
        size = 2 * self._frame_size
        whole = len(self._rest) // size * size
        frames, self._rest = self._rest[:whole], self._rest[whole:]
        return "".join(self._follow(frames[at : at + size]) for at in range(0, whole, size))

    def _follow(self, frame: bytes) -> str:
        """The key of the frame if it has sounded for long enough with this frame, else nothing."""
        key = self._key_of(np.frombuffer(frame, np.int16).astype(np.float32) / 32_768)
        if key is not None and key == self._key:
            self._frames, self._missed = self._frames + 1, 0
            return key if self._frames == MIN_FRAMES else ""
        self._missed += 1
        is_recognized = self._frames >= MIN_FRAMES
        if key is not None or not is_recognized or self._missed >= GAP_FRAMES:
            self._key, self._frames, self._missed = key, 0 if key is None else 1, 0
        return ""

    def _key_of(self, samples: Samples) -> str | None:
        energy = float(np.mean(np.square(samples)))
        if 10 * np.log10(energy + 1e-12) < MIN_LEVEL_DB:
            return None
        # A sine of the frequency has half of its energy in each of the two complex waves.
        powers = 2 * np.square(np.abs(self._waves @ samples))
        low, high = int(np.argmax(powers[:4])), int(np.argmax(powers[4:]))
        quiet, loud = sorted((powers[low], powers[4 + high]))
        key = KEYS[low][high]
        is_pressed = key == self._key and self._frames >= MIN_FRAMES
        purity = MIN_PURITY_WHILE_PRESSED if is_pressed else MIN_PURITY
        is_pure = quiet + loud >= purity * energy
        is_balanced = 10 * np.log10(loud / (quiet + 1e-12)) <= MAX_TWIST_DB
        return key if is_pure and is_balanced else None
