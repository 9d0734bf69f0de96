"""The state of a caller's transcript while STT providers fail over."""

from __future__ import annotations

import pytest
from livekit.agents.stt import SpeechEventType

from worker.providers.stt_fallback import TranscriptSignal, TranscriptState, next_state

COMPLETE, PENDING, INTERIM = TranscriptState
TABLE = {
    SpeechEventType.START_OF_SPEECH: (PENDING, PENDING, INTERIM),
    SpeechEventType.INTERIM_TRANSCRIPT: (INTERIM, INTERIM, INTERIM),
    SpeechEventType.PREFLIGHT_TRANSCRIPT: (COMPLETE, PENDING, INTERIM),
    SpeechEventType.FINAL_TRANSCRIPT: (COMPLETE, COMPLETE, COMPLETE),
    SpeechEventType.END_OF_SPEECH: (COMPLETE, COMPLETE, COMPLETE),
    SpeechEventType.RECOGNITION_USAGE: (COMPLETE, PENDING, INTERIM),
    TranscriptSignal.OVERDUE: (PENDING, PENDING, INTERIM),
    TranscriptSignal.UNINTELLIGIBLE: (COMPLETE, COMPLETE, COMPLETE),
}
"""The state after each signal in the state COMPLETE, PENDING and INTERIM."""


@pytest.mark.parametrize("signal", [*SpeechEventType, *TranscriptSignal], ids=str)
def test_every_signal_has_a_transition_from_every_state(
    signal: SpeechEventType | TranscriptSignal,
) -> None:
    assert tuple(next_state(state, signal) for state in TranscriptState) == TABLE[signal]
