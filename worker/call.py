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

from domain.calls import CallKind, CallState, EndReason
from domain.commands import Command, CommandKind
from domain.context import given_to
from domain.errors import Unavailable
from domain.events import (
    CommandRefused,
    ErrorRaised,
    Recorded,
    StateChanged,
    UserTurn,
    WorkerLeft,
)
from domain.holding import CallQueue, Claim, Recorder
from domain.outbound import Outbound
from domain.pacer import Pacer
from domain.settings import Settings
from domain.tasks import end
from domain.transcripts import Story, brief_story, retell
from worker.budget import Purse
from worker.conversation import CallLost, Conversation
from worker.joining import RoomUnreachable
from worker.patience import patiently
from worker.providers.keys import ProviderKeys, Unusable
from worker.recording import Recorders, recorded
from worker.rooms import Rooms
from worker.speech import Speech
from worker.text import TextSession, text_session
from worker.voice import voice_session

Talk = Callable[[], Awaitable[EndReason | None]]
log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
INBOX_SECONDS = 2.0
"""By then the inbox of a call that was taken over has been read."""
TELL_USAGE_SECONDS = 30.0
OVER_BUDGET = "We have to end here, I am sorry. Please try again later. Goodbye."


class HeldCall:
    """A call that this process holds. `run` returns when it is over, lost or given back."""

    def __init__(
        self,
        claim: Claim,
        queue: CallQueue,
        recorder: Recorder,
        outbound: Outbound,
        keys: ProviderKeys,
        rooms: Rooms | None,
        settings: Settings,
        pacer: Pacer,
        recorders: Recorders | None = None,
    ) -> None:
        self.claim = claim
        self._queue = queue
        self._recorder = recorder
        self._outbound = outbound
        self._keys = keys
        self._rooms = rooms
        self._settings = settings
        self._pacer = pacer
        self._recorders = recorders
        self._inbox: asyncio.Queue[Command] = asyncio.Queue()
        self._seen: set[str] = set()
        self._hang_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leaving = asyncio.Event()
        self._may_fall_silent_at = 0.0
        self._suspected = claim.replaced

    def deliver(self, command: Command) -> None:
        """Take a command once, however often the inbox shows it. What asks for the end is
        acknowledged by the end itself: who dies before it leaves the command to the next worker."""
        if str(command.id) in self._seen:
            return
        self._seen.add(str(command.id))
        if command.kind is CommandKind.END:
            if not self._hang_up.done():
                self._hang_up.set_result(None)
        else:
            self._inbox.put_nowait(command)

    def leave(self) -> None:
        """Give the call back after the turn that is being answered."""
        self._leaving.set()

    async def run(self) -> None:
        try:
            reason = await self._carry()
        except CallLost:
            return
        except Unusable as missing:
            self._note("config", str(missing))
            reason = EndReason.PROVIDER_FAILED
        except RoomUnreachable as gone:
            self._note("room", str(gone))
            reason = EndReason.ROOM_GONE
        except Exception:
            log.exception("call failed", extra={"call_id": str(self.claim.call.id)})
            self._note("internal", "The worker failed.")
            reason = EndReason.INTERNAL
        if self._recorder.fenced(self.claim):
            return
        if reason is None:
            self._recorder.emit(self.claim, WorkerLeft(epoch=self.claim.epoch))
        await self._recorder.settled(self.claim)
        if reason is None:
            await patiently(lambda: self._queue.release(self.claim))
            return
        ours = await patiently(partial(self._queue.end, self.claim, reason))
        if ours and self._rooms is not None and self.claim.call.kind is not CallKind.TEXT:
            await self._rooms.close(self.claim.call.id)

    async def _carry(self) -> EndReason | None:
        """Why the call is over; None when it is given back or was lost."""
        story = await self._read()
        if story is None:
            ending = self.claim.call.state is CallState.ENDING
            return EndReason.ENDED_BY_AGENT if ending else EndReason.ENDED_BY_API
        return await self._converse(self._open(story))

    async def _read(self) -> Story | None:
        """The story so far. None when the call is to end before it is known: a long log takes
        seconds to read."""
        reading = asyncio.create_task(self._retold())
        try:
            watched: set[asyncio.Future[Any]] = {reading, self._hang_up}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else None
        finally:
            await end(reading)

    async def _retold(self) -> Story:
        async def read(after: int, limit: int) -> Iterable[Recorded]:
            return await patiently(lambda: self._queue.log_page(self.claim.call, after, limit))

        begun = brief_story(given_to(self.claim.call, self.claim.settings.shown))
        return await retell(read, self._pacer, begun)

    def _open(self, story: Story) -> Conversation:
        self._seen.update(story.obeyed)
        conversation = Conversation(
            self.claim,
            story,
            self._recorder,
            self._keys.with_own(self.claim.opened.providers),
            self._outbound,
            secrets=self.claim.opened.secrets,
        )
        if self.claim.opened.problem:
            # The operator's keys do not stand in: whoever brought their own pays with it.
            raise Unusable(self.claim.opened.problem)
        if story.state is CallState.CONNECTING and self.claim.call.kind is CallKind.TEXT:
            conversation.tell(StateChanged(before=story.state, state=CallState.ACTIVE))
        return conversation

    async def _converse(self, conversation: Conversation) -> EndReason | None:
        """Why the call is over; None when it is given back or was lost."""
        try:
            return await self._carried(conversation)
        finally:
            # Only now everything is closed, and has told of all that it did.
            conversation.tell_rest_of_usage()
            conversation.closed = True

    async def _carried(self, conversation: Conversation) -> EndReason | None:
        purse = Purse(conversation, self._queue)
        async with self._session(conversation, purse) as talk:
            talking = asyncio.ensure_future(talk())
            lost = asyncio.create_task(self._recorder.lost(self.claim))
            over = asyncio.create_task(self._until_over(conversation, purse))
            try:
                watched: set[asyncio.Future[Any]] = {talking, lost, over, self._hang_up}
                done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(talking, lost, over)
            if lost in done:
                return None
            if self._hang_up in done:
                # An agent that has asked for the end before was first.
                return conversation.story.ending or EndReason.ENDED_BY_API
            return talking.result() if talking in done else over.result()

    @asynccontextmanager
    async def _session(self, conversation: Conversation, purse: Purse) -> AsyncGenerator[Talk]:
        """What carries the conversation, by the kind of the call."""
        if self.claim.call.kind is CallKind.TEXT:
            async with text_session(conversation) as text:
                yield lambda: self._talk(conversation, text, purse)
            return
        if self._rooms is None:
            raise RoomUnreachable("This worker knows no LiveKit: set LIVEKIT_URL and its key.")
        conversation.speech = Speech(
            conversation.keys, conversation.failed_over, conversation.meter.count, self._settings
        )
        async with (
            recorded(conversation, self._recorders) as recording,
            voice_session(conversation, self._rooms, self._settings, recording) as voice,
        ):
            yield lambda: voice.talk(self._leaving, lambda: self._seconds_left(conversation, purse))

    async def _talk(
        self, conversation: Conversation, session: TextSession, purse: Purse
    ) -> EndReason | None:
        await session.begin()
        await session.finish_open_turn()
        if self.claim.replaced:
            self._may_fall_silent_at = time.monotonic() + INBOX_SECONDS
        while conversation.story.ending is None:
            command = None if purse.is_empty else await self._next(conversation.story, purse)
            if command is None and self._leaving.is_set():
                return None
            if purse.is_empty:
                await session.take_leave(OVER_BUDGET)
                return EndReason.BUDGET_SPENT
            if command is None:
                return EndReason.SILENCE
            turn = UserTurn(
                turn_id=str(command.id), text=command.body["text"], message_id=str(command.id)
            )
            await session.answer(turn)
        self._refuse_rest(conversation)
        return conversation.story.ending

    async def _next(self, story: Story, purse: Purse) -> Command | None:
        """The next message; None when none comes in time, the budget is spent, or the call is to
        be given back."""
        message = asyncio.ensure_future(self._inbox.get())
        leaving = asyncio.ensure_future(self._leaving.wait())
        empty = asyncio.ensure_future(purse.empty.wait())
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

    def _idle_seconds_left(self, story: Story) -> float:
        """Counted from the last turn, whoever held the call then. A message that came while nobody
        held it is in the inbox, which is read within moments."""
        last = story.turns[-1].at if story.turns else story.answered_at
        idle = (datetime.now(UTC) - last).total_seconds() if last is not None else 0.0
        left = self._settings.idle_call_seconds - idle
        return max(left, self._may_fall_silent_at - time.monotonic())

    def _refuse_rest(self, conversation: Conversation) -> None:
        while not self._inbox.empty():
            command = self._inbox.get_nowait()
            conversation.tell(
                CommandRefused(
                    command_id=str(command.id),
                    command=command.kind,
                    message="The agent had ended the call.",
                )
            )

    async def _until_over(self, conversation: Conversation, purse: Purse) -> EndReason:
        began = told_at = time.monotonic()
        while (left := self._seconds_left(conversation, purse)) > 0:
            await purse.look()
            if time.monotonic() - began > LOOK_SECONDS:
                await self._confirm(conversation)
            if time.monotonic() - told_at > TELL_USAGE_SECONDS:
                told_at = time.monotonic()
                # Listening on costs too. What belongs to a turn is told of with the turn.
                if conversation.story.open_turn is None:
                    conversation.tell_rest_of_usage()
            await asyncio.sleep(min(left, LOOK_SECONDS))
        return EndReason.BUDGET_SPENT if purse.is_overdue else EndReason.MAX_DURATION

    async def _confirm(self, conversation: Conversation) -> None:
        """Once, when the call goes on and owes nobody an answer: it was not this call that its
        former workers died of."""
        if self._suspected and not conversation.story.owes_an_answer:
            with suppress(Unavailable):
                await self._queue.confirm(self.claim)
                self._suspected = False

    def _seconds_left(self, conversation: Conversation, purse: Purse) -> float:
        """Of the call, of the time that its active agent may hold it, or of its budget."""
        now, call, story = datetime.now(UTC), self.claim.call, conversation.story
        over = (story.answered_at or now) + timedelta(seconds=call.max_seconds)
        most = conversation.snapshot.agent_of(conversation.node).session.max_duration
        if most is not None and story.entered_at is not None:
            over = min(over, story.entered_at + timedelta(seconds=most))
        if purse.over_at is not None:
            over = min(over, purse.over_at)
        return max(0.0, (over - now).total_seconds())

    def _note(self, source: str, message: str) -> None:
        self._recorder.emit(
            self.claim, ErrorRaised(source=source, message=message, recoverable=False)
        )
