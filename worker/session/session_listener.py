"""Listens to the events of a voice session and its room.

The session listens and speaks; this listener records what happened, in the order in which the
caller heard it, and reports it to the monitors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice.events import (
    AgentStateChangedEvent,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    FunctionToolsExecutedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    UserTranscriptionTimeoutEvent,
)

from domain.calls.events import ErrorRaised
from domain.calls.model import EndReason
from domain.workflows.spoken_texts import SpokenText
from worker.providers.llm_fallback import error_message
from worker.session.announcements import Announcements
from worker.session.conversation import Conversation
from worker.session.deferred_turns import DeferredTurns
from worker.session.failure_monitor import FailureTracker
from worker.session.silence_monitor import SilenceMonitor

MIN_SPEECH_SECONDS = 0.5
"""A missing transcript is reported only for speech of at least this length."""


class SessionListener:
    def __init__(
        self,
        conversation: Conversation,
        silence: SilenceMonitor,
        failures: FailureTracker,
        announcements: Announcements,
        deferred_turns: DeferredTurns,
    ) -> None:
        self._deferred_turns = deferred_turns
        self._conversation = conversation
        self._silence_monitor = silence
        self._failures = failures
        self._announcements = announcements
        self._session: AgentSession[None]
        self._latency = conversation.latency
        self._caller_spoke_at = 0.0
        """When the caller last began to speak, as `time.time`."""
        self.over: asyncio.Future[EndReason | None] = asyncio.get_running_loop().create_future()
        """Completed when the session or its room ends the call, with the reason; None if only the
        connection is lost."""

    def listen(self, session: AgentSession[None], room: rtc.Room) -> None:
        self._session = session
        if self._conversation.speech is not None:
            self._conversation.speech.overlap.listen(session)
        session.on("user_input_transcribed", self._on_user_input_transcribed)
        session.on("conversation_item_added", self._on_item_added)
        session.on("function_tools_executed", self._on_tools_executed)
        session.on("user_state_changed", self._on_user_state_changed)
        session.on("agent_state_changed", self._on_agent_state_changed)
        session.on("error", self._on_error)
        session.on("user_transcription_timeout", self._on_transcription_timeout)
        session.on("close", self._on_close)
        room.on("disconnected", self._on_disconnected)

    def end(self, reason: EndReason | None) -> None:
        if not self.over.done():
            self.over.set_result(reason)

    def _on_disconnected(self, reason: Any) -> None:
        deleted = (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED)
        # Otherwise only the connection is lost, and the worker that resumes the call joins again.
        self.end(EndReason.ROOM_GONE if reason in deleted else None)

    def _on_close(self, event: CloseEvent) -> None:
        if event.error is not None:
            self.end(EndReason.PROVIDER_FAILED)

    # ---- what the caller says --------------------------------------------------------------

    def _on_user_input_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self._failures.record_success("stt")
        speech = self._conversation.speech
        if event.is_final and speech is not None:
            speech.update_caller_language(event.transcript, event.language)
        self._conversation.publish_caller_partial(event.transcript, event.is_final)
        self._deferred_turns.caller_transcribed()

    def _on_transcription_timeout(self, event: UserTranscriptionTimeoutEvent) -> None:
        speech, opening = self._conversation.speech, self._conversation.opening
        if opening is not None and opening.is_held:
            return  # the session receives no transcripts yet
        if speech is not None and event.speech_duration >= MIN_SPEECH_SECONDS:
            # LiveKit's time is that of the first speech that led to no turn, which may be long ago.
            speech.transcript_overdue(max(event.vad_speech_started_at, self._caller_spoke_at))

    def _on_user_state_changed(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._caller_spoke_at = time.time()
            self._silence_monitor.caller_speaks(True)
        elif event.old_state == "speaking":
            self._silence_monitor.caller_speaks(False)

    # ---- what the agent says ---------------------------------------------------------------

    def _on_item_added(self, event: ConversationItemAddedEvent) -> None:
        item: Any = event.item
        if item.type != "message":
            return
        if item.role == "assistant" and item.text_content:
            self._complete_reply(item)

    def record_played(self, text: str, heard_text: str, interrupted: bool) -> None:
        """Record a speech that is over, and what the caller heard of it."""
        conversation = self._conversation
        if not interrupted:
            self._failures.record_success("tts")
        conversation.record_agent_turn(
            text,
            interrupted,
            heard_text,
            in_history=not self._announcements.is_outside_history(self._session.current_speech),
        )

    def _complete_reply(self, item: Any) -> None:
        """Measure the turn of the caller that this message of the agent replies to."""
        conversation = self._conversation
        self._latency.add_agent_metrics(item.metrics or {})
        if "llm_node_ttft" in (item.metrics or {}) and not conversation.turn.has_reply_failed:
            self._failures.record_success("llm")
        if conversation.turn.has_pending_tool_call:
            return
        turn = conversation.projection.open_turn
        if turn is not None:
            conversation.record_turn_metrics(turn, **self._latency.drain())
        self.end_if_over()

    def _on_tools_executed(self, event: FunctionToolsExecutedEvent) -> None:
        """End the call if the agent said goodbye with the tool call that ends it."""
        is_leaving = self._conversation.handoffs.target_in_progress is not None
        if not event.has_tool_reply and not is_leaving:
            self.end_if_over()

    def end_if_over(self) -> None:
        ending = self._conversation.projection.ending
        if ending is not None:
            self.end(ending)

    def _on_agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking" and not self._silence_monitor.is_prompting:
            self._latency.agent_started_speaking()
        self._silence_monitor.agent_is_busy(event.new_state in ("speaking", "thinking"))

    # ---- failures --------------------------------------------------------------------------

    def _on_error(self, event: ErrorEvent) -> None:
        error: Any = event.error
        message = error_message(getattr(error, "error", error))
        source = str(error.type).removesuffix("_error")
        self._conversation.record(ErrorRaised(source=source, message=message, recoverable=True))
        if error.recoverable:
            return
        if source == "llm" and self._conversation.turn.is_caller_mid_turn:
            # A preemptive generation failed; the caller is still speaking and waits for no reply.
            self._conversation.turn.preemptive_reply_failed()
            return
        first = self._failures.record_failure(source)
        if source == "llm":
            self._conversation.turn.reply_failed()
            self._announcements.say_next(SpokenText.CANNOT_ANSWER)
        elif source == "stt" and first:
            self._announcements.say_next(SpokenText.CANNOT_HEAR, in_history=False)
