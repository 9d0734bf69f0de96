"""Which words of a speech were heard, for voices with and without timestamps."""

from __future__ import annotations

import pytest
from livekit.agents.types import TimedString

from worker.session.speech_progress import SpeechProgress

TEXT = "We open at 9:30, and close at noon."


def speech(*words: TimedString, seconds: float = 8.0, complete: bool = True) -> SpeechProgress:
    progress = SpeechProgress()
    for part in TEXT.partition(" at "):
        progress.text += part
    progress.add_timestamps(words)
    progress.add_audio(seconds)
    if complete:
        progress.audio_ended()
    return progress


def timed(text: str, start: float, end: float | None = None) -> TimedString:
    return (
        TimedString(text, start_time=start)
        if end is None
        else TimedString(text, start_time=start, end_time=end)
    )


EACH_A_SECOND = [timed(word, n, n + 1) for n, word in enumerate(TEXT.split())]


@pytest.mark.parametrize(
    ("seconds", "heard"),
    [
        (0.0, ""),
        (0.4, ""),
        (0.6, "We"),
        (2.4, "We open"),
        (3.9, "We open at 9:30,"),
        (8.0, TEXT),
        (99.0, TEXT),
    ],
)
def test_a_word_of_which_half_was_played_was_heard(seconds: float, heard: str) -> None:
    assert speech(*EACH_A_SECOND).heard_text(seconds) == heard


def test_words_are_found_although_the_voice_reports_some_in_another_form() -> None:
    words = ["we", "open", " at", "nine", "thirty,", "and", "close"]
    reported = [timed(word, n, n + 1) for n, word in enumerate(words)]
    assert speech(*reported).heard_text(1.6) == "We open"
    assert speech(*reported).heard_text(4.6) == "We open at"
    assert speech(*reported).heard_text(6.6) == "We open at 9:30, and close"


def test_the_words_of_a_sentence_with_one_timestamp_share_its_time() -> None:
    sentences = (timed("We open at 9:30,", 0.0), timed("and close at noon.", 4.0))
    assert speech(*sentences).heard_text(4.0) == "We open at 9:30,"
    assert speech(*sentences).heard_text(6.0) == "We open at 9:30, and close"
    assert speech(*sentences).heard_text(8.0) == TEXT


def test_without_timestamps_the_words_share_the_time_of_the_audio() -> None:
    assert speech(seconds=10.0).heard_text(5.0) == "We open at 9:30,"
    assert speech(seconds=10.0).heard_text(0.1) == ""


def test_without_timestamps_nothing_is_known_before_the_audio_is_complete() -> None:
    assert speech(complete=False).heard_text(4.0) is None
    assert speech(*EACH_A_SECOND, complete=False).heard_text(2.6) == "We open at"


def test_timestamps_of_words_that_are_not_in_the_text_are_ignored() -> None:
    assert speech(timed("x", 0.0, 1.0), timed("y", 1.0, 2.0)).heard_text(2.0) is None
