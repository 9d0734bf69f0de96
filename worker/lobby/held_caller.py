"""One caller on hold: answers their phone, plays to them, and leaves when an agent comes.

The call stays in the queue all the time. It ends here only if the caller hangs up or has waited for too
long, and only if no worker has claimed it in the meantime."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.dial_outcomes import LeaveReason
from domain.calls.events import CallerQueued, QueueStage, UsageMeasured
from domain.calls.holding import HeldCall, HeldCalls, HeldState
from domain.calls.model import Call, EndReason
from domain.calls.rooms import AGENT_PREFIX, caller_of, room_of
from domain.common.errors import Unavailable
from domain.common.tasks import background_task, cancel_and_wait
from domain.providers.prices import PriceList
from domain.providers.usage import Usage
from domain.telephony.hold import HoldTexts, hold_texts
from worker.common.line_usage import line_of, line_usage
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.retry import retry_while_unavailable
from worker.common.sip_legs import SipLegs, status_of
from worker.lobby.announcer import Announcer
from worker.lobby.hold_audio import HoldAudio
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.phone_legs import ANSWERED_STATUSES, leave_reason
from worker.session.phone_line import PhoneLine
from worker.session.room_connection import RoomUnreachable, connect_room, leave_room

log = logging.getLogger(__name__)

ABSENCE_SECONDS = 10.0
"""A caller who was not in the room for this long has hung up. After a restart of LiveKit's server they
are absent for five seconds."""
CHECK_INTERVAL_SECONDS = 1.0
ANSWER_SECONDS = 8.0
"""How long the phone may take to be answered once the tones are in its room."""
ANNOUNCEMENT_INTERVAL_SECONDS = 20.0
POSITION_INTERVAL_SECONDS = 10.0
GOODBYE_SECONDS = 25.0
"""The longest goodbye that is played."""
GOODBYE_PAUSE_SECONDS = 0.5
"""What the phone still has to play when our playout is done."""


Ending = Callable[[], Awaitable[None]]
"""What a lobby does at the end of a hold."""


class HoldInterrupted(Exception):
    """The caller could not be put on hold, or the connection to their room was lost."""


class HeldCaller:
    def __init__(
        self, held: HeldCall, calls: HeldCalls, rooms: LiveKitRooms, announcer: Announcer
    ) -> None:
        self.call: Call = held.call
        self.clock = CallClock()
        self.answered = asyncio.Event()
        self._held = held
        self._calls = calls
        self._rooms = rooms
        self._announcer = announcer
        self._legs = SipLegs(rooms)
        self._audio = HoldAudio()
        self._room = rtc.Room()
        self._line = PhoneLine(self, self._room, self._legs)
        self._identity = caller_of(held.call)
        self._held_since = self.clock.now() - timedelta(seconds=held.held_seconds)
        self._announcement = b""
        self._position = held.position
        self._is_waiting = True
        """Whether no worker has claimed the call yet."""
        self._is_lost = False
        """The call has ended, or another lobby has the caller."""
        self._has_left = False
        """Whether the caller has hung up before their phone was answered."""
        self._is_disconnected = False

    def update(self, state: HeldState | None) -> None:
        """Take what the database says about the call; None: it has ended, or another lobby has it."""
        if state is None or state.epoch != self._held.epoch:
            self._is_lost = True
        else:
            self._is_waiting, self._position = state.is_waiting, state.position
        self.clock.changed()

    async def run(self) -> None:
        """Return when this lobby has nothing more to do for the caller. Raises `HoldInterrupted` when
        another attempt may help, and `Unavailable`."""
        try:
            if await self._is_in_room():
                await self._join_and_hold()
            elif not self._is_lost:
                await self._end(self._hung_up_reason)
        finally:
            await self._audio.close()

    async def _join_and_hold(self) -> None:
        self._listen()
        token = self._rooms.lobby_token(self.call, self._held.epoch)
        try:
            await connect_room(self._rooms, token, room=self._room, auto_subscribe=False)
        except RoomUnreachable as error:
            raise HoldInterrupted("LiveKit does not respond.") from error
        try:
            await self._hold()
        except rtc.participant.PublishTrackError as error:
            raise HoldInterrupted("LiveKit does not accept the tones.") from error
        finally:
            await leave_room(self._room)

    @property
    def _hung_up_reason(self) -> EndReason:
        return EndReason.ABANDONED if self._held.was_answered else EndReason.NO_ANSWER

    async def _is_in_room(self) -> bool:
        """Whether the caller is in the room. Joining the room of one who has left would create it."""
        absent_until = self.clock.now() + timedelta(seconds=ABSENCE_SECONDS)
        while self.clock.now() < absent_until and not self._is_lost:
            try:
                if await self._legs.find(self.call) is not None:
                    return True
            except Unavailable as error:
                raise HoldInterrupted("LiveKit does not respond.") from error
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
        return False

    async def _hold(self) -> None:
        self._subscribe()
        await self._audio.publish(self._room)
        if self._held.was_answered:
            # Its phone is shown as ringing after a restart of LiveKit's server.
            await self._rooms.remove_stale_lobbies(self.call, self._held.epoch)
            self.answered.set()
        elif not await self._until_answered():
            return
        async with background_task(self._play()), background_task(self._follow_position()):
            ending = await self._until_over()
        await ending()

    # ---- the answer ------------------------------------------------------------------------

    async def _until_answered(self) -> bool:
        """Wait until the caller hears the tones; False if this lobby has nothing more to do."""
        due = self.clock.now() + timedelta(seconds=ANSWER_SECONDS)
        await self.clock.wait_until(lambda: IMMEDIATELY if self._is_decided else due)
        if self._is_answered:
            self.answered.set()
            return True
        if self._has_left:
            await self._end(EndReason.NO_ANSWER)
        elif not (self._is_lost or self._has_agent):
            raise HoldInterrupted("The phone was not answered.")
        return False

    @property
    def _is_decided(self) -> bool:
        is_over = self._has_left or self._is_lost or self._is_disconnected
        return is_over or self._is_answered or self._has_agent

    @property
    def _is_answered(self) -> bool:
        leg = self._room.remote_participants.get(self._identity)
        return leg is not None and status_of(dict(leg.attributes)) in ANSWERED_STATUSES

    # ---- the end ---------------------------------------------------------------------------

    async def _until_over(self) -> Ending:
        """Wait until an agent is there, the call is over, or this lobby has lost the caller; returns
        what to do then."""
        line = asyncio.create_task(self._line.wait_until_over())
        try:
            while True:
                ending = await self._next_ending(line)
                if ending is not None:
                    return ending
        finally:
            await cancel_and_wait(line)

    async def _next_ending(self, line: asyncio.Task[EndReason]) -> Ending | None:
        """None: the caller continues to wait, because a worker has claimed the call."""
        changed = asyncio.create_task(self.clock.wait_until(self._next_due))
        try:
            await asyncio.wait((changed, line), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(changed)
        if self._has_agent or self._is_lost:
            return _leave
        if line.done():
            reason = line.result()
            return lambda: self._end(_hold_end(reason))
        if self._is_disconnected:
            return _interrupt
        return self._say_goodbye if self._is_waiting and self._is_overdue else None

    def _next_due(self) -> datetime | None:
        if self._has_agent or self._is_lost or self._is_disconnected:
            return IMMEDIATELY
        # A worker that has claimed the call comes in a moment, and need not come in time.
        return self._deadline if self._is_waiting else None

    @property
    def _deadline(self) -> datetime:
        return self._held_since + timedelta(seconds=self.call.hold_seconds or 0)

    @property
    def _is_overdue(self) -> bool:
        return self.clock.now() >= self._deadline

    async def _say_goodbye(self) -> None:
        """The caller has waited for too long. An agent who comes at this moment still gets the call."""
        speech = await self._announcer.speak(self._held, self._texts.goodbye)
        if self._has_agent:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._audio.play(speech.pcm)
                await asyncio.sleep(GOODBYE_PAUSE_SECONDS)
        await self._end(EndReason.NO_WORKER)

    async def _end(self, reason: EndReason) -> None:
        """End the call and hang up, unless a worker has claimed the call."""
        await self._record_usage((self._line_usage,) if self.answered.is_set() else ())
        if await retry_while_unavailable(lambda: self._calls.end(self._held, reason)):
            facts = {"call_id": str(self.call.id), "reason": reason}
            log.info("ended a call of a caller on hold", extra=facts)
            await self._rooms.close(room_of(self.call), self.call.id)

    @property
    def _line_usage(self) -> Usage:
        """The time on hold costs as much as that of the conversation."""
        elapsed = (self.clock.now() - self._held_since) / timedelta(milliseconds=1)
        line = line_of(self._held.trunk, self.call.to_number)
        used = line_usage(line, round(elapsed))
        return used.with_cost(PriceList(self._held.settings.prices).cost(used))

    async def _record_usage(self, usage: tuple[Usage, ...]) -> None:
        if usage:
            with suppress(Unavailable):  # a part of the cost is not worth a caller who waits
                await self._calls.record(self._held, UsageMeasured(usage=usage))

    # ---- what the caller hears -------------------------------------------------------------

    @property
    def _texts(self) -> HoldTexts:
        snapshot = self._held.version.snapshot
        agent = snapshot.agent_at(snapshot.workflow.entry.id)
        return hold_texts(self._held.policy, self.call.language or agent.first_language)

    async def _play(self) -> None:
        """Play tones, and the announcement between them once it is spoken."""
        async with background_task(self._prepare_speech()):
            loop = asyncio.get_running_loop()
            due = loop.time()
            while True:
                if self._announcement and loop.time() >= due:
                    due = loop.time() + ANNOUNCEMENT_INTERVAL_SECONDS
                    await self._audio.play(self._announcement)
                await self._audio.play_tone()

    async def _prepare_speech(self) -> None:
        """Have the texts spoken, also the one that may be needed at the end."""
        speech = await self._announcer.speak(self._held, self._texts.announcement)
        self._announcement = speech.pcm
        goodbye = await self._announcer.speak(self._held, self._texts.goodbye)
        await self._record_usage((*speech.usage, *goodbye.usage))

    async def _follow_position(self) -> None:
        """Record the position at first and whenever it has changed, but not more often than it is of
        use."""
        recorded: int | None = None
        while True:
            if self._position != recorded:
                recorded = self._position
                await retry_while_unavailable(self._record_position)
            await asyncio.sleep(POSITION_INTERVAL_SECONDS)

    async def _record_position(self) -> None:
        waited = (self.clock.now() - self.call.created_at) / timedelta(milliseconds=1)
        event = CallerQueued(
            stage=QueueStage.HOLD, position=self._position, waited_ms=max(0.0, waited)
        )
        await self._calls.record(self._held, event)

    # ---- the room --------------------------------------------------------------------------

    def _listen(self) -> None:
        room = self._room
        room.on("track_published", self._on_track_published)
        room.on("participant_disconnected", self._on_participant_disconnected)
        room.on("participant_attributes_changed", lambda *_: self.clock.changed())
        room.on("participant_connected", lambda *_: self.clock.changed())
        room.on("disconnected", self._on_disconnected)

    def _on_track_published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if participant.identity == self._identity:
            publication.set_subscribed(True)
        self.clock.changed()

    def _subscribe(self) -> None:
        """Receive the caller's audio, whose packets show that their phone is alive."""
        leg = self._room.remote_participants.get(self._identity)
        for publication in leg.track_publications.values() if leg is not None else ():
            publication.set_subscribed(True)

    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        is_caller = participant.identity == self._identity
        if is_caller and leave_reason(participant) is not LeaveReason.UNKNOWN:
            self._has_left = True
        self.clock.changed()

    def _on_disconnected(self, *_: object) -> None:
        self._is_disconnected = True
        self.clock.changed()

    @property
    def _has_agent(self) -> bool:
        """Whether the agent of a worker is in the room and can be heard."""
        return any(
            participant.identity.startswith(AGENT_PREFIX) and participant.track_publications
            for participant in self._room.remote_participants.values()
        )


def _hold_end(reason: EndReason) -> EndReason:
    return EndReason.ABANDONED if reason is EndReason.HUNG_UP_BY_USER else reason


async def _leave() -> None:
    """An agent is there, or another lobby, or the call has ended: nothing is left to do."""


async def _interrupt() -> None:
    raise HoldInterrupted("The connection to the room was lost.")
