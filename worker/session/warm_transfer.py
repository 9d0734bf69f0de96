"""A warm transfer: the caller waits while a colleague is called into the room of the call, hears in
private what it is about, and takes the call or not.

Every phase is an event. What cannot be undone is stored before it is done: the transfer before the
number is dialled, and the acceptance before caller and colleague are connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from livekit import rtc

from domain.calls.briefs import default_brief
from domain.calls.dial_outcomes import DialError, LegFacts, LegStatus, outcome_of_leave
from domain.calls.events import TransferAdvanced, TransferIsolationLost
from domain.calls.lease import TransferLine
from domain.calls.model import Call
from domain.calls.rooms import caller_of, colleague_of, room_of
from domain.calls.transfers import (
    FAILURE_OF_DIAL,
    TransferFailure,
    TransferPhase,
    failure_of_dial,
)
from domain.common.tasks import cancel_and_wait
from domain.telephony.acceptance import question_in
from domain.telephony.trunks import DialTrunk
from domain.tools.transfers import DEFAULT_RINGING_SECONDS, TransferTarget
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.room_permissions import RoomPermissions
from worker.common.side_tasks import side_task
from worker.common.sip_legs import LegDial, status_of
from worker.session.call_clock import IMMEDIATELY
from worker.session.consultation import Consultation
from worker.session.conversation import Conversation
from worker.session.isolation import Isolation, bridge_in_time
from worker.session.phone_legs import ANSWERED_STATUSES, LegFinder, leave_reason
from worker.session.private_line import private_voice
from worker.session.room_tracks import hold_tone
from worker.session.turn_detection import get_vad

RING_MARGIN_SECONDS = 5.0
"""LiveKit cancels a dial that is not answered in time; after this much longer, the worker does."""
RESPONSE_GRACE_SECONDS = 2.0
"""How long to wait for LiveKit's response once the leg has left: only the response has the SIP
status."""
MAX_CONSULTATION_SECONDS = 180.0
PAUSE_BEFORE_KEYS = "ww"
CALLER_HEADER = "X-Studio-Caller"


class TransferLegs(LegFinder, Protocol):
    """What LiveKit does with the legs of a transfer. `SipLegs` has the details."""

    async def dial_leg(self, call: Call, trunk: DialTrunk, leg: LegDial) -> DialError | None: ...

    async def refer(self, call: Call, number: str, seconds: int) -> DialError | None: ...

    async def hang_up(self, call: Call, identity: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a caller was not transferred."""

    reason: TransferFailure
    sip_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPlan:
    """A transfer that is allowed and recorded. The templates of its target are rendered."""

    id: str
    target: TransferTarget
    line: TransferLine

    @property
    def ringing_seconds(self) -> int:
        return self.target.ringing_seconds or DEFAULT_RINGING_SECONDS


@asynccontextmanager
async def isolation_of(
    conversation: Conversation, room: rtc.Room, rooms: LiveKitRooms, transfer_id: str
) -> AsyncGenerator[Isolation]:
    """The isolation of a transfer, with the connection to LiveKit that it needs."""
    call = conversation.claim.call

    def record_loss() -> None:
        conversation.record(TransferIsolationLost(transfer_id=transfer_id))

    async with rooms.client() as server:
        isolation = Isolation(
            room,
            RoomPermissions(server, room_of(call)),
            caller_of(call),
            colleague_of(transfer_id),
            conversation.clock,
            record_loss,
        )
        try:
            yield isolation
        finally:
            isolation.close()


