"""The transfers of one voice call: what tools, nodes and operators ask for, one at a time.

A transfer is checked and recorded at once, and begins when the agent has finished what it says. If it
fails, the caller is back with the agent, whose model reads why. After a warm one has succeeded, the
worker stays in the room as a silent observer and ends the call when either side hangs up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from livekit import rtc
from livekit.agents import AgentSession

from domain.calls.dial_outcomes import LeaveReason
from domain.calls.events import TransferAdvanced, TransferFailed, TransferStarted
from domain.calls.lease import TransferLine, TransferReservation
from domain.calls.model import CallKind, EndReason
from domain.calls.rooms import caller_of, colleague_of
from domain.calls.transfers import (
    MAX_TRANSFERS,
    Transfer,
    TransferFailure,
    TransferPhase,
    TransferVia,
    failure_of_refer,
)
from domain.common.errors import DialRefused, Unavailable
from domain.common.tasks import cancel_and_wait
from domain.tools.transfers import EXTENSION, TransferMode, TransferTarget
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.retry import retry_while_unavailable
from worker.session.announcements import Announcements
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import CallLost, Conversation
from worker.session.held_input import HeldInput
from worker.session.isolation import bridge_in_time, let_only_caller_listen
from worker.session.node_agent import NodeAgent
from worker.session.phone_legs import leave_reason
from worker.session.phone_line import PhoneLine
from worker.session.room_tracks import TrackNotPublished, hold_tone
from worker.session.silence_monitor import SilenceMonitor
from worker.session.warm_transfer import (
    RING_MARGIN_SECONDS,
    Failure,
    TransferLegs,
    TransferPlan,
    WarmTransfer,
    isolation_of,
)

log = logging.getLogger(__name__)

RESERVE_TIMEOUT_SECONDS = 10.0
MAX_SPEECH_SECONDS = 12.0
"""The agent may finish what it says before a transfer begins, for at most this long."""
QUIET_SECONDS = 0.8
"""After a tool, the reply of the model begins within this time."""
REPORT_SECONDS = 2.0
"""How long to wait for LiveKit's response to a referral once the caller has left."""
ANNOUNCEMENT_SECONDS = 20.0

NOT_ON_A_TELEPHONE = (
    "The caller is not on a telephone, so the carrier cannot transfer them; only a warm transfer is "
    "possible."
)
IN_PROGRESS = "A transfer is in progress already."
TOO_MANY = f"A call may be transferred {MAX_TRANSFERS} times at most."
NOT_ANSWERED = "The call has not been answered yet."
IS_ENDING = "The call is about to end."
INVALID_EXTENSION = "The extension is not a sequence of keys."
NOT_AVAILABLE = "Transfers are not available at the moment."


class TrunkSlots(Protocol):
    """Room on the trunks of the tenant. `ClaimedCalls` has the details."""

    async def reserve(self, transfer: TransferReservation) -> TransferLine: ...

    async def release(self, transfer: UUID) -> None: ...


class _NoTrunkSlots:
    """Those of calls outside of an installation."""

    async def reserve(self, transfer: TransferReservation) -> TransferLine:
        raise Unavailable(NOT_AVAILABLE)

    async def release(self, transfer: UUID) -> None:
        pass


NO_TRUNK_SLOTS: TrunkSlots = _NoTrunkSlots()


