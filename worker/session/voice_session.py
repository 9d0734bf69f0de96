"""A voice call on a LiveKit session in a room, with the same agents as text calls.

`SessionListener` records what happens in it, `CallGuards` decides when it is over, and
`Announcements` says what no model writes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.types import APIConnectOptions
from livekit.agents.utils import http_context
from livekit.agents.vad import VAD
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io import (
    AudioInputOptions,
    AudioOutputOptions,
    RoomOptions,
    TextOutputOptions,
)

from domain.calls.model import CallKind, EndReason
from domain.calls.rooms import caller_of
from domain.calls.transfers import TransferVia
from domain.common.settings import Settings
from domain.common.tasks import background_task, cancel_and_wait
from domain.tools.transfers import TransferTarget
from domain.workflows.agents import AgentSpec
from domain.workflows.spoken_texts import SpokenText
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.sip_legs import SipLegs
from worker.session.announcements import Announcements
from worker.session.answering import phone_answering, record_answer
from worker.session.call_guards import CallGuards
from worker.session.call_recorder import CallRecorder
from worker.session.connection_monitor import ConnectionMonitor
from worker.session.conversation import CallLost, Conversation
from worker.session.deferred_turns import DeferredTurns
from worker.session.dialer import Dialer, ReserveDial, dial_at_once
from worker.session.failure_monitor import FailureTracker
from worker.session.inbound_answer import InboundAnswer
from worker.session.keypad import PhoneKeypad
from worker.session.line_meter import LineMeter
from worker.session.llm import close_providers, prepare_models
from worker.session.node_agent import complete_handoffs
from worker.session.participant_monitor import ParticipantMonitor
from worker.session.phone_line import PhoneLine
from worker.session.playout import Playout
from worker.session.resume import first_agent
from worker.session.room_connection import join_room, leave_room
from worker.session.session_listener import SessionListener
from worker.session.silence_monitor import SilenceMonitor
from worker.session.speech import PHONE_SAMPLE_RATE
from worker.session.speech_progress import speech_key
from worker.session.text_session import MAX_TOOL_STEPS, PartialTranscriptOutput
from worker.session.transfers import NO_TRUNK_SLOTS, CallTransfers, TrunkSlots
from worker.session.turn_detection import get_vad, load_vads, turn_handling

FRAME_MS = 80
"""Length of the audio frames that a session receives."""
ENDING_SOON_SECONDS = 20.0
MAX_SEAMLESS_GAP = timedelta(seconds=2)
"""A call resumed within this time of its release continues without mention of the gap."""
AEC_WARMUP_SECONDS = 1.0
"""Start of the agent's first speech during which caller audio is ignored, because the caller's echo
cancellation is still adapting."""
LLM_TIMEOUT_SECONDS = 8.0
LISTENING_SECONDS = 0.3
"""Time in which a caller who is speaking is noticed after a call is resumed."""
MAX_CALLER_SECONDS = 15.0
STALE_AGENT_DELAY_SECONDS = 2.0
"""The stale agent is removed only after ours is audible; unsubscribing causes an audible gap."""
PLAYOUT_DELAY_SECONDS = 0.3
"""Audio that the caller's side still has to play when our playout is done."""


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
        reserve_dial: ReserveDial = dial_at_once,
        trunk_slots: TrunkSlots = NO_TRUNK_SLOTS,
    ) -> None:
        self._conversation = conversation
        self._call = call = conversation.claim.call
        self._session = session
        self._rooms = rooms
        self._room = room
        self._recorder = recorder
        self._announcements = Announcements(session, conversation)
        self._playout = Playout(
            lambda: conversation.turn.speech(speech_key(session.current_speech)), self._on_played
        )
        conversation.playout = self._playout
        is_phone = call.kind is CallKind.SIP
        self._connection = ConnectionMonitor(
            room,
            caller_of(call),
            self._playout,
            self._on_connection_lost,
            self._on_caller_returned,
            sends_always=not is_phone,
        )
        legs = SipLegs(rooms)
        self._phone: Dialer | InboundAnswer | None = None
        if call.rings:
            self._phone = (
                Dialer(conversation, room, legs, reserve_dial)
                if call.is_dialed
                else InboundAnswer(conversation, room, legs)
            )
        self._line = PhoneLine(conversation, room, legs) if is_phone else None
        self._transfers = CallTransfers(
            conversation,
            session,
            room,
            rooms,
            legs,
            self._announcements,
            lambda reason: self._listener.end(reason),
            trunk_slots,
        )
        conversation.transfers = self._transfers
        self._is_prepared = asyncio.Event()
        """Set once the room is joined and all models are loaded: only the audio is still being connected,
        which takes a tenth of a second and is over long before a phone is answered."""
        self._participants = ParticipantMonitor(
            conversation, room, settings, lambda: self._connection.is_reachable
        )
        self._silence = silence = SilenceMonitor(
            conversation, self._caller_served_since, self._announcements.prompt_caller
        )
        self._transfers.watch_silence(silence)
        failures = FailureTracker(settings.outage_seconds, conversation.clock)
        self._guards = CallGuards(
            conversation.clock,
            self._wait_until_abandoned,
            silence,
            failures,
            self._announcements,
            self._wait_until_line_over,
        )
        self._keypad: PhoneKeypad | None = None
        if is_phone:
            self._keypad = PhoneKeypad(conversation, session, room, self._announcements, silence)
            conversation.keypad = self._keypad
        self._deferred_turns = DeferredTurns(conversation, session, silence)
        self._listener: SessionListener = SessionListener(
            conversation, silence, failures, self._announcements, self._deferred_turns
        )
        complete_handoffs(session, conversation)
        self._listener.listen(session, room)
        self._answering = phone_answering(
            conversation, session, room, self._announcements, self._listener.end
        )

    async def transfer(self, id: str, target: TransferTarget) -> str | None:
        """Begin a transfer that an operator asks for. Returns why it is refused; None if it begins."""
        return await self._transfers.request(target, TransferVia.OPERATOR, id)

    def close(self) -> None:
        """The call is over, whether it has begun or not."""
        if self._answering is not None:
            self._answering.close()
        if self._keypad is not None:
            self._keypad.close()

    async def run(
        self, releasing: asyncio.Event, end_deadline: Callable[[], datetime]
    ) -> EndReason | None:
        """Run the call and return why it ended; None when it is to be released.

        `releasing` is set to request the release, and `end_deadline` returns when the call must
        end."""
        resumed = bool(self._conversation.projection.visited)
        notice = timedelta(seconds=ENDING_SOON_SECONDS)
        async with self._guards.watch(self._listener.over, releasing, resumed) as first_reason:
            is_bridged = await self._transfers.resume()
            if not is_bridged:
                await self._start(resumed)
                await self._transfers.explain_interruption()
            self._is_prepared.set()
            async with (
                background_task(
                    self._announcements.say_at(
                        lambda: end_deadline() - notice, SpokenText.ENDING_SOON
                    )
                ),
                background_task(self._speak_after_caller()),
                background_task(self._connection.run()),
                background_task(self._deferred_turns.run()),
                background_task(self._take_keys()),
                background_task(self._record()),
                background_task(self._count_line()),
                background_task(self._remove_stale_agents()),
                background_task(self._find_out_who_answers()),
                background_task(self._transfers.run()),
            ):
                reason = await first_reason()
                if reason is not None:
                    await asyncio.sleep(PLAYOUT_DELAY_SECONDS)
                return reason

    async def _wait_until_line_over(self) -> EndReason:
        """Wait until a telephone of the call has hung up, that of the caller or of a colleague."""
        waits = [asyncio.ensure_future(self._transfers.wait_until_over())]
        if self._line is not None:
            waits.append(asyncio.ensure_future(self._line.wait_until_over()))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return await self._transfers.reason_to_end(done.pop().result())
        finally:
            await cancel_and_wait(*waits)

    async def _wait_until_abandoned(self, resumed: bool) -> EndReason:
        """Reach the caller, who is dialled, calls or joins the room, and wait until they are gone for too
        long; returns the reason to end the call."""
        if self._phone is not None:
            await self._is_prepared.wait()
            reason = await self._phone.run()
            if reason is not None:
                return reason
            self._participants.presence_changed()
        reason = await self._participants.wait_until_abandoned(resumed)
        return await self._transfers.reason_to_end(reason)

    async def _start(self, resumed: bool) -> None:
        conversation = self._conversation
        released_at = conversation.projection.released_at
        now = conversation.clock.now()
        seamless = released_at is not None and now - released_at < MAX_SEAMLESS_GAP
        is_noticed = resumed and not seamless
        opening = self._say_dropped if is_noticed else lambda: None
        agent = first_agent(conversation, opening)
        self._is_prepared.set()
        acts_on_entry, reply_pending = agent.acts_on_entry, conversation.projection.reply_pending
        if is_noticed:
            self._playout.hold(self)
        await self._session.start(
            agent,
            room=self._room,
            room_options=RoomOptions(
                participant_identity=caller_of(self._call),
                text_input=False,
                audio_input=AudioInputOptions(
                    sample_rate=16_000, frame_size_ms=FRAME_MS, auto_gain_control=False
                ),
                audio_output=self._audio_output(),
                text_output=TextOutputOptions(next_in_chain=PartialTranscriptOutput(conversation)),
                close_on_disconnect=False,
            ),
            record=False,
            session_host=False,
        )
        conversation.handoffs.session_started()
        if acts_on_entry:
            return
        if reply_pending:
            with suppress(CallLost):
                await agent.resume_reply()
        else:
            # The worker before may have been lost after the last words and before the end.
            self._listener.end_if_over()

    def _audio_output(self) -> AudioOutputOptions:
        """A phone hears no more than its TTS delivers, so nothing is resampled on the way."""
        if self._call.kind is CallKind.SIP:
            return AudioOutputOptions(sample_rate=PHONE_SAMPLE_RATE)
        return AudioOutputOptions()

    async def _find_out_who_answers(self) -> None:
        if self._call.is_dialed:
            await self._conversation.answered.wait()
            record_answer(self._conversation)
        if self._answering is not None:
            await self._answering.run()

    def _caller_served_since(self) -> datetime | None:
        """Since when the caller is present and an agent talks to them; None if that is not so."""
        present_since = self._participants.caller_present_since()
        if self._transfers.is_silent or present_since is None:
            return None
        present_since = max(present_since, self._transfers.returned_at)
        if self._answering is None:
            return present_since
        is_held = self._answering.is_held
        return None if is_held else max(present_since, self._answering.released_at)

    async def _speak_after_caller(self) -> None:
        """After a takeover, do not speak into the words of a caller who is speaking."""
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_CALLER_SECONDS):
                await asyncio.sleep(LISTENING_SECONDS)
                while self._session.user_state == "speaking":  # noqa: ASYNC110 - of LiveKit
                    await asyncio.sleep(LISTENING_SECONDS)
        self._playout.release(self)

    def _say_dropped(self) -> None:
        self._announcements.say_next(SpokenText.CONNECTION_DROPPED, in_history=False)

    def _on_played(self, text: str, heard_text: str, interrupted: bool) -> None:
        self._listener.record_played(text, heard_text, interrupted)

    # ---- the connection to the caller ------------------------------------------------------

    def _on_connection_lost(self, heard_until: float) -> None:
        """Cut off what is being said. A speech that is followed by a tool is held until the caller is
        back instead, because an interruption would cancel the tool."""
        speech = self._session.current_speech
        is_cut = self._playout.is_playing and not self._conversation.turn.has_pending_tool_call
        if speech is not None and is_cut:
            self._playout.cut_at(heard_until)
            speech.interrupt(force=True)
        self._silence.caller_speaks(False)
        self._participants.presence_changed()

    def _on_caller_returned(self) -> None:
        self._participants.presence_changed()
        if self._transfers.is_silent:
            return
        if self._playout.has_audio:
            return  # the speech that was held continues
        is_idle = self._session.current_speech is None and self._session.agent_state != "thinking"
        self._say_dropped()
        if is_idle:
            with suppress(RuntimeError):  # during a hand-off, whose agent replies
                agent: Any = self._session.current_agent
                agent.reply_again()

    async def _remove_stale_agents(self) -> None:
        """Remove the agents of earlier workers from the room."""
        claim = self._conversation.claim
        if claim.is_takeover:
            await asyncio.sleep(STALE_AGENT_DELAY_SECONDS)
            await self._rooms.remove_stale_agents(claim.call, claim.epoch)

    async def _count_line(self) -> None:
        await LineMeter(self._conversation).run()

    async def _take_keys(self) -> None:
        if self._keypad is not None:
            await self._keypad.run()

    async def _record(self) -> None:
        is_bridged = self._transfers.is_bridged
        if (
            self._recorder is not None
            and not is_bridged
            and await self._participants.wait_until_present()
        ):
            await self._recorder.run()


@asynccontextmanager
async def voice_session(
    conversation: Conversation,
    rooms: LiveKitRooms,
    settings: Settings,
    recorder: CallRecorder | None = None,
    reserve_dial: ReserveDial = dial_at_once,
    trunk_slots: TrunkSlots = NO_TRUNK_SLOTS,
) -> AsyncGenerator[VoiceSession]:
    claim = conversation.claim
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(http_context.open())
        stack.push_async_callback(close_providers, conversation)
        spec = conversation.snapshot.agent_at(conversation.node)
        # While the room is joined, which takes most of the time until a phone is dialled or answered.
        models_ready = asyncio.create_task(_load_models(conversation))
        try:
            room = await join_room(rooms, claim.call, claim.epoch)
            stack.push_async_callback(leave_room, room)
            await models_ready
        finally:
            await cancel_and_wait(models_ready)
        session = _create_session(spec, get_vad(spec.vad), settings)
        voice = VoiceSession(
            conversation, session, room, rooms, settings, recorder, reserve_dial, trunk_slots
        )
        try:
            yield voice
        finally:
            voice.close()
            if not conversation.answered.is_set():
                # An agent that waits for the answer must return before its session can close.
                conversation.close()
                conversation.answered.set()
            if conversation.speech is not None:
                conversation.speech.stop_listening()
            try:
                await session.aclose()
            finally:
                if recorder is not None:
                    await recorder.finish()


async def _load_models(conversation: Conversation) -> None:
    """In threads, because loading a model would block every other call."""
    await asyncio.to_thread(load_vads, conversation.snapshot.agents.values())
    await prepare_models(conversation)


def _create_session(spec: AgentSpec, detector: VAD, settings: Settings) -> AgentSession[None]:
    without_retry = APIConnectOptions(max_retry=0, timeout=LLM_TIMEOUT_SECONDS)
    return AgentSession(
        vad=detector,
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
