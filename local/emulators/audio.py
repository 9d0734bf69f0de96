"""Synthetic audio, and a detector that distinguishes speech from silence in it."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from math import inf

import numpy as np

SPEECH_THRESHOLD = 300.0
SILENCE_SECONDS = 0.25
MIN_PAUSE_SECONDS = 0.7
"""Speech that resumes sooner belongs to the utterance before it and is not reported. Audio that arrives
late on a busy machine has gaps, which must not make two utterances of one: scripts count utterances."""


@dataclass(slots=True)
class VoiceActivityDetector:
    """Detects speech by loudness (the RMS of each chunk)."""

    rate: int
    speaking: bool = False
    """Whether "began" was the last change that was reported."""
    silence_seconds: float = inf
    """Seconds of audio since the last that was loud."""
    received_seconds: float = 0.0
    """Seconds of audio received so far."""
    speech_started_at: float = 0.0
    """Position of the start of the latest speech, in seconds of received audio."""

    def process(self, pcm: bytes) -> Iterator[str]:
        """Yield "began" and "ended" as speech starts and stops. `pcm` is 16-bit mono."""
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32)
        if not len(samples):
            return
        loud = float(np.sqrt((samples * samples).mean())) > SPEECH_THRESHOLD
        if loud:
            if not self.speaking and self.silence_seconds >= MIN_PAUSE_SECONDS:
                self.speaking = True
                self.speech_started_at = self.received_seconds
                yield "began"
            self.silence_seconds = 0.0
        else:
            self.silence_seconds += len(samples) / self.rate
            if self.speaking and self.silence_seconds >= SILENCE_SECONDS:
                self.speaking = False
                yield "ended"
        self.received_seconds += len(samples) / self.rate


def synthetic_speech(seconds: float, rate: int, pitch: float = 120.0) -> bytes:
    """16-bit PCM that a voice activity detector treats as speech: four vowels per second between
    "ah" and "ee", with a varying pitch. See G. Fant, Acoustic Theory of Speech Production, 1960."""
    times = np.arange(int(rate * seconds)) / rate
    tune = pitch * (1 + 0.1 * np.sin(2 * np.pi * 2.3 * times))
    phase = 2 * np.pi * np.cumsum(tune) / rate
    open_ = 0.5 + 0.5 * np.sin(2 * np.pi * 2.1 * times)
    formants = (
        (1.0, 300 + 400 * open_, 90.0),
        (0.6, 2_200 - 1_000 * open_, 120.0),
        (0.3, 2_600.0, 160.0),
    )
    sound = np.zeros_like(times)
    for n in range(1, 30):
        gain = sum(g / (1 + ((n * tune - at) / width) ** 2) for g, at, width in formants)
        sound += gain * np.sin(n * phase) / n**0.3
    sound *= np.clip(0.5 - 0.6 * np.cos(2 * np.pi * 4 * times), 0, 1)
    pcm: bytes = (sound / np.abs(sound).max() * 12_000).astype(np.int16).tobytes()
    return pcm


def tone(seconds: float, rate: int, hertz: float = 220.0) -> bytes:
    """A sine wave as 16-bit PCM."""
    times = np.arange(int(rate * seconds)) / rate
    sound: bytes = (np.sin(2 * np.pi * hertz * times) * 8_000).astype(np.int16).tobytes()
    return sound


def wav_file(samples: bytes, rate: int) -> bytes:
    """A WAV file with these samples, 16-bit PCM and mono."""
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    return content.getvalue()
