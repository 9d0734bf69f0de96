"""One call from claim to end: the conversation, its inbox, its guards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from domain.calls.commands import Command, CommandKind
from domain.calls.context import initial_context
from domain.calls.events import (
    CommandRefused,
    ErrorRaised,
    StateChanged,
    StoredEvent,
    UserTurn,
    WorkerLeft,
)
from domain.calls.lease import CallQueue, Claim, EventWriter
from domain.calls.model import CallKind, CallState, EndReason
from domain.calls.state import CallProjection, bounded_projection, replay_log
from domain.common.errors import Unavailable
from domain.common.pacing import Pacer
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.tools.http import HttpClient
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.retry import retry_while_unavailable
from worker.providers.api_keys import ProviderKeys, ProviderMisconfigured
from worker.session.budget_monitor import BudgetMonitor
from worker.session.call_recorder import RecordingResources, recording_session
from worker.session.conversation import CallLost, Conversation
from worker.session.room_connection import RoomUnreachable
from worker.session.speech import SpeechProviders
from worker.session.text_session import TextSession, text_session
from worker.session.voice_session import voice_session

SessionRunner = Callable[[], Awaitable[EndReason | None]]
log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.5
INBOX_GRACE_SECONDS = 2.0
"""By then the inbox of a call that was taken over has been read."""
USAGE_INTERVAL_SECONDS = 30.0
OVER_BUDGET = "We have to end here, I am sorry. Please try again later. Goodbye."


class CallRunner:
    """A call that this process holds. `run` returns when it is over, lost or given back."""

    def __init__(
        self,
        claim: Claim,
        queue: CallQueue,
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
        self._inbox: asyncio.Queue[Command] = asyncio.Queue()
        self._seen_commands: set[str] = set()
        self._end_requested: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._releasing = asyncio.Event()
        self._min_idle_deadline = 0.0
        self._needs_confirmation = claim.is_takeover

    def deliver(self, command: Command) -> None:
        """Take a command once, however often the inbox shows it. What asks for the end is
        acknowledged by the end itself: who dies before it leaves the command to the next worker."""
        if str(command.id) in self._seen_commands:
            return
        self._seen_commands.add(str(command.id))
        if command.kind is CommandKind.END:
            if not self._end_requested.done():
                self._end_requested.set_result(None)
        else:
            self._inbox.put_nowait(command)

    def release_after_turn(self) -> None:
        """Give the call back after the turn that is being answered."""
        self._releasing.set()

    async def run(self) -> None:
        try:
            reason = await self._load_and_run()
        except CallLost:
            return
        except ProviderMisconfigured as missing:
            self._emit_error("config", str(missing))
            reason = EndReason.PROVIDER_FAILED
        except RoomUnreachable as gone:
            self._emit_error("room", str(gone))
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
        if ours and self._rooms is not None and self.claim.call.kind is not CallKind.TEXT:
            await self._rooms.close(self.claim.call.id)

    async def _load_and_run(self) -> EndReason | None:
        """Why the call is over; None when it is given back or was lost."""
        story = await self._load()
        if story is None:
            ending = self.claim.call.state is CallState.ENDING
            return EndReason.ENDED_BY_AGENT if ending else EndReason.ENDED_BY_API
        return await self._run_conversation(self._create_conversation(story))

    async def _load(self) -> CallProjection | None:
        """The story so far. None when the call is to end before it is known: a long log takes
        seconds to read."""
        reading = asyncio.create_task(self._replay())
        try:
            watched: set[asyncio.Future[Any]] = {reading, self._end_requested}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else None
        finally:
            await cancel_and_wait(reading)

    async def _replay(self) -> CallProjection:
        async def read(after: int, limit: int) -> Iterable[StoredEvent]:
            return await retry_while_unavailable(
                lambda: self._queue.log_page(self.claim.call, after, limit)
            )

        begun = bounded_projection(
            initial_context(self.claim.call, self.claim.settings.template_namespace)
        )
        return await replay_log(read, self._pacer, begun)

    def _create_conversation(self, story: CallProjection) -> Conversation:
        self._seen_commands.update(story.handled_commands)
        conversation = Conversation(
            self.claim,
            story,
            self._event_writer,
            self._keys.with_tenant_keys(self.claim.credentials.providers),
            self._http_client,
            secrets=self.claim.credentials.secrets,
        )
        if self.claim.credentials.problem:
            # The operator's keys do not stand in: whoever brought their own pays with it.
            raise ProviderMisconfigured(self.claim.credentials.problem)
        if story.state is CallState.CONNECTING and self.claim.call.kind is CallKind.TEXT:
            conversation.record(StateChanged(before=story.state, state=CallState.ACTIVE))
        return conversation

    async def _run_conversation(self, conversation: Conversation) -> EndReason | None:
        """Why the call is over; None when it is given back or was lost."""
        try:
            return await self._run_until_over(conversation)
        finally:
            # Only now everything is closed, and has told of all that it did.
            conversation.record_pending_usage()
            conversation.closed = True

    async def _run_until_over(self, conversation: Conversation) -> EndReason | None:
        purse = BudgetMonitor(conversation, self._queue)
        async with self._open_session(conversation, purse) as talk:
            talking = asyncio.ensure_future(talk())
            lost = asyncio.create_task(self._event_writer.wait_until_fenced(self.claim))
            over = asyncio.create_task(self._watch_limits(conversation, purse))
            try:
                watched: set[asyncio.Future[Any]] = {talking, lost, over, self._end_requested}
                done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(talking, lost, over)
            if lost in done:
                return None
            if self._end_requested in done:
                # An agent that has asked for the end before was first.
                return conversation.projection.ending or EndReason.ENDED_BY_API
            return talking.result() if talking in done else over.result()

    @asynccontextmanager
    async def _open_session(
        self, conversation: Conversation, budget: BudgetMonitor
    ) -> AsyncGenerator[SessionRunner]:
        """What carries the conversation, by the kind of the call."""
        if self.claim.call.kind is CallKind.TEXT:
            async with text_session(conversation) as text:
                yield lambda: self._run_text_session(conversation, text, budget)
            return
        if self._rooms is None:
            raise RoomUnreachable("This worker knows no LiveKit: set LIVEKIT_URL and its key.")
        conversation.speech = SpeechProviders(
            conversation.keys, conversation.record_failover, conversation.meter.add_metrics
        )
        async with (
            recording_session(conversation, self._recording_resources) as recording,
            voice_session(conversation, self._rooms, self._settings, recording) as voice,
        ):
            yield lambda: voice.run(
                self._releasing, lambda: self._seconds_left(conversation, budget)
            )

    async def _run_text_session(
        self, conversation: Conversation, session: TextSession, budget: BudgetMonitor
    ) -> EndReason | None:
        await session.start()
        await session.finish_open_turn()
        if self.claim.is_takeover:
            self._min_idle_deadline = time.monotonic() + INBOX_GRACE_SECONDS
        while conversation.projection.ending is None:
            command = (
                None
                if budget.is_exhausted
                else await self._next_message(conversation.projection, budget)
            )
            if command is None and self._releasing.is_set():
                return None
            if budget.is_exhausted:
                await session.say_goodbye(OVER_BUDGET)
                return EndReason.BUDGET_SPENT
            if command is None:
                return EndReason.SILENCE
            turn = UserTurn(
                turn_id=str(command.id), text=command.body["text"], message_id=str(command.id)
            )
            await session.answer(turn)
        self._refuse_remaining(conversation)
        return conversation.projection.ending

    async def _next_message(self, story: CallProjection, budget: BudgetMonitor) -> Command | None:
        """The next message; None when none comes in time, the budget is spent, or the call is to
        be given back."""
        message = asyncio.ensure_future(self._inbox.get())
        leaving = asyncio.ensure_future(self._releasing.wait())
        empty = asyncio.ensure_future(budget.exhausted.wait())
        try:
            done, _ = await asyncio.wait(
                {message, leaving, empty},
                timeout=self._idle_seconds_left(story),
                return_when=asyncio.FIRST_COMPLETED,
            )
            return message.result() if message in done and leaving not in done else None
        finally:
            message.cancel()
            leaving.cancel()
            empty.cancel()

    def _idle_seconds_left(self, story: CallProjection) -> float:
        """Counted from the last turn, whoever held the call then. A message that came while nobody
        held it is in the inbox, which is read within moments."""
        last = story.turns[-1].at if story.turns else story.answered_at
        idle = (datetime.now(UTC) - last).total_seconds() if last is not None else 0.0
        left = self._settings.idle_call_seconds - idle
        return max(left, self._min_idle_deadline - time.monotonic())

    def _refuse_remaining(self, conversation: Conversation) -> None:
        while not self._inbox.empty():
            command = self._inbox.get_nowait()
            conversation.record(
                CommandRefused(
                    command_id=str(command.id),
                    command=command.kind,
                    message="The agent had ended the call.",
                )
            )

    async def _watch_limits(self, conversation: Conversation, budget: BudgetMonitor) -> EndReason:
        began = told_at = time.monotonic()
        while (left := self._seconds_left(conversation, budget)) > 0:
            await budget.check()
            if time.monotonic() - began > POLL_INTERVAL_SECONDS:
                await self._confirm_survival(conversation)
            if time.monotonic() - told_at > USAGE_INTERVAL_SECONDS:
                told_at = time.monotonic()
                # Listening on costs too. What belongs to a turn is told of with the turn.
                if conversation.projection.open_turn is None:
                    conversation.record_pending_usage()
            await asyncio.sleep(min(left, POLL_INTERVAL_SECONDS))
        return EndReason.BUDGET_SPENT if budget.is_grace_expired else EndReason.MAX_DURATION

    async def _confirm_survival(self, conversation: Conversation) -> None:
        """Once, when the call goes on and owes nobody an answer: it was not this call that its
        former workers died of."""
        if self._needs_confirmation and not conversation.projection.reply_pending:
            with suppress(Unavailable):
                await self._queue.reset_takeovers(self.claim)
                self._needs_confirmation = False

    def _seconds_left(self, conversation: Conversation, budget: BudgetMonitor) -> float:
        """Of the call, of the time that its active agent may hold it, or of its budget."""
        now, call, story = datetime.now(UTC), self.claim.call, conversation.projection
        over = (story.answered_at or now) + timedelta(seconds=call.max_seconds)
        most = conversation.snapshot.agent_at(conversation.node).session.max_duration
        if most is not None and story.entered_at is not None:
            over = min(over, story.entered_at + timedelta(seconds=most))
        if budget.deadline is not None:
            over = min(over, budget.deadline)
        return max(0.0, (over - now).total_seconds())

    def _emit_error(self, source: str, message: str) -> None:
        self._event_writer.emit(
            self.claim, ErrorRaised(source=source, message=message, recoverable=False)
        )