class WarmTransfer:
    def __init__(
        self,
        conversation: Conversation,
        room: rtc.Room,
        rooms: LiveKitRooms,
        legs: TransferLegs,
        plan: TransferPlan,
    ) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._room = room
        self._rooms = rooms
        self._legs = legs
        self._plan = plan
        self._colleague = colleague_of(plan.id)
        self._isolation: Isolation
        self._response: asyncio.Task[DialError | None] | None = None
        self._rang = self._is_answered = False
        self._left_at: datetime | None = None
        self._leave_failure: TransferFailure | None = None
        self._has_news = True

    async def run(self) -> Failure | None:
        """Return None once caller and colleague are connected, or why they are not. Then the colleague
        has left, and the caller hears the agent again. Raises `TrackNotPublished`, `Unavailable` and
        `CallLost`."""
        self._listen()
        try:
            async with isolation_of(
                self._conversation, self._room, self._rooms, self._plan.id
            ) as isolation:
                self._isolation = isolation
                isolation.restrict_own_tracks()
                return await self._run_isolated(isolation)
        finally:
            self._stop_listening()

    async def _run_isolated(self, isolation: Isolation) -> Failure | None:
        is_bridged = False
        try:
            async with hold_tone(self._room), side_task(isolation.keep()):
                isolation.restrict_own_tracks()
                failure = await self._reach_and_ask()
                if failure is None:
                    failure = await self._bridge()
                is_bridged = failure is None
                return failure
        finally:
            # Another worker that holds the call by now may have connected both.
            if not (is_bridged or self._conversation.is_lost):
                await self._legs.hang_up(self._call, self._colleague)
                isolation.return_to_caller()

    async def _reach_and_ask(self) -> Failure | None:
        conversation = self._conversation
        assert conversation.speech is not None, "a voice call has speech"
        spec = conversation.snapshot.agent_at(conversation.node)
        context = conversation.visible_context(conversation.node)
        voice = conversation.speech.get_tts(spec, context)
        async with self._dialed():
            failure = await self._watch()
            if failure is not None:
                return failure
            self._record(TransferPhase.ANSWERED)
            self._isolation.answered()
            async with private_voice(self._room, voice) as private:
                self._isolation.restrict_own_tracks()
                consultation = Consultation(
                    self._room,
                    self._colleague,
                    private,
                    self._clock,
                    conversation.speech.get_private_stt(spec),
                    get_vad(spec.vad),
                )
                language = spec.first_language or conversation.claim.call.language or ""
                brief = self._brief(language)
                reason: TransferFailure | None = TransferFailure.NOT_ACCEPTED
                try:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(MAX_CONSULTATION_SECONDS):
                            reason = await consultation.run(
                                brief, question_in(language), lambda: self._admit(brief)
                            )
                finally:
                    consultation.close()
        if reason is not None:
            return Failure(reason=reason)
        await self._store_acceptance()
        is_here = self._colleague in self._room.remote_participants
        return None if is_here else Failure(reason=TransferFailure.HUNG_UP)

    async def _admit(self, brief: str) -> None:
        await self._isolation.admit()
        self._record(TransferPhase.BRIEFING, brief)

    def _brief(self, language: str) -> str:
        brief = self._plan.target.brief
        if brief and brief.strip():
            return brief
        return default_brief(self._conversation.projection, self._call.phone_number, language)

    async def _store_acceptance(self) -> None:
        """Stored first: a worker that takes over from here connects both. Raises `CallLost`."""
        conversation = self._conversation
        self._record(TransferPhase.ACCEPTED)
        await conversation.event_writer.wait_until_stored(conversation.claim)
        await conversation.ensure_lease_held()

    async def _bridge(self) -> Failure | None:
        """Connect caller and colleague (None), or return why they are not connected."""
        if await bridge_in_time(self._isolation):
            self._record(TransferPhase.BRIDGED)
            return None
        is_here = self._colleague in self._room.remote_participants
        return Failure(reason=TransferFailure.UNAVAILABLE if is_here else TransferFailure.HUNG_UP)

    def _record(self, phase: TransferPhase, brief: str | None = None) -> None:
        self._conversation.record(
            TransferAdvanced(transfer_id=self._plan.id, phase=phase, brief=brief)
        )

    # ---- the colleague's phone ---------------------------------------------------------------

    @asynccontextmanager
    async def _dialed(self) -> AsyncGenerator[None]:
        """Dial the number for the duration of the block. Raises `CallLost`."""
        conversation, line = self._conversation, self._plan.line
        await self._pause(line.wait_seconds)
        await conversation.event_writer.wait_until_stored(conversation.claim)
        await conversation.ensure_lease_held()
        dial = self._legs.dial_leg(self._call, line.trunk, self._leg())
        self._response = response = asyncio.create_task(dial)
        response.add_done_callback(lambda _: self._notice())
        try:
            yield
        finally:
            await cancel_and_wait(response)

    def _leg(self) -> LegDial:
        plan, extension = self._plan, self._plan.target.extension or ""
        if extension and not extension.startswith("w"):
            extension = f"{PAUSE_BEFORE_KEYS}{extension}"
        caller = self._call.phone_number
        return LegDial(
            identity=self._colleague,
            to_number=plan.target.number,
            from_number=plan.line.from_number,
            ringing_seconds=plan.ringing_seconds,
            max_seconds=min(self._call.max_seconds, plan.line.trunk.spec.max_call_seconds),
            digits=extension,
            headers={CALLER_HEADER: caller} if caller else {},
        )

    async def _watch(self) -> Failure | None:
        """Follow the leg until it is answered (None) or the dial has failed."""
        limit = self._clock.now() + timedelta(
            seconds=self._plan.ringing_seconds + RING_MARGIN_SECONDS
        )
        while True:
            self._has_news = False
            self._read_leg()
            failure = self._response_failure() or self._leg_failure()
            if self._is_answered:
                return None
            if failure is not None:
                return failure
            if self._clock.now() >= limit:
                return Failure(reason=TransferFailure.NO_ANSWER)
            await self._wait(limit)

    def _read_leg(self) -> None:
        leg = self._room.remote_participants.get(self._colleague)
        status = None if leg is None else status_of(dict(leg.attributes))
        if status is LegStatus.RINGING and not self._rang:
            self._rang = True
            self._record(TransferPhase.RINGING)
        if status is LegStatus.ACTIVE:
            self._is_answered = True
        elif status in ANSWERED_STATUSES:
            self._isolation.answered()  # it presses the keys of the extension

    def _response_failure(self) -> Failure | None:
        if self._response is None or not self._response.done():
            return None
        error = self._response.result()
        if error is None:
            self._is_answered = True
            return None
        reason = failure_of_dial(error, LegFacts(rang=self._rang))
        return Failure(reason=reason, sip_status=error.sip_status)

    def _leg_failure(self) -> Failure | None:
        """Why the leg has left, unless LiveKit's response follows, which says more."""
        if self._left_at is None or self._leave_failure is None:
            return None
        is_late = self._clock.now() >= self._left_at + timedelta(seconds=RESPONSE_GRACE_SECONDS)
        return Failure(reason=self._leave_failure) if is_late else None

    async def _wait(self, limit: datetime) -> None:
        due = limit
        if self._left_at is not None:
            due = min(due, self._left_at + timedelta(seconds=RESPONSE_GRACE_SECONDS))
        await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else due)

    async def _pause(self, seconds: float) -> None:
        due = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.wait_until(lambda: due)

    # ---- the room ----------------------------------------------------------------------------

    def _listen(self) -> None:
        self._room.on("participant_connected", self._on_joined)
        self._room.on("participant_disconnected", self._on_left)
        self._room.on("participant_attributes_changed", self._on_attributes_changed)

    def _stop_listening(self) -> None:
        self._room.off("participant_connected", self._on_joined)
        self._room.off("participant_disconnected", self._on_left)
        self._room.off("participant_attributes_changed", self._on_attributes_changed)

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._colleague:
            self._left_at = None
            self._notice()

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._colleague:
            self._left_at = self._clock.now()
            outcome = outcome_of_leave(leave_reason(participant), LegFacts(rang=self._rang))
            self._leave_failure = FAILURE_OF_DIAL.get(outcome, TransferFailure.UNKNOWN)
            self._notice()

    def _on_attributes_changed(
        self, _changed: dict[str, str], participant: rtc.Participant
    ) -> None:
        if participant.identity == self._colleague:
            self._notice()

    def _notice(self) -> None:
        self._has_news = True
        self._clock.changed()
