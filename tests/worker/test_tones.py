"""The detector of tones on a phone line, on tones that pass G.711 and noise."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest

from bench.harness.answering.corpus import Play
from bench.harness.answering.sounds import (
    RATE,
    Samples,
    over_the_phone,
    silence,
    sound,
    to_pcm,
    tone,
    with_noise,
)
from bench.harness.answering.voices import espeak, spoken_samples
from domain.telephony.answering.hearing import ToneKind
from worker.audio.tones import ToneDetector

NOISES = (None, 20.0, 10.0)
"""How much softer the noise is, in decibels."""
SPEECH = (
    "The quick brown fox jumps over the lazy dog while seven wizards quietly boxed up all of the "
    "old zinc jugs, and a long slow humming tone of voice went on and on through the evening."
)


def heard(samples: Samples, noise: float | None = None, rate: int = RATE) -> list[ToneKind]:
    line = np.concatenate([silence(0.5), samples, silence(1.0)])
    line = over_the_phone(line if noise is None else with_noise(line, noise, 1))
    if rate != RATE:
        times = np.arange(len(line) * rate // RATE) * RATE / rate
        line = np.interp(times, np.arange(len(line)), line)
    return [each.kind for each in ToneDetector(rate).add(to_pcm(line))]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("hertz", [440.0, 620.0, 850.0, 1_000.0, 1_400.0, 2_000.0])
def test_a_beep_is_heard_through_noise(hertz: float, noise: float | None) -> None:
    for rate in (8_000, 16_000):
        assert heard(tone((hertz,), 0.4), noise, rate) == [ToneKind.BEEP]


def test_the_time_of_a_beep_is_that_of_the_audio() -> None:
    line = np.concatenate([silence(1.0), tone((1_000.0,), 0.4), silence(0.5)])
    (beep,) = ToneDetector(RATE).add(to_pcm(line))
    assert beep.started_at == pytest.approx(1.0, abs=0.04)
    assert beep.ended_at == pytest.approx(1.4, abs=0.04)


def test_the_tone_of_a_fax_machine_may_have_gaps_where_packets_were_lost() -> None:
    parts = [tone((2_100.0,), 0.7), silence(0.1)] * 3
    assert heard(np.concatenate(parts))[-1] is ToneKind.FAX
    assert ToneKind.FAX not in heard(np.concatenate([tone((2_100.0,), 0.7), silence(0.6)] * 3))


def test_tones_do_not_depend_on_how_the_audio_is_cut() -> None:
    pcm = to_pcm(np.concatenate([silence(0.3), tone((850.0,), 0.5), silence(0.5)]))
    whole = ToneDetector(RATE).add(pcm)
    for size in (2, 34, 320, 1_280, 5_000):
        detector = ToneDetector(RATE)
        parts = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        assert [each for part in parts for each in detector.add(part)] == whole


@pytest.mark.parametrize("noise", NOISES[:2])
@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (sound(Play("sit", ())), ToneKind.SIT),
        (sound(Play("fax", ())), ToneKind.FAX),
        (np.concatenate([tone((1_100.0,), 0.5), silence(3.0)] * 2), ToneKind.FAX),
        (sound(Play("busy", ())), ToneKind.BUSY),
        (np.concatenate([tone((425.0,), 0.5), silence(0.5)] * 5), ToneKind.BUSY),
        (np.concatenate([tone((425.0,), 0.25), silence(0.25)] * 6), ToneKind.BUSY),
    ],
    ids=["sit", "answering fax", "calling fax", "busy us", "busy eu", "fast busy eu"],
)
def test_the_tones_of_networks_and_machines_are_recognized(
    samples: Samples, kind: ToneKind, noise: float | None
) -> None:
    kinds = heard(samples, noise)
    assert kinds.count(kind) == 1
    assert set(kinds) <= {kind, ToneKind.BEEP}


@pytest.mark.parametrize(
    "samples",
    [
        np.concatenate([tone((440.0, 480.0), 2.0), silence(4.0)] * 2),
        np.concatenate([tone((425.0,), 1.0), silence(4.0)] * 2),
        np.concatenate([tone((697.0, 1_209.0), 0.3), silence(0.2)] * 5),
        tone((1_000.0,), 0.1),
        silence(5.0),
    ],
    ids=["ringing us", "ringing eu", "keys", "too short", "silence"],
)
def test_other_sounds_of_a_line_are_no_tones(samples: Samples) -> None:
    assert [kind for noise in NOISES for kind in heard(samples, noise)] == []


def test_a_tone_that_glides_is_no_beep() -> None:
    times = np.arange(RATE) / RATE
    assert heard(0.25 * np.sin(2 * np.pi * (600 * times + 400 * times**2))) == []


def test_speech_has_no_beeps() -> None:
    program = espeak()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("espeak-ng is needed in CI")
        pytest.skip("SPEECH IS NOT TESTED FOR BEEPS: apt-get install espeak-ng")
    for language, noise in product(("en", "de", "es"), NOISES):
        assert heard(spoken_samples(SPEECH, language, program), noise) == []


def test_other_sample_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="8 or 16 kHz"):
        ToneDetector(48_000)
