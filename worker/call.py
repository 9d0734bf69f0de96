"""One call from claim to end: the conversation, its inbox, its guards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from domain.calls import CallKind, CallState, EndReason
from domain.commands import Command, CommandKind
from domain.context import given_to
from domain.events import (
    CommandApplied,
    CommandRefused,
    ErrorRaised,
    StateChanged,
    UserTurn,
    WorkerLeft,
)
from domain.holding import CallQueue, Claim, Recorder
from domain.outbound import Outbound
from domain.settings import Settings
from domain.tasks import end
from domain.transcripts import tell
from worker.conversation import Conversation
from worker.patience import patiently
from worker.providers.keys import ProviderKeys, Unusable
from worker.rooms import Rooms, RoomUnreachable
from worker.speech import Speech
from worker.text import TextSession, text_session
from worker.voice import voice_session

Talk = Callable[[], Awaitable[EndReason | None]]
log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


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
    ) -> None:
        self.claim = claim
        self._queue = queue
        self._recorder = recorder
        self._outbound = outbound
        self._keys = keys
        self._rooms = rooms
        self._settings = settings
        self._inbox: asyncio.Queue[Command] = asyncio.Queue()
        self._seen: set[UUID] = set()
        self._hang_up: asyncio.Future[Command] = asyncio.get_running_loop().create_future()
        self._leaving = asyncio.Event()

    def deliver(self, command: Command) -> None:
        """Take a command once, however often the inbox shows it."""
        if command.id in self._seen:
            return
        self._seen.add(command.id)
        if command.kind is CommandKind.END:
            if not self._hang_up.done():
                self._hang_up.set_result(command)
        else:
            self._inbox.put_nowait(command)

    def leave(self) -> None:
        """Give the call back after the turn that is being answered."""
        self._leaving.set()

    async def run(self) -> None:
        try:
            conversation = await self._open()
            reason = await self._converse(conversation)
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

    async def _open(self) -> Conversation:
        events = await patiently(lambda: self._queue.log_of(self.claim.call))
        story = tell(events, given_to(self.claim.call, self.claim.settings.shown))
        self._seen |= {UUID(id) for id in story.obeyed}
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
        async with self._session(conversation) as talk:
            talking = asyncio.ensure_future(talk())
            lost = asyncio.create_task(self._recorder.lost(self.claim))
            over = asyncio.create_task(self._until_over(conversation))
            try:
                watched: set[asyncio.Future[Any]] = {talking, lost, over, self._hang_up}
                done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(talking, lost, over)
            if lost in done:
                return None
            if self._hang_up in done:
                command = self._hang_up.result()
                conversation.tell(CommandApplied(command_id=str(command.id), command=command.kind))
                return EndReason.ENDED_BY_API
            return talking.result() if talking in done else EndReason.MAX_DURATION

    @asynccontextmanager
    async def _session(self, conversation: Conversation) -> AsyncGenerator[Talk]:
        """What carries the conversation, by the kind of the call."""
        if self.claim.call.kind is CallKind.TEXT:
            async with text_session(conversation) as text:
                yield lambda: self._talk(conversation, text)
            return
        if self._rooms is None:
            raise RoomUnreachable("This worker knows no LiveKit: set LIVEKIT_URL and its key.")
        conversation.speech = Speech(conversation.keys, conversation.failed_over)
        async with voice_session(conversation, self._rooms, self._settings) as voice:
            yield lambda: voice.talk(self._leaving, lambda: self._seconds_left(conversation))

    async def _talk(self, conversation: Conversation, session: TextSession) -> EndReason | None:
        await session.begin()
        await session.finish_open_turn()
        while conversation.story.ending is None:
            command = await self._next()
            if command is None:
                return None if self._leaving.is_set() else EndReason.SILENCE
            turn = UserTurn(
                turn_id=str(command.id), text=command.body["text"], message_id=str(command.id)
            )
            await session.answer(turn)
        self._refuse_rest(conversation)
        return conversation.story.ending

    async def _next(self) -> Command | None:
        """The next message; None when none comes in time, or the call is to be given back."""
        message = asyncio.ensure_future(self._inbox.get())
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            done, _ = await asyncio.wait(
                {message, leaving},
                timeout=self._settings.idle_call_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            return message.result() if message in done and leaving not in done else None
        finally:
            message.cancel()
            leaving.cancel()

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

    async def _until_over(self, conversation: Conversation) -> None:
        while (left := self._seconds_left(conversation)) > 0:  # noqa: ASYNC110 it may change
            await asyncio.sleep(min(left, LOOK_SECONDS))

    def _seconds_left(self, conversation: Conversation) -> float:
        """Of the call, or of the time that its active agent may hold it."""
        now, call, story = datetime.now(UTC), self.claim.call, conversation.story
        over = (story.answered_at or now) + timedelta(seconds=call.max_seconds)
        most = conversation.snapshot.agent_of(conversation.node).session.max_duration
        if most is not None and story.entered_at is not None:
            over = min(over, story.entered_at + timedelta(seconds=most))
        return max(0.0, (over - now).total_seconds())

    def _note(self, source: str, message: str) -> None:
        self._recorder.emit(
            self.claim, ErrorRaised(source=source, message=message, recoverable=False)
        )
