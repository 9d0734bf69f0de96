"""Dials the callee of a call, once, and follows the leg until it is answered or over.

The intent to dial is in the log before the request is sent. So a worker that takes over the call knows
that the number may have been dialled, and only watches the room: no call is dialled twice. LiveKit's
response says how the dial went, and the room shows it while it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from livekit import rtc

from domain.calls.dial_outcomes import (
    DialError,
    LeaveReason,
    LegFacts,
    LegStatus,
    outcome_of_error,
    outcome_of_leave,
    outcome_of_refusal,
)
from domain.calls.dialing import dial_problem
from domain.calls.events import DialFailed, DialStarted, ErrorRaised, StateChanged
from domain.calls.model import CallState, EndReason
from domain.calls.rooms import caller_of
from domain.common.errors import DialRefused, QuotaExceeded, Unavailable
from domain.common.tasks import background_task, cancel_and_wait
from worker.common.retry import retry_while_unavailable
from worker.common.sip_legs import ringing_seconds, status_of
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import Conversation
from worker.session.phone_legs import ANSWERED_STATUSES, Legs, leave_reason

RING_MARGIN_SECONDS = 5.0
"""LiveKit cancels a dial that is not answered in time; after this much longer, the worker does."""
RESPONSE_GRACE_SECONDS = 2.0
"""How long to wait for LiveKit's response once the leg has left: only the response has the SIP
status."""
CHECK_INTERVAL_SECONDS = 1.0
ABSENCE_SECONDS = 10.0
"""A leg that LiveKit's server has not listed for this long is gone. After a restart of the server, a leg
comes back after five seconds."""

ReserveDial = Callable[[], Awaitable[float]]
"""Reserves the next moment at which the trunk may dial, and returns in how many seconds that is. Raises
`QuotaExceeded` when a budget allows no more, and `DialRefused` when the trunk leads to an address that it
may not have, or that does not resolve."""


async def dial_at_once() -> float:
    """The `ReserveDial` of calls that no trunk limits."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the callee was not reached."""

    reason: EndReason
    sip_status: int | None = None


