"""A voice call on a LiveKit session in a room: the same agents as in text, with ears and a voice.

The session hears and speaks; what happened is told here, in the order in which it was heard."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
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

from domain.calls import EndReason
from domain.events import (
    ErrorRaised,
    PartialTranscript,
    Speaker,
)
from domain.rooms import CALLER
from domain.settings import Settings
from domain.tasks import beside, end
from worker.agents import NodeAgent
from worker.conversation import Conversation
from worker.hearing import turn_handling, voice_activity
from worker.joining import join, leave
from worker.models import closed, make_ready
from worker.opening import first_agent
from worker.presence import Presence
from worker.recording import CallRecording
from worker.rooms import Rooms
from worker.silence import LOOK_SECONDS, Silence
from worker.text import APOLOGY, MOST_TOOL_STEPS, Words
from worker.troubles import CANNOT_HEAR, Troubles, until_hopeless
from worker.waterfall import Waterfall

log = logging.getLogger(__name__)

SORRY = "Sorry, the line dropped for a moment."
FINISHING = "We have to finish in a moment."
FINISHING_SECONDS = 20.0
HANDED_OVER_IN = timedelta(seconds=2)
"""A call that was given back and is taken up again so soon goes on without a word about it."""
ECHO_SECONDS = 1.0
"""Of an agent's first words, in which the caller's side learns to cancel its echo; until then what
comes back is not listened to."""
LLM_SECONDS = 8.0
SPEECH_SECONDS = 0.5
"""Shorter sounds need no words."""
MOST_TRIES = 40
CLEAR_SECONDS = 2.0
"""The caller hears our agent first: to let them go of the other's sound takes time, too."""
LAST_WORD_SECONDS = 0.3
"""What the caller's side still has to play when ours is done."""
LEAVE_SECONDS = 10.0


