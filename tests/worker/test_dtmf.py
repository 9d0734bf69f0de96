"""Keys are recognized by their tones, on tones and speech that pass G.711 and noise."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest

from bench.harness.answering.sounds import (
    RATE,
    Samples,
    over_the_phone,
    silence,
    to_pcm,
    tone,
    with_noise,
)
from bench.harness.answering.voices import espeak, spoken_samples
from tests.support.dtmf_tones import dtmf_tone
from worker.audio.dtmf import DtmfDetector

PRESSED = "159*0#2345678991100ABCD"
NOISES = (None, 20.0, 10.0)
"""How much softer the noise is, in decibels."""
SPEECH = (
    "Please enter the four digits of your account: one, five, nine, zero. You, who knew two moody "
    "gnomes, may also say more: a long, slow, low tone of voice went on and on for nearly an hour."
)


def at_rate(line: Samples, rate: int) -> bytes:
    times = np.arange(len(line) * rate // RATE) * RATE / rate
    return to_pcm(np.interp(times, np.arange(len(line)), line))


def recognized(line: Samples, noise: float | None = None, rate: int = 16_000) -> str:
    line = over_the_phone(line if noise is None else with_noise(line, noise, 1))
    return DtmfDetector(rate).add(at_rate(line, rate))


def pressed(keys: str, on: float, off: float, pitch: float = 1.0) -> Samples:
    parts = [silence(0.313)]
    for key in keys:
        parts += [dtmf_tone(key, on, pitch=pitch) / 32_768, silence(off)]
    return np.concatenate([*parts, silence(0.5)])


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("on", "off"), [(0.3, 0.2), (0.1, 0.1), (0.06, 0.05)])
def test_keys_are_recognized_once_each(on: float, off: float, noise: float | None) -> None:
    for rate in (8_000, 16_000):
        assert recognized(pressed(PRESSED, on, off), noise, rate) == PRESSED


@pytest.mark.parametrize("pitch", [0.985, 1.015])
def test_the_tones_may_be_off_by_one_and_a_half_percent(pitch: float) -> None:
    assert recognized(pressed(PRESSED, 0.1, 0.1, pitch), 20.0) == PRESSED


def test_keys_do_not_depend_on_how_the_audio_is_cut() -> None:
    pcm = at_rate(pressed(PRESSED, 0.1, 0.1), 16_000)
    for size in (2, 34, 320, 2_560, 5_000):
        detector = DtmfDetector(16_000)
        parts = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        assert "".join(map(detector.add, parts)) == PRESSED


@pytest.mark.parametrize(
    "hertz",
    [(440.0, 480.0), (480.0, 620.0), (350.0, 440.0), (425.0,), (697.0,), (1_400.0,), (2_100.0,)],
    ids=str,
)
def test_other_tones_of_a_line_are_no_keys(hertz: tuple[float, ...]) -> None:
    assert "".join(recognized(tone(hertz, 2.0), noise) for noise in NOISES) == ""


def test_speech_has_no_keys() -> None:
    program = espeak()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("espeak-ng is needed in CI")
        pytest.skip("SPEECH IS NOT TESTED FOR KEYS: apt-get install espeak-ng")
    for language, noise in product(("en", "de", "es"), NOISES):
        assert recognized(spoken_samples(SPEECH, language, program), noise) == ""