class Dialer:
    def __init__(
        self,
        conversation: Conversation,
        room: rtc.Room,
        legs: Legs,
        reserve_dial: ReserveDial,
    ) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._room = room
        self._legs = legs
        self._reserve_dial = reserve_dial
        self._response: asyncio.Task[DialError | None] | None = None
        """LiveKit's response to the dial; None if this worker awaits none, or it said nothing."""
        self._left: LeaveReason | None = None
        self._left_at = self._clock.now()
        self._absent_since: datetime | None = None
        self._is_answered = False
        self._rang = conversation.projection.state is CallState.RINGING
        self._saw_ringing = False
        """Noted when it happens, because the phone may be answered before this task reads the leg."""
        self._has_news = True
        room.on("participant_connected", self._on_participant_changed)
        room.on("participant_disconnected", self._on_participant_left)
        room.on("participant_attributes_changed", self._on_attributes_changed)

    async def run(self) -> EndReason | None:
        """Dial, unless the call was dialled before, and return why the callee was not reached; None
        once they have answered."""
        if self._conversation.answered.is_set():
            return None
        async with self._dialed() as problem, background_task(self._check_repeatedly()):
            failure = Failure(problem) if problem is not None else await self._watch()
        if failure is None:
            self._record_answer()
            return None
        self._record_failure(failure)
        return failure.reason

    @asynccontextmanager
    async def _dialed(self) -> AsyncGenerator[EndReason | None]:
        """Dial for the duration of the block. Yields why the call must not be dialled; None if it was
        dialled, by this worker or by an earlier one."""
        if self._conversation.projection.dialed_at is not None:
            yield None
            return
        refusal = await self._wait_for_trunk()
        if refusal is not None:
            reason, message = refusal
            self._conversation.record(
                ErrorRaised(source="dial", message=message, recoverable=False)
            )
            yield reason
            return
        await self._store_intent()
        trunk = self._conversation.claim.dial_trunk
        assert trunk is not None
        self._response = response = asyncio.create_task(self._legs.dial(self._call, trunk))
        response.add_done_callback(lambda _: self._notice())
        try:
            yield None
        finally:
            await cancel_and_wait(response)

    async def _wait_for_trunk(self) -> tuple[EndReason, str] | None:
        """Return once the trunk may dial (None), or why the call must not be dialled."""
        problem = dial_problem(self._call, self._conversation.claim.dial_trunk, self._clock.now())
        if problem is not None:
            return EndReason.DIAL_NOT_ALLOWED, problem
        try:
            seconds = await retry_while_unavailable(self._reserve_dial)
        except QuotaExceeded as exhausted:
            return EndReason.DIAL_NOT_ALLOWED, exhausted.message
        except DialRefused as refused:
            return outcome_of_refusal(refused.reason), refused.message
        await self._clock.sleep(seconds)
        return None

    async def _store_intent(self) -> None:
        """Return once the intent to dial is stored and no other worker can hold the call. Raises
        `CallLost`."""
        conversation, call = self._conversation, self._call
        trunk = conversation.claim.dial_trunk
        assert trunk is not None
        self._enter(CallState.DIALING)
        conversation.record(
            DialStarted(
                trunk=trunk.spec.name,
                from_number=call.from_number or "",
                to_number=call.to_number or "",
                ringing_seconds=ringing_seconds(call),
            )
        )
        await conversation.event_writer.wait_until_stored(conversation.claim)
        await conversation.ensure_lease_held()

    # ---- what happens to the leg -----------------------------------------------------------

    async def _watch(self) -> Failure | None:
        """Follow the leg until it is answered (None) or the dial has failed."""
        while True:
            self._has_news = False
            self._read_leg()
            self._read_response()
            if self._is_answered:
                return None
            failure = self._failure()
            if failure is not None:
                return failure
            await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else self._next_due)

    @property
    def _next_due(self) -> datetime:
        """When the dial fails unless something happens before."""
        response_due = self._left_at + timedelta(seconds=RESPONSE_GRACE_SECONDS)
        return min(self._cancel_due, response_due) if self._awaits_response else self._cancel_due

    @property
    def _cancel_due(self) -> datetime:
        dialed_at = self._conversation.projection.dialed_at or self._clock.now()
        return dialed_at + timedelta(seconds=ringing_seconds(self._call) + RING_MARGIN_SECONDS)

    def _read_leg(self) -> None:
        if self._saw_ringing:
            self._see(LegStatus.RINGING)
        leg = self._room.remote_participants.get(caller_of(self._call))
        if leg is not None:
            self._see(status_of(dict(leg.attributes)))

    def _see(self, status: LegStatus | None) -> None:
        if status is LegStatus.RINGING and not self._rang:
            self._rang = True
            self._enter(CallState.RINGING)
        if status in ANSWERED_STATUSES:
            self._is_answered = True

    def _read_response(self) -> None:
        response = self._response
        if response is not None and response.done() and response.result() is None:
            self._is_answered = True

    def _failure(self) -> Failure | None:
        """Why the dial has failed; None as long as it may succeed."""
        facts = LegFacts(rang=self._rang)
        if self._response is not None and self._response.done():
            error = self._response.result()
            assert error is not None
            reason = outcome_of_error(error, facts)
            if reason is not None:
                return Failure(reason, error.sip_status)
            self._response = None  # the number may have been dialled
        if self._left not in (None, LeaveReason.UNKNOWN) and not self._awaits_response:
            assert self._left is not None
            return Failure(outcome_of_leave(self._left, facts))
        if self._cancel_due <= self._clock.now():
            return Failure(EndReason.NO_ANSWER if self._rang else EndReason.UNREACHABLE)
        if self._response is None and self._is_gone:
            return Failure(EndReason.DIAL_UNKNOWN)
        return None

    @property
    def _awaits_response(self) -> bool:
        """Whether the leg has left just now, so that LiveKit's response follows."""
        if self._left is None or self._response is None:
            return False
        return self._clock.now() < self._left_at + timedelta(seconds=RESPONSE_GRACE_SECONDS)

    @property
    def _is_gone(self) -> bool:
        if self._absent_since is None:
            return False
        return self._clock.now() >= self._absent_since + timedelta(seconds=ABSENCE_SECONDS)

    async def _check_repeatedly(self) -> None:
        """Ask LiveKit's server for the leg unless its response is awaited: the room may show a leg that
        has left, and miss one that was dialled before this worker joined."""
        while True:
            if self._response is None and self._conversation.projection.dialed_at is not None:
                await self._check()
            await self._clock.sleep(CHECK_INTERVAL_SECONDS)

    async def _check(self) -> None:
        try:
            leg = await self._legs.find(self._call)
        except Unavailable:
            self._absent_since = None
            return
        if leg is None:
            self._absent_since = self._absent_since or self._clock.now()
        else:
            self._absent_since = None
            self._see(leg.status)
        self._notice()

    # ---- the room --------------------------------------------------------------------------

    def _on_participant_changed(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._left = None
            self._notice()

    def _on_participant_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_of(self._call):
            self._left, self._left_at = leave_reason(participant), self._clock.now()
            self._notice()

    def _on_attributes_changed(
        self, _changed: dict[str, str], participant: rtc.Participant
    ) -> None:
        if participant.identity == caller_of(self._call):
            status = status_of(dict(participant.attributes))
            self._saw_ringing = self._saw_ringing or status is LegStatus.RINGING
            self._notice()

    def _notice(self) -> None:
        self._has_news = True
        self._clock.changed()

    # ---- the log ---------------------------------------------------------------------------

    def _enter(self, state: CallState) -> None:
        before = self._conversation.projection.state
        if before is not state:
            self._conversation.record(StateChanged(before=before, state=state))

    def _record_answer(self) -> None:
        self._enter(CallState.ACTIVE)
        self._conversation.answered.set()

    def _record_failure(self, failure: Failure) -> None:
        self._conversation.record(
            DialFailed(
                reason=failure.reason,
                sip_status=failure.sip_status,
                after_ms=self._milliseconds_since_dial,
            )
        )

    @property
    def _milliseconds_since_dial(self) -> float | None:
        dialed_at = self._conversation.projection.dialed_at
        if dialed_at is None:
            return None
        return max(0.0, (self._clock.now() - dialed_at) / timedelta(milliseconds=1))