class CallTransfers:
    def __init__(
        self,
        conversation: Conversation,
        session: AgentSession[None],
        room: rtc.Room,
        rooms: LiveKitRooms,
        legs: TransferLegs,
        announcements: Announcements,
        end_call: Callable[[EndReason], None],
        slots: TrunkSlots,
    ) -> None:
        self._conversation = conversation
        self._call = conversation.claim.call
        self._clock = conversation.clock
        self._session = session
        self._room = room
        self._rooms = rooms
        self._legs = legs
        self._announcements = announcements
        self._end_call = end_call
        self._slots = slots
        self._silence: SilenceMonitor
        self._is_requesting = False
        self._pending: TransferPlan | None = None
        self._requested_at = self._clock.now()
        self._referral: asyncio.Task[Failure | None] | None = None
        """The request to the carrier to transfer the caller, while it is in progress."""
        transfer = conversation.projection.transfer
        is_referred = transfer is not None and transfer.mode is TransferMode.COLD
        self._inherited = transfer if is_referred and transfer and transfer.is_open else None
        """A referral that a worker before has requested, or was about to."""
        self._is_tapped = False
        self._was_interrupted = False
        """Whether a worker before was lost in the middle of a transfer."""
        self.is_holding = False
        """Whether the caller waits for a colleague or for the carrier."""
        self.returned_at = self._clock.now()
        """When the caller last came back from there."""
        room.on("participant_disconnected", self._on_left)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        """A caller who hangs up leaves the colleague alone, who need not wait for their return."""
        has_hung_up = leave_reason(participant) is LeaveReason.CLIENT_INITIATED
        if participant.identity == caller_of(self._call) and has_hung_up and self.is_bridged:
            self._end_call(EndReason.TRANSFERRED)

    def watch_silence(self, silence: SilenceMonitor) -> None:
        self._silence = silence

    def tap(self, session: AgentSession[Any]) -> None:
        """Let the session hear silence while the caller waits; repeats are ignored."""
        if not self._is_tapped and session.input.audio is not None:
            self._is_tapped = True
            session.input.audio = HeldInput(session.input.audio, lambda: self.is_silent)

    @property
    def is_silent(self) -> bool:
        """Whether the agents neither hear the caller nor are heard."""
        return self.is_holding or self.is_bridged

    @property
    def is_bridged(self) -> bool:
        return self._conversation.projection.is_bridged

    # ---- what tools, nodes and operators ask -------------------------------------------------

    async def request(
        self, target: TransferTarget, via: TransferVia, id: str | None = None
    ) -> str | None:
        """Begin a transfer, whose templates are rendered, once the agent has finished speaking.
        Returns why it is refused; None when it is recorded. A transfer of the same `id` is begun
        once."""
        if any(transfer.id == id for transfer in self._conversation.projection.transfers):
            return None
        problem = self._problem(target)
        if problem is not None:
            return problem
        self._is_requesting = True
        try:
            return await self._begin(target, via, id or str(uuid4()))
        finally:
            self._is_requesting = False

    def _problem(self, target: TransferTarget) -> str | None:
        projection, transfer = self._conversation.projection, self._conversation.projection.transfer
        if self._is_requesting or (transfer is not None and not transfer.failure):
            return IN_PROGRESS
        if len(projection.transfers) >= MAX_TRANSFERS:
            return TOO_MANY
        if not self._conversation.answered.is_set():
            return NOT_ANSWERED
        if projection.ending is not None:
            return IS_ENDING
        if target.mode is TransferMode.COLD and self._call.kind is not CallKind.SIP:
            return NOT_ON_A_TELEPHONE
        if target.extension and not EXTENSION.fullmatch(target.extension):
            return INVALID_EXTENSION
        return None

    async def _begin(self, target: TransferTarget, via: TransferVia, id: str) -> str | None:
        reservation = TransferReservation(
            id=UUID(id), number=target.number, mode=target.mode, trunk=target.trunk
        )
        try:
            async with asyncio.timeout(RESERVE_TIMEOUT_SECONDS):
                line = await self._slots.reserve(reservation)
        except DialRefused as refused:
            return refused.message
        except (TimeoutError, Unavailable):
            return NOT_AVAILABLE
        if self._conversation.is_lost:
            raise CallLost
        plan = TransferPlan(id=id, target=target, line=line)
        self._conversation.record(
            TransferStarted(
                transfer_id=id,
                mode=target.mode,
                requested_by=via,
                node=self._conversation.node,
                number=target.number,
                trunk=line.trunk.spec.name,
                ringing_seconds=plan.ringing_seconds,
            )
        )
        self._pending, self._requested_at = plan, self._clock.now()
        self._clock.changed()
        return None

    # ---- carrying transfers out --------------------------------------------------------------

    async def run(self) -> None:
        """Carry out what is requested, until cancelled."""
        with suppress(CallLost):
            await self._follow_inherited_referral()
            while True:
                await self._clock.wait_until(lambda: IMMEDIATELY if self._pending else None)
                plan, self._pending = self._pending, None
                assert plan is not None
                await self._carry_out(plan)

    async def _carry_out(self, plan: TransferPlan) -> None:
        failure: Failure | None = Failure(reason=TransferFailure.INTERRUPTED)
        try:
            await self._until_quiet()
            self._hold(True)
            await self._announce(plan.target.announcement)
            failure = await self._transfer(plan)
        except asyncio.CancelledError:
            self._record_interruption(plan)
            raise
        except CallLost:
            raise
        except (TrackNotPublished, Unavailable):
            failure = Failure(reason=TransferFailure.UNAVAILABLE)
        except Exception:
            log.exception("transfer failed", extra={"call_id": str(self._call.id)})
            failure = Failure(reason=TransferFailure.UNAVAILABLE)
        finally:
            self._hold(False)
            if self._referral is not None:
                await cancel_and_wait(self._referral)
        if failure is None:
            self._complete(plan)
        else:
            await self._take_back(plan, failure)

    async def _transfer(self, plan: TransferPlan) -> Failure | None:
        if plan.target.mode is TransferMode.COLD:
            return await self._refer(plan)
        transfer = WarmTransfer(self._conversation, self._room, self._rooms, self._legs, plan)
        return await transfer.run()

    async def _refer(self, plan: TransferPlan) -> Failure | None:
        """Let the carrier transfer the caller, who hears the hold tone meanwhile."""
        await self._conversation.event_writer.wait_until_stored(self._conversation.claim)
        await self._conversation.ensure_lease_held()
        async with hold_tone(self._room):
            self._referral = asyncio.create_task(self._request_referral(plan))
            failure = await asyncio.shield(self._referral)
        self._referral = None
        return failure

    async def _request_referral(self, plan: TransferPlan) -> Failure | None:
        error = await self._legs.refer(self._call, plan.target.number, plan.ringing_seconds)
        if error is None:
            return None
        return Failure(reason=failure_of_refer(error), sip_status=error.sip_status)

    def _complete(self, plan: TransferPlan) -> None:
        if plan.target.mode is TransferMode.COLD:
            self._record_referral()
            self._end_call(EndReason.TRANSFERRED)
        elif self._conversation.speech is not None:
            self._conversation.speech.stop_listening()
        self._clock.changed()

    async def _take_back(self, plan: TransferPlan, failure: Failure) -> None:
        self._record_failure(plan.id, failure)
        await self._explain()
        with suppress(Unavailable):  # the end of the call releases it, too
            await self._slots.release(UUID(plan.id))

    async def _explain(self) -> None:
        """Let the agent speak to the caller, who is back."""
        with suppress(RuntimeError):  # the session is closing
            agent: Any = self._session.current_agent
            if isinstance(agent, NodeAgent):
                await agent.transfer_failed()

    def _record_failure(self, id: str, failure: Failure) -> None:
        self._conversation.record(
            TransferFailed(transfer_id=id, failure=failure.reason, sip_status=failure.sip_status)
        )

    def _record_interruption(self, plan: TransferPlan) -> None:
        """The call ends, or another worker continues it."""
        transfer = self._conversation.projection.transfer
        if self._conversation.is_lost or transfer is None or not transfer.is_open:
            return
        if self._referral is not None:
            return  # the carrier may transfer the caller all the same
        is_here = caller_of(self._call) in self._room.remote_participants
        reason = TransferFailure.INTERRUPTED if is_here else TransferFailure.CALLER_LEFT
        self._record_failure(plan.id, Failure(reason=reason))

    def _record_referral(self) -> None:
        """The carrier has transferred the caller; repeats are ignored."""
        transfer = self._conversation.projection.transfer
        if transfer is not None and transfer.is_open:
            self._record_phase(transfer.id, TransferPhase.REFERRED)

    def _record_phase(self, id: str, phase: TransferPhase) -> None:
        self._conversation.record(TransferAdvanced(transfer_id=id, phase=phase))

    def _hold(self, is_holding: bool) -> None:
        self.is_holding = is_holding
        self.returned_at = self._clock.now()
        self._clock.changed()

    async def _until_quiet(self) -> None:
        """Let the agent finish what it says."""
        limit = self._requested_at + timedelta(seconds=MAX_SPEECH_SECONDS)
        await self._clock.wait_until(lambda: min(limit, self._quiet_at() or limit))
        if self._clock.now() >= limit:
            with suppress(RuntimeError):  # the session is closing
                self._session.interrupt(force=True)

    def _quiet_at(self) -> datetime | None:
        """When the agent will have said what it has to say; None while it speaks or a tool runs."""
        projection, quiet_since = self._conversation.projection, self._silence.quiet_since
        if quiet_since is None or projection.running_tools:
            return None
        finished_at = projection.tool_finished_at
        since = quiet_since if finished_at is None else max(quiet_since, finished_at)
        return since + timedelta(seconds=QUIET_SECONDS)

    async def _announce(self, announcement: str | None) -> None:
        if announcement and announcement.strip():
            with suppress(TimeoutError):
                async with asyncio.timeout(ANNOUNCEMENT_SECONDS):
                    await self._announcements.say_words(announcement)

    # ---- the end of the call -------------------------------------------------------------------

    async def wait_until_over(self) -> EndReason:
        """Wait until the colleague of a caller who was transferred hangs up."""
        await self._clock.wait_until(lambda: IMMEDIATELY if self.is_bridged else None)
        transfer = self._conversation.projection.transfer
        assert transfer is not None
        colleague = colleague_of(transfer.id)
        line = PhoneLine(self._conversation, self._room, self._legs, identity=colleague)
        if colleague in self._room.remote_participants or await self._is_in_room(colleague):
            await line.wait_until_over()
        return EndReason.TRANSFERRED

    async def _is_in_room(self, identity: str) -> bool:
        leg = await retry_while_unavailable(lambda: self._legs.find(self._call, identity))
        return leg is not None

    async def reason_to_end(self, reason: EndReason) -> EndReason:
        """Why a call ends whose caller has left, which is also what a transfer looks like."""
        if self.is_bridged:
            return EndReason.TRANSFERRED
        if self._referral is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    if await asyncio.shield(self._referral) is None:
                        self._record_referral()
                        return EndReason.TRANSFERRED
            return reason
        if self._inherited is not None:
            self._record_referral()
            return EndReason.TRANSFERRED
        return reason

    # ---- after the loss of a worker --------------------------------------------------------------

    async def resume(self) -> bool:
        """Settle the transfer that another worker has left. Called before any agent speaks. Returns
        whether caller and colleague are connected, so that no agent takes part."""
        transfer = self._conversation.projection.transfer
        if transfer is None or transfer.mode is TransferMode.COLD:
            return False
        if transfer.is_bridged:
            await self._bridge_if_here(transfer)
            return True
        if not transfer.is_open:
            return False
        if transfer.phase is TransferPhase.ACCEPTED and await self._bridge_if_here(transfer):
            self._record_phase(transfer.id, TransferPhase.BRIDGED)
            return True
        let_only_caller_listen(self._room, caller_of(self._call))
        await self._legs.hang_up(self._call, colleague_of(transfer.id))
        self._record_failure(transfer.id, Failure(reason=TransferFailure.INTERRUPTED))
        with suppress(Unavailable):
            await self._slots.release(UUID(transfer.id))
        self._was_interrupted = True
        return False

    async def _bridge_if_here(self, transfer: Transfer) -> bool:
        """Connect the caller with the colleague, unless they are, and let neither receive the agent.
        Returns whether they are connected."""
        if not await self._is_in_room(colleague_of(transfer.id)):
            return False
        async with isolation_of(
            self._conversation, self._room, self._rooms, transfer.id
        ) as isolation:
            return await bridge_in_time(isolation)

    async def explain_interruption(self) -> None:
        """Let the agent speak to a caller whose transfer ended with the worker before."""
        if self._was_interrupted:
            self._was_interrupted = False
            await self._explain()

    async def _follow_inherited_referral(self) -> None:
        """The carrier may have received the request or not, and another one would be a second. The
        agent talks to the caller meanwhile."""
        transfer = self._inherited
        if transfer is None:
            return
        limit = transfer.started_at + timedelta(
            seconds=MAX_SPEECH_SECONDS + transfer.ringing_seconds + RING_MARGIN_SECONDS
        )
        await self._clock.wait_until(lambda: limit)
        self._record_failure(transfer.id, Failure(reason=TransferFailure.UNKNOWN))
        self._inherited = None
