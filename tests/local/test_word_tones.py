"""The voice that says each word as a tone of its own: what was spoken can be decoded."""

from __future__ import annotations

import numpy as np
import pytest

from local.emulators.voices import MAX_WORDS, WordTones
from tests.support.heard_audio import HeardAudio, words_of

TEXT = (
    "We are open from Monday to Friday, from eight in the morning until six in the evening, "
    "and on Saturday from nine until noon. But never on a Sunday!"
)


def spoken(voice: WordTones, rate: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(voice.speak(TEXT.split(), rate), np.int16)


def test_what_was_spoken_is_decoded() -> None:
    voice = WordTones()
    heard = voice.decode(spoken(voice, 16_000), 16_000)
    assert [word.text for word in heard] == words_of(TEXT)
    assert [round(word.start / voice.word_seconds) for word in heard] == [*range(len(heard))]


@pytest.mark.parametrize("words", [0.5, 1, 3.5, 12])
def test_audio_that_ends_early_holds_the_words_before(words: float) -> None:
    voice = WordTones()
    samples = spoken(voice, 24_000)[: int(words * voice.word_seconds * 24_000)]
    heard = [word.text for word in voice.decode(samples, 24_000)]
    assert heard == words_of(TEXT)[: round(words + 0.1)]


def test_a_word_that_is_interrupted_for_a_moment_counts_once() -> None:
    voice = WordTones()
    samples = spoken(voice, 16_000)
    middle = int(2.4 * voice.word_seconds * 16_000)
    silence = np.zeros(16_000, np.int16)
    heard = voice.decode(np.concatenate((samples[:middle], silence, samples[middle:])), 16_000)
    assert [word.text for word in heard] == words_of(TEXT)


def test_noise_holds_no_words() -> None:
    voice = WordTones()
    spoken(voice, 16_000)
    noise = np.random.default_rng(1).normal(0, 3_000, 32_000).astype(np.int16)
    assert voice.decode(noise, 16_000) == []
    assert voice.decode(np.zeros(32_000, np.int16), 16_000) == []


def test_a_word_more_than_there_are_tones_is_refused() -> None:
    voice = WordTones()
    voice.speak([str(n) for n in range(MAX_WORDS)], 16_000)
    with pytest.raises(ValueError, match="no tone left"):
        voice.speak(["extra"], 16_000)


def test_the_words_of_two_tracks_are_in_the_order_in_which_they_arrived() -> None:
    voice = WordTones()
    heard = HeardAudio(voice)
    for track, text, at in (("a", "one two", 10.0), ("b", "three", 20.0), ("a", "four", 30.0)):
        samples = np.frombuffer(voice.speak(text.split(), 16_000), np.int16)
        for n, frame in enumerate(np.array_split(samples, len(samples) // 160)):
            heard.add(track, frame, at + n / 100)
    assert heard.text() == "one two three four"
    assert heard.text(since=15.0) == "three four"
    assert [round(word.at, 1) for word in heard.words()] == [10.0, 10.3, 20.0, 30.0]
