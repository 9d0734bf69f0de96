"""A call: its kinds, the states it passes through, and the ways it can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.calling_hours import CallingHours
from domain.common.errors import InvalidTransition
from domain.telephony.attestation import Attestation
from domain.workflows.answering import AnsweringOverride, AnsweringParty
from domain.workflows.model import VersionId, WorkflowId

CallId = NewType("CallId", UUID)


class CallKind(StrEnum):
    """How the caller and the agent are connected."""

    VOIP = "VOIP"
    SIP = "SIP"
    TEXT = "TEXT"


class Direction(StrEnum):
    """Which side placed the call."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class CallState(StrEnum):
    """The state of a call. The last five are final."""

    PENDING = "PENDING"
    CONNECTING = "CONNECTING"
    DIALING = "DIALING"
    RINGING = "RINGING"
    ACTIVE = "ACTIVE"
    ENDING = "ENDING"
    COMPLETED = "COMPLETED"
    NO_ANSWER = "NO_ANSWER"
    BUSY = "BUSY"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


FINAL_STATES = frozenset(
    {
        CallState.COMPLETED,
        CallState.NO_ANSWER,
        CallState.BUSY,
        CallState.FAILED,
        CallState.CANCELED,
    }
)

_S = CallState
TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    _S.PENDING: frozenset({_S.CONNECTING}) | FINAL_STATES,
    _S.CONNECTING: frozenset({_S.DIALING, _S.ACTIVE, _S.ENDING}) | FINAL_STATES,
    _S.DIALING: frozenset({_S.RINGING, _S.ACTIVE, _S.ENDING}) | FINAL_STATES,
    _S.RINGING: frozenset({_S.ACTIVE, _S.ENDING}) | FINAL_STATES,
    _S.ACTIVE: frozenset({_S.ENDING}) | FINAL_STATES,
    _S.ENDING: FINAL_STATES,
    **{final: frozenset() for final in FINAL_STATES},
}


def transition(state: CallState, to: CallState) -> CallState:
    """Return `to`. Raises `InvalidTransition` unless `TRANSITIONS` allows it."""
    if to not in TRANSITIONS[state]:
        raise InvalidTransition(f"A call cannot go from {state} to {to}.")
    return to


class Blame(StrEnum):
    """Which party caused the call to end."""

    CALLER = "CALLER"
    AGENT = "AGENT"
    API = "API"
    PROVIDER = "PROVIDER"
    CARRIER = "CARRIER"
    PLATFORM = "PLATFORM"
    CONFIG = "CONFIG"


class EndReason(StrEnum):
    """Why a call ended."""

    HUNG_UP_BY_USER = "HUNG_UP_BY_USER"
    ENDED_BY_AGENT = "ENDED_BY_AGENT"
    WORKFLOW_FINISHED = "WORKFLOW_FINISHED"
    TRANSFERRED = "TRANSFERRED"
    ENDED_BY_API = "ENDED_BY_API"
    NO_ANSWER = "NO_ANSWER"
    BUSY = "BUSY"
    DECLINED = "DECLINED"
    INVALID_NUMBER = "INVALID_NUMBER"
    VOICEMAIL = "VOICEMAIL"
    SILENCE = "SILENCE"
    MAX_DURATION = "MAX_DURATION"
    NO_WORKER = "NO_WORKER"
    WORKER_LOST = "WORKER_LOST"
    ROOM_GONE = "ROOM_GONE"
    DIAL_UNKNOWN = "DIAL_UNKNOWN"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    TRUNK_FAILED = "TRUNK_FAILED"
    CANCELED = "CANCELED"
    BUDGET_SPENT = "BUDGET_SPENT"
    INTERNAL = "INTERNAL"
    UNREACHABLE = "UNREACHABLE"
    CARRIER_REFUSED = "CARRIER_REFUSED"
    TRUNK_UNAUTHORIZED = "TRUNK_UNAUTHORIZED"
    TELEPHONY_UNAVAILABLE = "TELEPHONY_UNAVAILABLE"
    DIAL_NOT_ALLOWED = "DIAL_NOT_ALLOWED"
    TRUNK_LIMIT = "TRUNK_LIMIT"
    LINE_LOST = "LINE_LOST"
    MESSAGE_LEFT = "MESSAGE_LEFT"
    SCREENED_OUT = "SCREENED_OUT"
    MACHINE_ANSWERED = "MACHINE_ANSWERED"
    ABANDONED = "ABANDONED"
    TENANT_SUSPENDED = "TENANT_SUSPENDED"


