"""A voice call on a LiveKit session in a room, with the same agents as text calls.

The session listens and speaks; this module records what happened, in the order in which the caller
heard it."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.types import APIConnectOptions
from livekit.agents.utils import http_context
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.events import (
    AgentStateChangedEvent,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    UserTranscriptionTimeoutEvent,
)
from livekit.agents.voice.room_io import AudioInputOptions, RoomOptions, TextOutputOptions

from domain.calls.events import ErrorRaised
from domain.calls.model import EndReason
from domain.calls.rooms import CALLER_IDENTITY
from domain.common.settings import Settings
from domain.common.tasks import background_task, cancel_and_wait
from worker.common.livekit_rooms import LiveKitRooms
from worker.session.call_recorder import CallRecorder
from worker.session.conversation import Conversation
from worker.session.failure_monitor import CANNOT_HEAR, FailureTracker, wait_until_unrecoverable
from worker.session.latency import LatencyTracker
from worker.session.llm import close_providers, prepare_models
from worker.session.node_agent import NodeAgent
from worker.session.participant_monitor import ParticipantMonitor
from worker.session.resume import first_agent
from worker.session.room_connection import join_room, leave_room
from worker.session.silence_monitor import SilenceMonitor
from worker.session.text_session import APOLOGY, MAX_TOOL_STEPS, PartialTranscriptOutput
from worker.session.turn_detection import get_vad, turn_handling

log = logging.getLogger(__name__)

CONNECTION_DROPPED = "Sorry, the line dropped for a moment."
ENDING_SOON = "We have to finish in a moment."
ENDING_SOON_SECONDS = 20.0
MAX_SEAMLESS_GAP = timedelta(seconds=2)
"""A call resumed within this time of its release continues without mention of the gap."""
AEC_WARMUP_SECONDS = 1.0
"""Start of the agent's first speech during which caller audio is ignored, because the caller's echo
cancellation is still adapting."""
LLM_TIMEOUT_SECONDS = 8.0
MIN_SPEECH_SECONDS = 0.5
"""A missing transcript is reported only for speech of at least this length."""
MAX_SAY_ATTEMPTS = 40
SAY_RETRY_SECONDS = 0.5
STALE_AGENT_DELAY_SECONDS = 2.0
"""The stale agent is removed only after ours is audible; unsubscribing causes an audible gap."""
PLAYOUT_DELAY_SECONDS = 0.3
"""Audio that the caller's side still has to play when our playout is done."""
RELEASE_TIMEOUT_SECONDS = 10.0


