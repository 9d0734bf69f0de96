"""When the caller stopped speaking, to a hundredth of a second."""

from __future__ import annotations

import numpy as np
import pytest
from livekit.rtc import AudioFrame

from worker.session.speech_end import HISTORY_SECONDS, SpeechEndEstimator

RATE = 16_000
FRAME_SECONDS = 0.08


def audio(*parts: tuple[float, int]) -> np.ndarray:
    """Noise of each amplitude for its time in seconds."""
    random = np.random.default_rng(1)
    return np.concatenate(
        [
            random.integers(-amplitude, amplitude, int(seconds * RATE), endpoint=True)
            for seconds, amplitude in parts
        ]
    ).astype(np.int16)


def received(samples: np.ndarray, began_at: float) -> tuple[SpeechEndEstimator, list[float]]:
    """An estimator that received the samples in frames, and when each frame arrived."""
    estimator, arrivals = SpeechEndEstimator(), []
    length = int(FRAME_SECONDS * RATE)
    for start in range(0, len(samples) - length + 1, length):
        arrived_at = began_at + (start + length) / RATE
        frame = AudioFrame(samples[start : start + length].tobytes(), RATE, 1, length)
        estimator.add(frame, arrived_at)
        arrivals.append(arrived_at)
    return estimator, arrivals


@pytest.mark.parametrize("speech_seconds", [1.0, 1.013, 1.037, 1.05, 1.079])
@pytest.mark.parametrize("noise", [0, 200])
def test_the_end_is_found_within_a_frame(speech_seconds: float, noise: int) -> None:
    samples = audio((0.5, noise), (speech_seconds, 8_000), (1.0, noise))
    estimator, arrivals = received(samples, 100.0)
    ended_at = 100.5 + speech_seconds
    # The VAD reports the speech when a frame with it has arrived, or one frame later.
    for heard_at in [at for at in arrivals if at >= ended_at][:2]:
        assert abs(estimator.estimate(heard_at) - ended_at) <= 0.011


def test_audio_after_the_report_does_not_count() -> None:
    estimator, _ = received(audio((1.0, 8_000), (0.2, 0), (1.0, 8_000)), 100.0)
    assert abs(estimator.estimate(101.1) - 101.0) <= 0.011


def test_without_loud_audio_the_report_of_the_vad_counts() -> None:
    estimator, _ = received(audio((1.0, 8_000), (2.0, 0)), 100.0)
    assert estimator.estimate(102.5) == 102.5
    assert SpeechEndEstimator().estimate(50.0) == 50.0


def test_old_audio_is_dropped() -> None:
    estimator, _ = received(audio((1.0, 8_000), (HISTORY_SECONDS + 1, 100)), 100.0)
    assert abs(estimator.estimate(109.5) - 109.5) <= FRAME_SECONDS