_R, _B = EndReason, Blame
END_OUTCOMES: dict[EndReason, tuple[CallState, Blame]] = {
    _R.HUNG_UP_BY_USER: (_S.COMPLETED, _B.CALLER),
    _R.ENDED_BY_AGENT: (_S.COMPLETED, _B.AGENT),
    _R.WORKFLOW_FINISHED: (_S.COMPLETED, _B.AGENT),
    _R.TRANSFERRED: (_S.COMPLETED, _B.AGENT),
    _R.ENDED_BY_API: (_S.COMPLETED, _B.API),
    _R.NO_ANSWER: (_S.NO_ANSWER, _B.CALLER),
    _R.BUSY: (_S.BUSY, _B.CALLER),
    _R.DECLINED: (_S.BUSY, _B.CALLER),
    _R.INVALID_NUMBER: (_S.FAILED, _B.CONFIG),
    _R.VOICEMAIL: (_S.NO_ANSWER, _B.CALLER),
    _R.SILENCE: (_S.COMPLETED, _B.CALLER),
    _R.MAX_DURATION: (_S.COMPLETED, _B.PLATFORM),
    _R.NO_WORKER: (_S.FAILED, _B.PLATFORM),
    _R.WORKER_LOST: (_S.FAILED, _B.PLATFORM),
    _R.ROOM_GONE: (_S.FAILED, _B.PLATFORM),
    _R.DIAL_UNKNOWN: (_S.FAILED, _B.PLATFORM),
    _R.PROVIDER_FAILED: (_S.FAILED, _B.PROVIDER),
    _R.TRUNK_FAILED: (_S.FAILED, _B.CARRIER),
    _R.CANCELED: (_S.CANCELED, _B.API),
    _R.BUDGET_SPENT: (_S.COMPLETED, _B.CONFIG),
    _R.INTERNAL: (_S.FAILED, _B.PLATFORM),
    _R.UNREACHABLE: (_S.NO_ANSWER, _B.CARRIER),
    _R.CARRIER_REFUSED: (_S.FAILED, _B.CARRIER),
    _R.TRUNK_UNAUTHORIZED: (_S.FAILED, _B.CONFIG),
    _R.TELEPHONY_UNAVAILABLE: (_S.FAILED, _B.PLATFORM),
    _R.DIAL_NOT_ALLOWED: (_S.FAILED, _B.CONFIG),
    _R.TRUNK_LIMIT: (_S.FAILED, _B.CONFIG),
    _R.LINE_LOST: (_S.COMPLETED, _B.CARRIER),
    _R.MESSAGE_LEFT: (_S.COMPLETED, _B.AGENT),
    _R.SCREENED_OUT: (_S.NO_ANSWER, _B.CALLER),
    _R.MACHINE_ANSWERED: (_S.NO_ANSWER, _B.CALLER),
    _R.ABANDONED: (_S.NO_ANSWER, _B.CALLER),
    _R.TENANT_SUSPENDED: (_S.FAILED, _B.PLATFORM),
}
"""The final state and the blame for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One conversation between a caller and the agents of a workflow."""

    id: CallId
    tenant_id: TenantId
    kind: CallKind
    direction: Direction
    state: CallState = CallState.PENDING
    workflow_id: WorkflowId
    version_id: VersionId
    active_node: str | None = None
    user_id: str | None = None
    phone_number: str | None = None
    """The number of the person on the phone: `to_number` of an outbound call, `from_number` of an
    inbound one."""
    from_number: str | None = None
    to_number: str | None = None
    trunk_id: UUID | None = None
    phone_number_id: UUID | None = None
    """The tenant's own number that was called or that the callee sees."""
    room_name: str | None = None
    """None: the room is named after the call."""
    caller_identity: str | None = None
    """The identity of the caller in the room; None: the usual one."""
    scheduled_for: datetime | None = None
    """When the call may be claimed; None: at once."""
    ringing_seconds: int | None = None
    """How long the phone may ring before it is answered."""
    calling_hours: CallingHours | None = None
    """When the callee may be called; None: at any time."""
    hold_after_seconds: int | None = None
    """How long an inbound call rings before the caller is put on hold; None: they never are."""
    hold_seconds: int | None = None
    """How long the caller may be on hold."""
    attestation: Attestation | None = None
    """What the carrier says about the number of an inbound caller."""
    language: str | None = None
    """The language in which agents begin; None: their own."""
    is_recorded: bool | None = None
    """None: as the workflow says."""
    answering: AnsweringOverride | None = None
    """How machines that answer are handled; None: as the workflow says."""
    sip_status: int | None = None
    """The final SIP status of a dial that was not answered."""
    answered_by: AnsweringParty | None = None
    user_context: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    max_seconds: int
    created_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    spent: int = field(default=0, compare=False)
    """The estimated cost so far, in billionths of a dollar. It grows with every turn, which is no change
    of the call for its watchers."""

    @property
    def blame(self) -> Blame | None:
        return END_OUTCOMES[self.end_reason][1] if self.end_reason else None

    @property
    def rings(self) -> bool:
        """Whether a phone rings before the conversation starts."""
        return self.kind is CallKind.SIP

    @property
    def is_dialed(self) -> bool:
        """Whether the platform dials a phone to reach the callee."""
        return self.kind is CallKind.SIP and self.direction is Direction.OUTBOUND