class VoiceSession:
    """Runs one voice call in its room."""

    def __init__(
        self,
        conversation: Conversation,
        session: AgentSession[None],
        room: rtc.Room,
        rooms: LiveKitRooms,
        settings: Settings,
        recorder: CallRecorder | None = None,
    ) -> None:
        self._conversation = conversation
        self._clock = conversation.clock
        self._session = session
        self._rooms = rooms
        self._room = room
        self._recorder = recorder
        self._over: asyncio.Future[EndReason | None] = asyncio.get_running_loop().create_future()
        self._participants = ParticipantMonitor(conversation, room, settings)
        self._silence_monitor = SilenceMonitor(
            conversation, self._participants.is_caller_present, self._prompt_caller
        )
        self._latency = LatencyTracker()
        self._failures = FailureTracker(settings.outage_seconds, conversation.clock)
        session.on("user_input_transcribed", self._on_user_input_transcribed)
        session.on("conversation_item_added", self._on_item_added)
        session.on("user_state_changed", self._on_user_state_changed)
        session.on("agent_state_changed", self._on_agent_state_changed)
        session.on("error", self._on_error)
        session.on("user_transcription_timeout", self._on_transcription_timeout)
        session.on("close", self._on_close)
        room.on("disconnected", self._on_disconnected)

    # ---- the call --------------------------------------------------------------------------

    async def run(
        self, releasing: asyncio.Event, end_deadline: Callable[[], datetime]
    ) -> EndReason | None:
        """Run the call and return why it ended; None when it is to be released.

        `releasing` is set to request the release, and `end_deadline` returns when the call
        must end."""
        resumed = bool(self._conversation.projection.visited)
        guards: list[asyncio.Future[EndReason | None]] = [
            asyncio.ensure_future(self._over),
            asyncio.ensure_future(self._participants.wait_until_abandoned(resumed)),
            asyncio.ensure_future(self._silence_monitor.wait_until_ended()),
            asyncio.ensure_future(self._wait_until_unrecoverable()),
            asyncio.ensure_future(self._wait_to_release(releasing)),
        ]
        try:
            await self._start(resumed)
            async with (
                background_task(self._warn_before_end(end_deadline)),
                background_task(self._record()),
                background_task(self._remove_stale_agents()),
            ):
                done, _ = await asyncio.wait(guards, return_when=asyncio.FIRST_COMPLETED)
                reason = done.pop().result()
                if reason is not None:
                    await asyncio.sleep(PLAYOUT_DELAY_SECONDS)
                return reason
        finally:
            await cancel_and_wait(*guards[1:])

    async def _start(self, resumed: bool) -> None:
        conversation = self._conversation
        released_at = conversation.projection.released_at
        seamless = released_at is not None and self._clock.now() - released_at < MAX_SEAMLESS_GAP
        reply_pending = conversation.projection.reply_pending
        await self._session.start(
            first_agent(conversation),
            room=self._room,
            room_options=RoomOptions(
                participant_identity=CALLER_IDENTITY,
                text_input=False,
                audio_input=AudioInputOptions(
                    sample_rate=16_000, frame_size_ms=80, auto_gain_control=False
                ),
                text_output=TextOutputOptions(next_in_chain=PartialTranscriptOutput(conversation)),
                close_on_disconnect=False,
            ),
            record=False,
            session_host=False,
        )
        if resumed and not seamless:
            self._session.say(CONNECTION_DROPPED, add_to_chat_ctx=False)
        if resumed and reply_pending:
            self._session.generate_reply()

    async def _say(self, text: str, **options: Any) -> None:
        """Say the text and wait until it was spoken. Retries while a hand-off is in progress, when
        no agent accepts speech."""
        for _ in range(MAX_SAY_ATTEMPTS):
            with suppress(RuntimeError):
                await self._session.say(text, **options)
                return
            await asyncio.sleep(SAY_RETRY_SECONDS)

    # ---- guards ----------------------------------------------------------------------------

    async def _wait_until_unrecoverable(self) -> EndReason | None:
        say = partial(self._say, add_to_chat_ctx=False)
        await wait_until_unrecoverable(
            self._failures, say, self._silence_monitor.quiet, self._clock
        )
        return EndReason.PROVIDER_FAILED

    async def _wait_to_release(self, releasing: asyncio.Event) -> EndReason | None:
        """Wait for a release request, and then for the end of the turn or RELEASE_TIMEOUT_SECONDS."""
        await releasing.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT_SECONDS):
                await self._silence_monitor.quiet.wait()
        return None

    async def _warn_before_end(self, end_deadline: Callable[[], datetime]) -> None:
        notice = timedelta(seconds=ENDING_SOON_SECONDS)
        await self._clock.wait_until(lambda: end_deadline() - notice)
        await self._say(ENDING_SOON)

    async def _remove_stale_agents(self) -> None:
        """Remove the agents of earlier workers from the room."""
        claim = self._conversation.claim
        if claim.is_takeover:
            await asyncio.sleep(STALE_AGENT_DELAY_SECONDS)
            await self._rooms.remove_stale_agents(claim.call.id, claim.epoch)

    async def _record(self) -> None:
        if self._recorder is not None and await self._participants.wait_until_present():
            await self._recorder.run()

    async def _prompt_caller(self, template: str) -> None:
        agent = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        await self._say(agent.render_text(template))

    def _end(self, reason: EndReason | None) -> None:
        if not self._over.done():
            self._over.set_result(reason)

    # ---- room events -----------------------------------------------------------------------

    def _on_disconnected(self, reason: Any) -> None:
        deleted = (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED)
        # Otherwise only the connection is lost, and the worker that resumes the call joins again.
        self._end(EndReason.ROOM_GONE if reason in deleted else None)

    # ---- session events --------------------------------------------------------------------

    def _on_user_input_transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._failures.record_success("stt")
        speech = self._conversation.speech
        if event.is_final and speech is not None:
            speech.update_caller_language(event.transcript, event.language)
        self._conversation.publish_caller_partial(event.transcript, event.is_final)

    def _on_transcription_timeout(self, event: UserTranscriptionTimeoutEvent) -> None:
        speech = self._conversation.speech
        if speech is not None and event.speech_duration >= MIN_SPEECH_SECONDS:
            speech.transcript_overdue(event.vad_speech_started_at)

    def _on_item_added(self, event: ConversationItemAddedEvent) -> None:
        item: Any = event.item
        if item.type != "message":
            return
        if item.role == "user":
            self._latency.add_user_metrics(item.metrics or {})
        elif item.role == "assistant" and item.text_content:
            self._record_agent_turn(item)

    def _record_agent_turn(self, item: Any) -> None:
        conversation = self._conversation
        heard_text = item.text_content
        interrupted = bool(item.interrupted)
        generated = conversation.turn.generated_text.strip() if interrupted else ""
        self._latency.add_agent_metrics(item.metrics or {})
        if "llm_node_ttft" in (item.metrics or {}):
            self._failures.record_success("llm")
        conversation.record_agent_turn(
            conversation.node, generated or heard_text, interrupted, heard_text
        )
        if conversation.turn.has_pending_tool_call:
            return
        turn = conversation.projection.open_turn
        if turn is not None:
            conversation.record_turn_metrics(turn, **self._latency.drain())
        if conversation.projection.ending is not None:
            self._end(conversation.projection.ending)

    def _on_user_state_changed(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._silence_monitor.mark_active(by_caller=True)
        elif event.old_state == "speaking":
            self._silence_monitor.mark_quiet()
            self._latency.user_stopped_speaking(time.monotonic())

    def _on_agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._failures.record_success("tts")
        if self._silence_monitor.is_prompting:
            return  # a silence prompt does not count as agent speech
        if event.new_state == "speaking":
            self._latency.agent_started_speaking(time.monotonic())
        if event.new_state in ("speaking", "thinking"):
            self._silence_monitor.mark_active()
        elif event.new_state == "listening":
            self._silence_monitor.mark_quiet()

    def _on_error(self, event: ErrorEvent) -> None:
        error: Any = event.error
        # Only the type of the error: its text may contain parts of the call or a key.
        kind = type(getattr(error, "error", error)).__name__
        source = str(error.type).removesuffix("_error")
        self._conversation.record(ErrorRaised(source=source, message=kind, recoverable=True))
        if error.recoverable:
            return
        if source == "llm" and self._conversation.turn.is_caller_mid_turn:
            # A preemptive generation failed; the caller is still speaking and waits for no reply.
            self._conversation.turn.preemptive_reply_failed()
            return
        first = self._failures.record_failure(source)
        with suppress(RuntimeError):  # no agent accepts speech during a hand-off
            if source == "llm":
                self._conversation.turn.reply_failed()
                self._session.say(APOLOGY)
            elif source == "stt" and first:
                self._session.say(CANNOT_HEAR, add_to_chat_ctx=False)

    def _on_close(self, event: CloseEvent) -> None:
        if event.error is not None:
            self._end(EndReason.PROVIDER_FAILED)


@asynccontextmanager
async def voice_session(
    conversation: Conversation,
    rooms: LiveKitRooms,
    settings: Settings,
    recorder: CallRecorder | None = None,
) -> AsyncGenerator[VoiceSession]:
    claim = conversation.claim
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(http_context.open())
        stack.push_async_callback(close_providers, conversation)
        models_ready = asyncio.create_task(prepare_models(conversation))
        try:
            room = await join_room(rooms, claim.call.id, claim.epoch)
            stack.push_async_callback(leave_room, room)
            await models_ready
        finally:
            await cancel_and_wait(models_ready)
        session = _create_session(conversation, settings)
        try:
            yield VoiceSession(conversation, session, room, rooms, settings, recorder)
        finally:
            try:
                await session.aclose()
            finally:
                if recorder is not None:
                    await recorder.finish()


def _create_session(conversation: Conversation, settings: Settings) -> AgentSession[None]:
    spec = conversation.snapshot.agent_at(conversation.node)
    without_retry = APIConnectOptions(max_retry=0, timeout=LLM_TIMEOUT_SECONDS)
    return AgentSession(
        vad=get_vad(spec.vad),
        turn_handling=turn_handling(spec),
        user_away_timeout=None,
        aec_warmup_duration=AEC_WARMUP_SECONDS,
        transcription_timeout=settings.stt_timeout_seconds,
        max_tool_steps=MAX_TOOL_STEPS,
        session_close_transcript_timeout=0.0,
        conn_options=SessionConnectOptions(
            llm_conn_options=without_retry,
            # `FailureTracker` decides when errors end the call.
            max_unrecoverable_errors=sys.maxsize,
        ),
    )
