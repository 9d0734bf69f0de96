"""The sounds of phone networks and machines, as samples at 8 kHz between -1 and 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.harness.answering.corpus import Play

RATE = 8_000
LEVEL = 0.25
FADE_SECONDS = 0.005
Samples = NDArray[np.float64]


def sound(play: Play) -> Samples:
    match play.sound:
        case "beep":
            hertz, seconds = play.values
            return tone((hertz,), seconds)
        case "sit":
            return np.concatenate([tone((hertz,), 0.33) for hertz in (950.0, 1400.0, 1800.0)])
        case "fax":
            return tone((2100.0,), 3.0)
        case "busy":
            return np.concatenate([tone((480.0, 620.0), 0.5), silence(0.5)] * 5)
    raise ValueError(f"no sound is named {play.sound!r}")


def tone(hertz: tuple[float, ...], seconds: float) -> Samples:
    times = np.arange(int(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * np.pi * each * times) for each in hertz)
    samples = np.asarray(waves) * LEVEL / len(hertz)
    fade = np.minimum(1.0, np.arange(len(samples)) / (FADE_SECONDS * RATE))
    faded: Samples = samples * fade * fade[::-1]
    return faded


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


def with_noise(samples: Samples, decibels: float, seed: int) -> Samples:
    """Add pink noise that is this much softer than the loud parts of the samples."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    noise = np.fft.irfft(spectrum, len(samples))
    loud = np.sqrt(np.mean(np.square(samples[np.abs(samples) > 0.01]))) if samples.any() else LEVEL
    noise *= loud * 10 ** (-decibels / 20) / np.sqrt(np.mean(np.square(noise)))
    noisy: Samples = samples + noise
    return noisy


def over_the_phone(samples: Samples) -> Samples:
    """The samples after G.711 µ-law, which phone networks use."""
    mu = 255.0
    clipped = np.clip(samples, -1, 1)
    compressed = np.sign(clipped) * np.log1p(mu * np.abs(clipped)) / np.log1p(mu)
    coded = np.round(compressed * 127) / 127
    decoded: Samples = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(mu)) / mu
    return decoded


def to_pcm(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1) * 32_767).astype(np.int16).tobytes()
