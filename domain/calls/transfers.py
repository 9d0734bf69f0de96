"""A transfer of a call to another number: its phases, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.calls.dial_outcomes import DialError, LegFacts, outcome_of_error, outcome_of_sip_status
from domain.calls.model import EndReason
from domain.tools.transfers import TransferMode

MAX_TRANSFERS = 20
"""Transfers that one call may attempt."""


class TransferVia(StrEnum):
    """What requested a transfer."""

    TOOL = "TOOL"
    NODE = "NODE"
    OPERATOR = "OPERATOR"


class TransferPhase(StrEnum):
    """How far a transfer is. `REFERRED` and `BRIDGED` are the ends of a cold and a warm one."""

    RINGING = "RINGING"
    ANSWERED = "ANSWERED"
    BRIEFING = "BRIEFING"
    ACCEPTED = "ACCEPTED"
    BRIDGED = "BRIDGED"
    REFERRED = "REFERRED"


class TransferFailure(StrEnum):
    """Why a caller was not transferred."""

    DECLINED = "DECLINED"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    VOICEMAIL = "VOICEMAIL"
    NO_ANSWER = "NO_ANSWER"
    BUSY = "BUSY"
    UNREACHABLE = "UNREACHABLE"
    INVALID_NUMBER = "INVALID_NUMBER"
    HUNG_UP = "HUNG_UP"
    REFUSED = "REFUSED"
    TRUNK_FAILED = "TRUNK_FAILED"
    UNAVAILABLE = "UNAVAILABLE"
    CALLER_LEFT = "CALLER_LEFT"
    INTERRUPTED = "INTERRUPTED"
    UNKNOWN = "UNKNOWN"


_F, _R = TransferFailure, EndReason

FAILURE_OF_DIAL: Mapping[EndReason, TransferFailure] = {
    _R.NO_ANSWER: _F.NO_ANSWER,
    _R.BUSY: _F.BUSY,
    _R.DECLINED: _F.DECLINED,
    _R.INVALID_NUMBER: _F.INVALID_NUMBER,
    _R.UNREACHABLE: _F.UNREACHABLE,
    _R.CARRIER_REFUSED: _F.REFUSED,
    _R.TRUNK_UNAUTHORIZED: _F.TRUNK_FAILED,
    _R.TRUNK_FAILED: _F.TRUNK_FAILED,
    _R.TELEPHONY_UNAVAILABLE: _F.UNAVAILABLE,
    _R.INTERNAL: _F.UNAVAILABLE,
    _R.CANCELED: _F.INTERRUPTED,
    _R.ROOM_GONE: _F.INTERRUPTED,
    _R.DIAL_UNKNOWN: _F.UNKNOWN,
}
"""The failure of a transfer whose number was not reached, by the end reason that a call would have."""

REFUSED_REFERS = frozenset({401, 403, 405, 407, 420, 488, 501})
"""The SIP statuses with which a phone or a carrier refuses to transfer at all."""

FAILURE_OF_REFER: Mapping[str, TransferFailure] = {
    "canceled": _F.UNKNOWN,
    "deadline_exceeded": _F.UNKNOWN,
    "failed_precondition": _F.CALLER_LEFT,
    "not_found": _F.CALLER_LEFT,
    "unknown": _F.UNKNOWN,
    "internal": _F.UNKNOWN,
}
"""The failure for each error without a SIP status; `UNAVAILABLE` for any other."""

EXPLANATIONS: Mapping[TransferFailure, str] = {
    _F.DECLINED: "the call was declined",
    _F.NOT_ACCEPTED: "the colleague did not say whether to take the call",
    _F.VOICEMAIL: "a mailbox or another machine answered",
    _F.NO_ANSWER: "the phone was not answered",
    _F.BUSY: "the line is busy",
    _F.UNREACHABLE: "the phone cannot be reached",
    _F.INVALID_NUMBER: "the number does not exist",
    _F.HUNG_UP: "the colleague hung up",
    _F.REFUSED: "the carrier does not transfer the call",
    _F.TRUNK_FAILED: "the carrier failed",
    _F.UNAVAILABLE: "the telephone system is unavailable",
    _F.CALLER_LEFT: "the caller left",
    _F.INTERRUPTED: "the transfer was interrupted",
    _F.UNKNOWN: "it is not known what became of it",
}


def failure_of_dial(error: DialError, facts: LegFacts) -> TransferFailure:
    """Why the number was not reached, by the response to the dial."""
    reason = outcome_of_error(error, facts)
    return _F.UNKNOWN if reason is None else FAILURE_OF_DIAL.get(reason, _F.UNAVAILABLE)


def failure_of_refer(error: DialError) -> TransferFailure:
    """Why the carrier did not transfer the caller, by the response to the request."""
    status = error.sip_status
    if status is None:
        return FAILURE_OF_REFER.get(error.code, _F.UNAVAILABLE)
    if status in REFUSED_REFERS:
        return _F.REFUSED
    return FAILURE_OF_DIAL.get(outcome_of_sip_status(status, LegFacts()), _F.TRUNK_FAILED)


def failure_note(failure: TransferFailure) -> str:
    """What the agent reads when it has the caller back."""
    return (
        f"The transfer failed: {EXPLANATIONS[failure]}. You are talking to the caller again. Say so, and "
        "offer what else you can do."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer as far as the log has it."""

    id: str
    mode: TransferMode
    number: str
    trunk: str
    started_at: datetime
    ringing_seconds: int
    phase: TransferPhase | None = None
    """None until something is known of the number that is called."""
    answered_at: datetime | None = None
    """When the colleague's phone was answered."""
    failure: TransferFailure | None = None
    failed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not decided yet who talks to the caller."""
        return self.failure is None and self.phase not in (
            TransferPhase.BRIDGED,
            TransferPhase.REFERRED,
        )

    @property
    def is_bridged(self) -> bool:
        """Whether the caller talks to the colleague."""
        return self.failure is None and self.phase is TransferPhase.BRIDGED

    def advanced(self, phase: TransferPhase, at: datetime) -> Transfer:
        answered = at if phase is TransferPhase.ANSWERED else None
        return replace(self, phase=phase, answered_at=self.answered_at or answered)

    def failed(self, failure: TransferFailure, at: datetime) -> Transfer:
        return replace(self, failure=failure, failed_at=at)
