"""Transcripts that the session does not receive while it is not known who speaks."""

from __future__ import annotations

from typing import Any, cast

import pytest
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.rtc import AudioFrame

from worker.session.held_transcripts import HeldTranscripts

T = SpeechEventType


class Following:
    """The filter behind: it passes on everything."""

    def audio_received(self, frame: AudioFrame) -> None:
        pass

    def pass_on(self, event: SpeechEvent, emit: Any) -> None:
        emit(event)


def event(kind: SpeechEventType, text: str | None = None) -> SpeechEvent:
    if text is None:
        return SpeechEvent(type=kind)
    return SpeechEvent(type=kind, alternatives=[SpeechData(language=cast(Any, "en"), text=text)])


class Rig:
    def __init__(self) -> None:
        self.words: list[tuple[str, bool]] = []
        self.passed_on: list[str] = []
        self.held = HeldTranscripts(
            Following(), lambda text, is_final, _: self.words.append((text, is_final))
        )

    def hear(self, kind: SpeechEventType, text: str | None = None) -> None:
        self.held.pass_on(event(kind, text), self._emit)

    def _emit(self, passed: SpeechEvent) -> None:
        text = passed.alternatives[0].text if passed.alternatives else passed.type.value
        self.passed_on.append(text)


def test_words_are_reported_but_not_passed_on_while_they_are_held() -> None:
    rig = Rig()
    rig.hear(T.START_OF_SPEECH)
    rig.hear(T.INTERIM_TRANSCRIPT, "leave a")
    rig.hear(T.FINAL_TRANSCRIPT, "leave a message")
    rig.hear(T.END_OF_SPEECH)
    assert rig.words == [("leave a", False), ("leave a message", True)]
    assert rig.passed_on == []


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("hello", []),
        ("hello there", []),
        ("hello who is calling please", ["who is calling please"]),
    ],
)
def test_the_words_that_were_taken_are_not_heard_twice(final: str, expected: list[str]) -> None:
    rig = Rig()
    rig.hear(T.INTERIM_TRANSCRIPT, "hello")
    rig.held.release(taken="hello")
    rig.hear(T.FINAL_TRANSCRIPT, final)
    assert rig.passed_on == expected
    rig.hear(T.FINAL_TRANSCRIPT, "yes")
    assert rig.passed_on == [*expected, "yes"]


@pytest.mark.parametrize("limit", [T.START_OF_SPEECH, T.END_OF_SPEECH])
def test_the_next_utterance_is_heard_completely(limit: SpeechEventType) -> None:
    """The STT may drop the transcript of the first one."""
    rig = Rig()
    rig.held.release(taken="hello my friend")
    rig.hear(limit)
    rig.hear(T.FINAL_TRANSCRIPT, "what is this about")
    assert rig.passed_on[1:] == ["what is this about"]


def test_words_are_held_again_and_finally_reported_no_more() -> None:
    rig = Rig()
    rig.held.release(taken="")
    rig.held.hold()
    rig.hear(T.FINAL_TRANSCRIPT, "one")
    rig.held.release(taken="")
    rig.held.stop_reporting()
    rig.hear(T.FINAL_TRANSCRIPT, "two")
    assert rig.words == [("one", True)]
    assert rig.passed_on == ["two"]