class VoiceSession:
    """Carries one call in its room."""

    def __init__(
        self,
        conversation: Conversation,
        session: AgentSession[None],
        room: rtc.Room,
        rooms: Rooms,
        settings: Settings,
        recording: CallRecording | None = None,
    ) -> None:
        self._conversation = conversation
        self._session = session
        self._rooms = rooms
        self._room = room
        self._recording = recording
        self._over: asyncio.Future[EndReason | None] = asyncio.get_running_loop().create_future()
        self._presence = Presence(conversation, room, settings)
        self._silence = Silence(conversation, self._presence, self._agent, self._say)
        self._turn = ""
        self._finals = ""
        self._rev = 0
        self._waterfall = Waterfall()
        self._troubles = Troubles(settings.outage_seconds)
        session.on("user_input_transcribed", self._transcribed)
        session.on("conversation_item_added", self._added)
        session.on("user_state_changed", self._caller_changed)
        session.on("agent_state_changed", self._agent_changed)
        session.on("error", self._failed)
        session.on("user_transcription_timeout", self._not_heard)
        session.on("close", self._closed)
        room.on("disconnected", self._cut_off)

    # ---- the call --------------------------------------------------------------------------

    async def talk(self, leaving: asyncio.Event, left: Callable[[], float]) -> EndReason | None:
        """Why the call is over; None when it is to be given back. `left`: for so many seconds."""
        resumed = bool(self._conversation.story.visited)
        guards: list[asyncio.Future[EndReason | None]] = [
            asyncio.ensure_future(self._over),
            asyncio.ensure_future(self._presence.until_deserted(resumed)),
            asyncio.ensure_future(self._silence.until_too_long()),
            asyncio.ensure_future(self._until_hopeless()),
            asyncio.ensure_future(self._until_left(leaving)),
        ]
        try:
            await self._begin(resumed)
            async with beside(self._warn(left)), beside(self._record()), beside(self._clear_out()):
                done, _ = await asyncio.wait(guards, return_when=asyncio.FIRST_COMPLETED)
                reason = done.pop().result()
                if reason is not None:
                    await asyncio.sleep(LAST_WORD_SECONDS)
                return reason
        finally:
            await end(*guards[1:])

    async def _begin(self, resumed: bool) -> None:
        conversation = self._conversation
        left_at = conversation.story.left_at
        smooth = left_at is not None and datetime.now(UTC) - left_at < HANDED_OVER_IN
        owing = conversation.story.owes_an_answer
        await self._session.start(
            first_agent(conversation),
            room=self._room,
            room_options=RoomOptions(
                participant_identity=CALLER,
                text_input=False,
                audio_input=AudioInputOptions(
                    sample_rate=16_000, frame_size_ms=80, auto_gain_control=False
                ),
                text_output=TextOutputOptions(next_in_chain=Words(conversation)),
                close_on_disconnect=False,
            ),
            record=False,
            session_host=False,
        )
        if resumed and not smooth:
            self._session.say(SORRY, add_to_chat_ctx=False)
        if resumed and owing:
            self._session.generate_reply()

    async def _say(self, text: str, **how: Any) -> None:
        """Said, and waited for; while one agent hands over to the next, neither takes words."""
        for _ in range(MOST_TRIES):
            with suppress(RuntimeError):
                await self._session.say(text, **how)
                return
            await asyncio.sleep(LOOK_SECONDS)

    # ---- guards ----------------------------------------------------------------------------

    async def _until_hopeless(self) -> EndReason | None:
        say = partial(self._say, add_to_chat_ctx=False)
        await until_hopeless(self._troubles, say, self._silence.fell)
        return EndReason.PROVIDER_FAILED

    async def _until_left(self, leaving: asyncio.Event) -> EndReason | None:
        """Give the call back between two turns, or after a while in the middle of one."""
        await leaving.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._silence.fell.wait()
        return None

    async def _warn(self, left: Callable[[], float]) -> None:
        while left() > FINISHING_SECONDS:  # noqa: ASYNC110 it may change
            await asyncio.sleep(LOOK_SECONDS)
        await self._say(FINISHING)

    async def _clear_out(self) -> None:
        """Put a dead worker's agent out of the room."""
        claim = self._conversation.claim
        if claim.replaced:
            await asyncio.sleep(CLEAR_SECONDS)
            await self._rooms.clear_out(claim.call.id, claim.epoch)

    async def _record(self) -> None:
        if self._recording is not None and await self._presence.until_there():
            await self._recording.run()

    def _agent(self) -> NodeAgent:
        agent = self._session.current_agent
        assert isinstance(agent, NodeAgent)
        return agent

    def _end(self, reason: EndReason | None) -> None:
        if not self._over.done():
            self._over.set_result(reason)

    # ---- what the room tells ---------------------------------------------------------------

    def _cut_off(self, reason: Any) -> None:
        deleted = (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED)
        # Otherwise the connection is lost, not the call: whoever takes it up joins anew.
        self._end(EndReason.ROOM_GONE if reason in deleted else None)

    # ---- what the session tells ------------------------------------------------------------

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._troubles.over("stt")
        speech = self._conversation.speech
        if event.is_final and speech is not None:
            speech.heard(event.transcript, event.language)
        if self._turn != self._conversation.caller_turn_id:
            self._turn = self._conversation.caller_turn_id
            self._finals, self._rev = "", 0
        text = f"{self._finals} {event.transcript}".strip()
        if event.is_final:
            self._finals = text
        self._rev += 1
        partial = PartialTranscript(
            turn_id=self._turn,
            rev=self._rev,
            speaker=Speaker.CALLER,
            text=text,
        )
        self._conversation.recorder.show(self._conversation.claim, partial)

    @property
    def _caller_has_the_word(self) -> bool:
        """Words of a turn were heard, and it is not over."""
        return self._rev > 0 and self._turn == self._conversation.caller_turn_id

    def _not_heard(self, event: UserTranscriptionTimeoutEvent) -> None:
        speech = self._conversation.speech
        if speech is not None and event.speech_duration >= SPEECH_SECONDS:
            speech.overdue(event.vad_speech_started_at)

    def _added(self, event: ConversationItemAddedEvent) -> None:
        item: Any = event.item
        if item.type != "message":
            return
        if item.role == "user":
            self._waterfall.heard(item.metrics or {})
        elif item.role == "assistant" and item.text_content:
            self._spoke(item)

    def _spoke(self, item: Any) -> None:
        conversation = self._conversation
        heard = item.text_content
        cut = bool(item.interrupted)
        written = (conversation.written.strip() or heard) if cut else heard
        self._waterfall.spoke(item.metrics or {})
        if "llm_node_ttft" in (item.metrics or {}):
            self._troubles.over("llm")
        conversation.spoke(conversation.node, written, cut, heard)
        if conversation.calling:
            return
        turn = conversation.story.open_turn
        if turn is not None:
            conversation.measured(turn, **self._waterfall.taken())
        if conversation.story.ending is not None:
            self._end(conversation.story.ending)

    def _caller_changed(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._silence.break_off(by_caller=True)
        elif event.old_state == "speaking":
            self._silence.begin()
            self._waterfall.silent(time.monotonic())

    def _agent_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._troubles.over("tts")
        if self._silence.is_asking:
            return  # to ask whether somebody is there is not to talk with them
        if event.new_state == "speaking":
            self._waterfall.sounded(time.monotonic())
        if event.new_state in ("speaking", "thinking"):
            self._silence.break_off()
        elif event.new_state == "listening":
            self._silence.begin()

    def _failed(self, event: ErrorEvent) -> None:
        error: Any = event.error
        # The kind of failure, never its text: that may hold words of the call, or a key.
        kind = type(getattr(error, "error", error)).__name__
        source = str(error.type).removesuffix("_error")
        self._conversation.tell(ErrorRaised(source=source, message=kind, recoverable=True))
        if error.recoverable:
            return
        if source == "llm" and self._caller_has_the_word:
            # An answer that was prepared while the caller spoke; they have asked for none yet.
            self._conversation.stumbled = True
            return
        first = self._troubles.failed(source)
        with suppress(RuntimeError):  # the next agent is about to speak
            if source == "llm":
                self._conversation.calling = False
                self._session.say(APOLOGY)
            elif source == "stt" and first:
                self._session.say(CANNOT_HEAR, add_to_chat_ctx=False)

    def _closed(self, event: CloseEvent) -> None:
        if event.error is not None:
            self._end(EndReason.PROVIDER_FAILED)


@asynccontextmanager
async def voice_session(
    conversation: Conversation,
    rooms: Rooms,
    settings: Settings,
    recording: CallRecording | None = None,
) -> AsyncGenerator[VoiceSession]:
    claim = conversation.claim
    call, epoch = claim.call.id, claim.epoch
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(http_context.open())
        stack.push_async_callback(closed, conversation)
        ready = asyncio.create_task(make_ready(conversation))
        try:
            room = await join(rooms, call, epoch)
            stack.push_async_callback(leave, room)
            await ready
        finally:
            await end(ready)
        session = _session(conversation, settings)
        try:
            yield VoiceSession(conversation, session, room, rooms, settings, recording)
        finally:
            try:
                await session.aclose()
            finally:
                if recording is not None:
                    await recording.finish()


def _session(conversation: Conversation, settings: Settings) -> AgentSession[None]:
    spec = conversation.snapshot.agent_of(conversation.node)
    once = APIConnectOptions(max_retry=0, timeout=LLM_SECONDS)
    return AgentSession(
        vad=voice_activity(spec.vad),
        turn_handling=turn_handling(spec),
        user_away_timeout=None,
        aec_warmup_duration=ECHO_SECONDS,
        transcription_timeout=settings.stt_timeout_seconds,
        max_tool_steps=MOST_TOOL_STEPS,
        session_close_transcript_timeout=0.0,
        conn_options=SessionConnectOptions(
            llm_conn_options=once,
            # When it is enough is for us to say: see `Troubles`.
            max_unrecoverable_errors=sys.maxsize,
        ),
    )
