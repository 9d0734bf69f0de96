"""Withholds what the caller says while the agent speaks, unless it interrupts the agent.

LiveKit counts words, but it does not know acknowledgements, and it adds what is too short to interrupt
to the caller's next turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import AgentStateChangedEvent
from livekit.rtc import AudioFrame

from domain.common.languages import LANGUAGE_TAG, MULTILINGUAL
from domain.workflows.agents import AgentSpec
from domain.workflows.interruptions import InterruptionRules, Utterance, interruption_rules
from worker.session.speech_end import SpeechEndEstimator

ANSWER_SECONDS = 1.0
"""An acknowledgement that begins this shortly before the end of what the agent says may be an
answer, such as "yes" to a question. It is reported when the agent has finished."""
JOIN_SECONDS = 1.5
"""What follows withheld words within this time belongs to the same utterance."""
STALE_SECONDS = 5.0
"""An utterance without an event for this long is over."""
MAX_INTERIM_DELAY_SECONDS = 1.5
"""A start of speech longer than this before the first interim transcript was a noise."""

TRANSCRIPTS = (
    SpeechEventType.INTERIM_TRANSCRIPT,
    SpeechEventType.PREFLIGHT_TRANSCRIPT,
    SpeechEventType.FINAL_TRANSCRIPT,
)
Emit = Callable[[SpeechEvent], None]


@dataclass(slots=True)
class _CallerUtterance:
    began_at: float
    last_event_at: float
    is_transcribed: bool = False
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class _AgentSpeech:
    handle: SpeechHandle
    began_at: float
    ended_at: float | None = None

    @property
    def is_playing(self) -> bool:
        """Whether the agent speaks, or paused for a sound of the caller."""
        return self.ended_at is None and not self.handle.interrupted and not self.handle.done()


class OverlapFilter:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = clock
        self._session: AgentSession[Any] | None = None
        self._spec: AgentSpec | None = None
        self._agent: _AgentSpeech | None = None
        """What the agent says, or said last."""
        self._caller: _CallerUtterance | None = None
        self._withheld: list[tuple[SpeechEvent, Emit]] = []
        """Final transcripts of an utterance that does not interrupt."""
        self._withheld_since = 0.0
        self._withheld_at = 0.0
        self.speech_end = SpeechEndEstimator()

    def listen(self, session: AgentSession[Any]) -> None:
        self._session = session
        session.on("agent_state_changed", self._on_agent_state_changed)

    def agent_entered(self, spec: AgentSpec) -> None:
        """Apply the rules of this agent from now on."""
        self._spec = spec

    # ---- what the agent says ---------------------------------------------------------------

    def _on_agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking" and self._session is not None:
            handle = self._session.current_speech
            if handle is not None and (self._agent is None or not self._agent.is_playing):
                self._agent = _AgentSpeech(handle, self._now())
                handle.add_done_callback(self._on_speech_done)
        elif event.new_state == "thinking":
            self._agent_stopped()

    def _on_speech_done(self, handle: SpeechHandle) -> None:
        if self._agent is not None and self._agent.handle is handle:
            self._agent_stopped()

    def _agent_stopped(self) -> None:
        if self._agent is None or self._agent.ended_at is not None:
            return
        self._agent = replace(self._agent, ended_at=self._now())
        if self._withheld_since >= self._now() - ANSWER_SECONDS:
            self._release()
        self._withheld.clear()

    # ---- what the caller says --------------------------------------------------------------

    def audio_received(self, frame: AudioFrame) -> None:
        """Note the audio that the STT receives."""
        self.speech_end.add(frame)

    def pass_on(self, event: SpeechEvent, emit: Emit) -> None:
        """Report the event of an STT with `emit`: now, when the agent has finished, or never."""
        now = self._now()
        if event.type is SpeechEventType.END_OF_SPEECH:
            self._caller = None
            emit(self._with_speech_end(event))
            return
        is_transcript = event.type in TRANSCRIPTS and bool(_text(event))
        if is_transcript or event.type is SpeechEventType.START_OF_SPEECH:
            self._follow_utterance(event, is_transcript, now)
        if not is_transcript or self._is_turn(event, now):
            emit(event)
        elif event.type is SpeechEventType.FINAL_TRANSCRIPT:
            self._withhold(event, emit, now)

    def _follow_utterance(self, event: SpeechEvent, is_transcript: bool, now: float) -> None:
        caller = self._caller
        if caller is None or now - caller.last_event_at > STALE_SECONDS:
            caller = _CallerUtterance(now, now)
        is_first_interim = (
            event.type is SpeechEventType.INTERIM_TRANSCRIPT and not caller.is_transcribed
        )
        if is_first_interim and now - caller.began_at > MAX_INTERIM_DELAY_SECONDS:
            caller.began_at = now
        caller.last_event_at = now
        caller.is_transcribed = caller.is_transcribed or is_transcript
        self._caller = caller

    def _with_speech_end(self, event: SpeechEvent) -> SpeechEvent:
        """Add when the caller stopped speaking, for an STT that does not report it: LiveKit would
        take the time of the event."""
        activity = self._session and self._session._activity
        recognition = activity and activity._audio_recognition
        heard_at = recognition.last_speaking_time if recognition else None
        if heard_at is None or event.speech_end_time is not None:
            return event
        return replace(event, speech_end_time=heard_at)

    def _is_turn(self, event: SpeechEvent, now: float) -> bool:
        """Whether the transcript belongs to a turn of the caller."""
        assert self._caller is not None
        if now - self._withheld_at > JOIN_SECONDS:
            self._withheld.clear()
        if not self._caller.interrupts and self._overlaps(self._caller.began_at):
            text = " ".join((*(_text(each) for each, _ in self._withheld), _text(event)))
            is_final = event.type is SpeechEventType.FINAL_TRANSCRIPT
            judged = self._rules(event).judge(text, is_final=is_final)
            if judged is Utterance.IGNORED:
                return False
            self._caller.interrupts = True
            if judged is Utterance.INTERRUPTS_AT_ONCE:
                self._interrupt()
        self._release()
        return True

    def _overlaps(self, began_at: float) -> bool:
        """Whether speech that began then is an utterance during what the agent says, and not the end
        of the caller's turn before it or an answer to it."""
        agent = self._agent
        if agent is None or began_at < agent.began_at:
            return False
        if agent.is_playing:
            return True
        return agent.ended_at is not None and began_at < agent.ended_at - ANSWER_SECONDS

    def _rules(self, event: SpeechEvent) -> InterruptionRules:
        assert self._spec is not None
        known = self._spec.expected_languages
        heard = event.alternatives[0].language or ""
        if heard != MULTILINGUAL and LANGUAGE_TAG.fullmatch(heard):
            known = (*known, heard)
        return interruption_rules(self._spec.session.interruption, frozenset(known))

    def _interrupt(self) -> None:
        with suppress(RuntimeError):  # raised if the agent may not be interrupted
            if self._agent is not None and self._agent.is_playing:
                self._agent.handle.interrupt()

    def _withhold(self, event: SpeechEvent, emit: Emit, now: float) -> None:
        assert self._caller is not None
        if not self._withheld:
            self._withheld_since = self._caller.began_at
        self._withheld_at = now
        self._withheld.append((event, emit))

    def _release(self) -> None:
        withheld, self._withheld = self._withheld, []
        for event, emit in withheld:
            emit(event)


def _text(event: SpeechEvent) -> str:
    return event.alternatives[0].text if event.alternatives else ""
