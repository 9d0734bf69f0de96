"""Keeps what is transcribed from the session while it is not known who speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.rtc import AudioFrame

from worker.providers.stt_fallback import TranscriptFilter
from worker.session.overlap_filter import TRANSCRIPTS

MIN_FURTHER_WORDS = 2
"""One word more than was taken may be the same words, understood better."""
UTTERANCE_LIMITS = (
    SpeechEventType.START_OF_SPEECH,
    SpeechEventType.FINAL_TRANSCRIPT,
    SpeechEventType.END_OF_SPEECH,
)
"""The events after which another utterance is transcribed."""


class WordsListener(Protocol):
    """Receives a transcript, whether it is final, and its language if the STT reported one."""

    def __call__(self, text: str, is_final: bool, language: str | None) -> None: ...


class HeldTranscripts:
    def __init__(self, following: TranscriptFilter, on_words: WordsListener) -> None:
        """Events that are not held pass the `following` filter."""
        self._following = following
        self._on_words: WordsListener | None = on_words
        self._taken = 0
        self.is_held = True

    def hold(self) -> None:
        """Keep all events from the session from now on."""
        self.is_held = True

    def release(self, taken: str) -> None:
        """Pass events on from now on, except for the words of the present utterance that were taken
        already."""
        self.is_held = False
        self._taken = len(taken.split())

    def stop_reporting(self) -> None:
        self._on_words = None

    def audio_received(self, frame: AudioFrame) -> None:
        self._following.audio_received(frame)

    def pass_on(self, event: SpeechEvent, emit: Callable[[SpeechEvent], None]) -> None:
        """Report the words of the event, and pass it on unless it is held."""
        if event.type in TRANSCRIPTS and event.alternatives and self._on_words is not None:
            words = event.alternatives[0]
            is_final = event.type is SpeechEventType.FINAL_TRANSCRIPT
            self._on_words(words.text, is_final, words.language or None)
        if self.is_held:
            return
        further = self._without_taken(event)
        if further is not None:
            self._following.pass_on(further, emit)

    def _without_taken(self, event: SpeechEvent) -> SpeechEvent | None:
        taken = self._taken
        if event.type in UTTERANCE_LIMITS:
            self._taken = 0
        if not taken or event.type not in TRANSCRIPTS or not event.alternatives:
            return event
        words = event.alternatives[0]
        rest = words.text.split()[taken:]
        if len(rest) < MIN_FURTHER_WORDS:
            return None
        return replace(event, alternatives=[replace(words, text=" ".join(rest))])
