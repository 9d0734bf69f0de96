"""Greetings as audio. espeak-ng speaks them; it runs as a separate process and is optional."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np

from bench.harness.answering.corpus import Greeting, Pause, Play, Say
from bench.harness.answering.sounds import RATE, Samples, silence, sound

VOICES = {"en": "en-us", "de": "de", "es": "es", "hi": "hi"}
SECONDS_PER_CHARACTER = 0.065
"""The pace of a speaker, where no speech is synthesized."""
SPEECH_LEVEL = 0.3
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Spoken:
    """A stretch of speech and when it is heard, in seconds from the answer."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class HeardGreeting:
    """A greeting in time. `samples` is None where no speech was synthesized."""

    greeting: Greeting
    spoken: tuple[Spoken, ...]
    plays: tuple[tuple[Play, float, float], ...]
    samples: Samples | None


def espeak() -> str | None:
    return shutil.which("espeak-ng")


def hear_greeting(greeting: Greeting, program: str | None) -> HeardGreeting:
    """The greeting as it is heard; without a program the length of the speech is estimated."""
    at, spoken, plays, chunks = 0.3, [], [], [silence(0.3)]
    for part in greeting.parts:
        match part:
            case Pause(seconds):
                chunk = silence(seconds)
            case Play() as play:
                chunk = sound(play)
                plays.append((play, at, at + len(chunk) / RATE))
            case Say(text):
                chunk = _samples(text, greeting.language, program)
                spoken.append(Spoken(text, at, at + len(chunk) / RATE))
        chunks.append(chunk)
        at += len(chunk) / RATE
    samples = np.concatenate(chunks) if program else None
    return HeardGreeting(greeting, tuple(spoken), tuple(plays), samples)


def _samples(text: str, language: str, program: str | None) -> Samples:
    if program is None:
        return silence(0.3 + SECONDS_PER_CHARACTER * len(text))
    return spoken_samples(text, language, program)


def spoken_samples(text: str, language: str, program: str) -> Samples:
    """The text as espeak-ng speaks it, at 8 kHz."""
    command = (program, "-v", VOICES[language], "--stdin", "--stdout")
    run = subprocess.run(
        command, input=text.encode(), capture_output=True, check=True, timeout=TIMEOUT_SECONDS
    )
    with wave.open(io.BytesIO(run.stdout)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16) / 32_768
    return _trimmed(_at_phone_rate(samples, rate))


def _at_phone_rate(samples: Samples, rate: int) -> Samples:
    """The samples at 8 kHz, without what a phone line does not carry."""
    length = int(len(samples) * RATE / rate)
    resampled: Samples = np.fft.irfft(np.fft.rfft(samples)[: length // 2 + 1], length)
    resampled *= length / len(samples)
    return resampled * SPEECH_LEVEL / max(0.01, float(np.abs(resampled).max()))


def _trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples
