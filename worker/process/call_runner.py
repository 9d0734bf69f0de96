"""Runs one call from claim to end: its conversation, its command inbox and its limits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from domain.calls.commands import Command, CommandKind, transfer_from_json
from domain.calls.context import initial_context
from domain.calls.events import (
    CommandApplied,
    CommandRefused,
    ErrorRaised,
    StateChanged,
    StoredEvent,
    UserTurn,
    WorkerLeft,
)
from domain.calls.lease import (
    Claim,
    ClaimedCalls,
    EventWriter,
    TransferLine,
    TransferReservation,
)
from domain.calls.model import CallKind, CallState, EndReason
from domain.calls.rooms import room_of
from domain.calls.state import CallProjection, bounded_projection, replay_log
from domain.common.pacing import Pacer
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.tools.http import HttpClient
from domain.workflows.spoken_texts import SpokenText
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.retry import retry_while_unavailable
from worker.common.sip_legs import SipLegs
from worker.session.budget_monitor import BudgetMonitor
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.call_limits import CallLimits
from worker.session.call_recorder import RecordingResources, recording_session
from worker.session.conversation import CallLost, Conversation
from worker.session.room_connection import RoomUnreachable
from worker.session.speech import SpeechProviders
from worker.session.spoken_texts import spoken_text
from worker.session.text_session import TextSession, text_session
from worker.session.voice_session import VoiceSession, voice_session

SessionRunner = Callable[[], Awaitable[EndReason | None]]
log = logging.getLogger(__name__)

INBOX_GRACE_SECONDS = 2.0
"""A call that was taken over does not end for silence before its inbox has been read."""


class ClaimedTrunkSlots:
    """Room on the trunks of the tenant, for the transfers of one call."""

    def __init__(self, queue: ClaimedCalls, claim: Claim) -> None:
        self._queue = queue
        self._claim = claim

    async def reserve(self, transfer: TransferReservation) -> TransferLine:
        return await self._queue.reserve_transfer(self._claim, transfer)

    async def release(self, transfer: UUID) -> None:
        await self._queue.release_transfer(transfer)


class CallRunner:
    """Runs a call that this process holds. `run` returns once it has ended, was lost or released."""

    def __init__(
        self,
        claim: Claim,
        queue: ClaimedCalls,
        event_writer: EventWriter,
        http_client: HttpClient,
        keys: ProviderKeys,
        rooms: LiveKitRooms | None,
        settings: Settings,
        pacer: Pacer,
        recording_resources: RecordingResources | None = None,
    ) -> None:
        self.claim = claim
        self._queue = queue
        self._event_writer = event_writer
        self._http_client = http_client
        self._keys = keys
        self._rooms = rooms
        self._settings = settings
        self._pacer = pacer
        self._recording_resources = recording_resources
        self._clock = CallClock()
        self._inbox: deque[Command] = deque()
        self._seen_commands: set[str] = set()
        self._end_requested: asyncio.Future[Command] = asyncio.get_running_loop().create_future()
        self._releasing = asyncio.Event()
        self._min_idle_deadline = IMMEDIATELY

    def deliver(self, command: Command) -> None:
        """Accept a command; repeated deliveries are ignored. Only the end of the call acknowledges
        an END command, so if this worker dies before, the next worker receives the command."""
        if str(command.id) in self._seen_commands:
            return
        self._seen_commands.add(str(command.id))
        if command.kind is CommandKind.END:
            if not self._end_requested.done():
                self._end_requested.set_result(command)
        else:
            self._inbox.append(command)
            self._clock.changed()

    def release_after_turn(self) -> None:
        """Release the call to another worker after the current turn."""
        self._releasing.set()
        self._clock.changed()

    async def run(self) -> None:
        try:
            reason = await self._load_and_run()
        except CallLost:
            return
        except ProviderMisconfigured as error:
            self._emit_error("config", str(error))
            reason = EndReason.PROVIDER_FAILED
        except RoomUnreachable as error:
            self._emit_error("room", str(error))
            reason = EndReason.ROOM_GONE
        except Exception:
            log.exception("call failed", extra={"call_id": str(self.claim.call.id)})
            self._emit_error("internal", "The worker failed.")
            reason = EndReason.INTERNAL
        if self._event_writer.is_fenced(self.claim):
            return
        if reason is None:
            self._event_writer.emit(self.claim, WorkerLeft(epoch=self.claim.epoch))
        await self._event_writer.wait_until_stored(self.claim)
        if reason is None:
            await retry_while_unavailable(lambda: self._queue.release(self.claim))
            return
        ours = await retry_while_unavailable(partial(self._queue.end, self.claim, reason))
        call = self.claim.call
        if ours and self._rooms is not None and call.kind is not CallKind.TEXT:
            await self._rooms.close(room_of(call), call.id)

    async def _load_and_run(self) -> EndReason | None:
        """Return why the call ended; None when it was released or lost."""
        projection = await self._load()
        if projection is None:
            if self.claim.call.state is CallState.ENDING:
                return EndReason.ENDED_BY_AGENT
            return self._requested_end(self.claim.call.answered_at is not None)
        return await self._run_conversation(self._create_conversation(projection))

    async def _load(self) -> CallProjection | None:
        """Replay the event log. None when the end of the call is requested first: a long log takes
        seconds to read."""
        replay = asyncio.create_task(self._replay())
        try:
            watched: set[asyncio.Future[Any]] = {replay, self._end_requested}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            return replay.result() if replay.done() else None
        finally:
            await cancel_and_wait(replay)

    async def _replay(self) -> CallProjection:
        async def read(after: int, limit: int) -> Iterable[StoredEvent]:
            return await retry_while_unavailable(
                lambda: self._queue.log_page(self.claim.call, after, limit)
            )

        initial = bounded_projection(
            initial_context(self.claim.call, self.claim.settings.template_namespace)
        )
        return await replay_log(read, self._pacer, initial)

    def _create_conversation(self, projection: CallProjection) -> Conversation:
        self._seen_commands.update(projection.handled_commands)
        conversation = Conversation(
            self.claim,
            projection,
            self._event_writer,
            self._keys.with_tenant_credentials(self.claim.credentials),
            self._http_client,
            secrets=self.claim.credentials.secrets,
            clock=self._clock,
        )
        if self.claim.credentials.problem:
            # The operator's keys are no fallback for a tenant's own, which the tenant pays for.
            raise ProviderMisconfigured(self.claim.credentials.problem)
        if projection.state is CallState.CONNECTING and self.claim.call.kind is CallKind.TEXT:
            conversation.record(StateChanged(before=projection.state, state=CallState.ACTIVE))
        return conversation

    async def _run_conversation(self, conversation: Conversation) -> EndReason | None:
        """Return why the call ended; None when it was released or lost."""
        try:
            return await self._run_until_over(conversation)
        finally:
            # Providers report their last usage when they are closed, which they are only now.
            conversation.record_pending_usage()
            conversation.close()

    async def _run_until_over(self, conversation: Conversation) -> EndReason | None:
        budget = BudgetMonitor(conversation, self._queue.is_over_budget)
        limits = CallLimits(conversation, budget, lambda: self._queue.reset_takeovers(self.claim))
        async with self._open_session(conversation, budget, limits) as run_session:
            session = asyncio.ensure_future(run_session())
            fenced = asyncio.create_task(self._event_writer.wait_until_fenced(self.claim))
            limit = asyncio.create_task(limits.wait_until_reached())
            try:
                watched: set[asyncio.Future[Any]] = {session, fenced, limit, self._end_requested}
                done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(session, fenced, limit)
            if fenced in done:
                return None
            if self._end_requested in done:
                await self._stop_ringing(conversation)
                # If an agent had already ended the call, its reason counts.
                is_answered = conversation.projection.answered_at is not None
                return conversation.projection.ending or self._requested_end(is_answered)
            return session.result() if session in done else limit.result()

    def _requested_end(self, is_answered: bool) -> EndReason:
        command = self._end_requested.result()
        return command.end_reason_for(self.claim.call, is_answered=is_answered)

    async def _stop_ringing(self, conversation: Conversation) -> None:
        """Cancel a dial at once, because closing the session takes a while and the phone rings."""
        is_dialed = conversation.projection.dialed_at is not None
        may_ring = is_dialed and not conversation.answered.is_set()
        if self._rooms is not None and may_ring and not conversation.is_lost:
            await SipLegs(self._rooms).hang_up(self.claim.call)

    @asynccontextmanager
    async def _open_session(
        self, conversation: Conversation, budget: BudgetMonitor, limits: CallLimits
    ) -> AsyncGenerator[SessionRunner]:
        """Open the text or voice session of the call; yields the function that runs it."""
        if self.claim.call.kind is CallKind.TEXT:
            async with text_session(conversation) as text:
                yield lambda: self._run_text_session(conversation, text, budget)
            return
        if self._rooms is None:
            raise RoomUnreachable(
                "LiveKit is not configured for this worker: set LIVEKIT_URL, LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET."
            )
        conversation.speech = SpeechProviders(
            conversation.keys,
            conversation.record_failover,
            conversation.add_usage,
            self._settings,
            self.claim.call.language,
            is_phone=self.claim.call.kind is CallKind.SIP,
        )
        for item in conversation.projection.items:  # of a call that was taken over
            if isinstance(item, UserTurn):
                conversation.speech.update_caller_language(item.text, item.language)
        async with (
            recording_session(conversation, self._recording_resources) as recording,
            voice_session(
                conversation,
                self._rooms,
                self._settings,
                recording,
                lambda: self._queue.reserve_dial(self.claim),
                ClaimedTrunkSlots(self._queue, self.claim),
            ) as voice,
        ):
            yield lambda: self._run_voice_session(conversation, voice, limits)

    async def _run_voice_session(
        self, conversation: Conversation, voice: VoiceSession, limits: CallLimits
    ) -> EndReason | None:
        commands = asyncio.create_task(self._handle_commands(conversation, voice))
        try:
            return await voice.run(self._releasing, lambda: limits.deadline)
        finally:
            await cancel_and_wait(commands)

    async def _handle_commands(self, conversation: Conversation, voice: VoiceSession) -> None:
        """Handle the commands to a voice call, until cancelled."""
        with suppress(CallLost):
            while True:
                await self._clock.wait_until(lambda: IMMEDIATELY if self._inbox else None)
                command = self._inbox.popleft()
                problem = await self._handle_command(command, voice)
                id, kind = str(command.id), command.kind
                conversation.record(
                    CommandApplied(command_id=id, command=kind)
                    if problem is None
                    else CommandRefused(command_id=id, command=kind, message=problem)
                )

    async def _handle_command(self, command: Command, voice: VoiceSession) -> str | None:
        """Why the command is refused; None if it is carried out."""
        if command.kind is not CommandKind.TRANSFER:
            return "A voice call takes no messages."
        return await voice.transfer(str(command.id), transfer_from_json(command.body))

    async def _run_text_session(
        self, conversation: Conversation, session: TextSession, budget: BudgetMonitor
    ) -> EndReason | None:
        await session.start()
        await session.finish_open_turn()
        if self.claim.is_takeover:
            self._min_idle_deadline = self._clock.now() + timedelta(seconds=INBOX_GRACE_SECONDS)
        while conversation.projection.ending is None:
            command = (
                None
                if budget.is_exhausted
                else await self._next_message(conversation.projection, budget)
            )
            if command is None and self._releasing.is_set():
                return None
            if budget.is_exhausted:
                await session.say_goodbye(spoken_text(conversation, SpokenText.BUDGET_EXHAUSTED))
                return EndReason.BUDGET_SPENT
            if command is None:
                return EndReason.SILENCE
            turn = UserTurn(
                turn_id=str(command.id), text=command.body["text"], message_id=str(command.id)
            )
            await session.answer(turn)
        self._refuse_remaining(conversation)
        return conversation.projection.ending

    async def _next_message(
        self, projection: CallProjection, budget: BudgetMonitor
    ) -> Command | None:
        """Wait for the next message. None when none arrives in time, the budget is exhausted, or
        the call is to be released."""
        idle_deadline = self._idle_deadline(projection)

        def deadline() -> datetime:
            is_over = self._releasing.is_set() or budget.is_exhausted
            return IMMEDIATELY if self._inbox or is_over else idle_deadline

        await self._clock.wait_until(deadline)
        return self._inbox.popleft() if self._inbox and not self._releasing.is_set() else None

    def _idle_deadline(self, projection: CallProjection) -> datetime:
        """Counted from the last turn, whichever worker held the call then. A message that arrived
        while no worker held the call is in the inbox, which is read within moments."""
        last = projection.turns[-1].at if projection.turns else projection.answered_at
        idle_since = last or self._clock.now()
        deadline = idle_since + timedelta(seconds=self._settings.idle_call_seconds)
        return max(deadline, self._min_idle_deadline)

    def _refuse_remaining(self, conversation: Conversation) -> None:
        while self._inbox:
            command = self._inbox.popleft()
            conversation.record(
                CommandRefused(
                    command_id=str(command.id),
                    command=command.kind,
                    message="The agent had ended the call.",
                )
            )

    def _emit_error(self, source: str, message: str) -> None:
        self._event_writer.emit(
            self.claim, ErrorRaised(source=source, message=message, recoverable=False)
        )
