"""What became of a dial: the end reason for each SIP status, error of LiveKit and reason to leave.

Two parties report how a dial went. LiveKit's response has the SIP status, but only the worker that
sent the request receives it. The room shows the leg of the callee to every worker, and says less:
busy, declined and refused look alike there. So the response decides, and the room does when there
is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.calls.model import EndReason
from domain.telephony.dial_policy import DialRefusal

_R = EndReason


class LegStatus(StrEnum):
    """LiveKit's attribute `sip.callStatus` of a leg."""

    DIALING = "dialing"
    RINGING = "ringing"
    AUTOMATION = "automation"
    ACTIVE = "active"
    HANGUP = "hangup"


class LeaveReason(StrEnum):
    """Why a leg left the room, as LiveKit reports it."""

    CLIENT_INITIATED = "CLIENT_INITIATED"
    USER_REJECTED = "USER_REJECTED"
    USER_UNAVAILABLE = "USER_UNAVAILABLE"
    SIP_TRUNK_FAILURE = "SIP_TRUNK_FAILURE"
    PARTICIPANT_REMOVED = "PARTICIPANT_REMOVED"
    ROOM_DELETED = "ROOM_DELETED"
    ROOM_CLOSED = "ROOM_CLOSED"
    CONNECTION_TIMEOUT = "CONNECTION_TIMEOUT"
    MEDIA_FAILURE = "MEDIA_FAILURE"
    UNKNOWN = "UNKNOWN"
    """LiveKit gave no reason, or one that a leg never has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialError:
    """A response of LiveKit that the dial failed. `code` is Twirp's."""

    code: str
    message: str
    sip_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    """What a worker knows about a leg that was not answered."""

    rang: bool = False
    """The callee's phone was ringing."""


SIP_OUTCOMES: Mapping[int, EndReason] = {
    401: _R.TRUNK_UNAUTHORIZED,
    402: _R.CARRIER_REFUSED,
    403: _R.CARRIER_REFUSED,
    404: _R.INVALID_NUMBER,
    407: _R.TRUNK_UNAUTHORIZED,
    408: _R.UNREACHABLE,
    410: _R.INVALID_NUMBER,
    429: _R.CARRIER_REFUSED,
    433: _R.CARRIER_REFUSED,
    436: _R.CARRIER_REFUSED,
    437: _R.CARRIER_REFUSED,
    438: _R.CARRIER_REFUSED,
    480: _R.UNREACHABLE,
    484: _R.INVALID_NUMBER,
    486: _R.BUSY,
    487: _R.NO_ANSWER,
    600: _R.BUSY,
    603: _R.DECLINED,
    604: _R.INVALID_NUMBER,
    607: _R.DECLINED,
    608: _R.CARRIER_REFUSED,
}
"""The end reason of each final SIP status; `TRUNK_FAILED` for any other."""

_NO_ANSWER_WHEN_RUNG = frozenset({_R.UNREACHABLE})
"""A phone that rang is reachable."""

AUTHENTICATION_MESSAGES = ("max auth retry attempts", "required auth")
"""Parts of LiveKit's messages when the trunk rejects the credentials or asks for some."""
RESOLUTION_MESSAGE = "fail to resolve target"
SHUTDOWN_MESSAGE = "service shutting down"
"""The part of LiveKit's message when livekit-sip is stopped while a phone rings."""

ERROR_OUTCOMES: Mapping[str, EndReason | None] = {
    "unavailable": _R.TELEPHONY_UNAVAILABLE,
    "unimplemented": _R.TELEPHONY_UNAVAILABLE,
    "unauthenticated": _R.TELEPHONY_UNAVAILABLE,
    "permission_denied": _R.TELEPHONY_UNAVAILABLE,
    "bad_route": _R.TELEPHONY_UNAVAILABLE,
    "failed_precondition": _R.TRUNK_FAILED,
    "invalid_argument": _R.INTERNAL,
    "malformed": _R.INTERNAL,
    "not_found": _R.INTERNAL,
    "deadline_exceeded": None,
    "internal": None,
    "unknown": None,
}
"""The end reason of each error without a SIP status; None: the number may have been dialled."""

LEAVE_OUTCOMES: Mapping[LeaveReason, EndReason] = {
    LeaveReason.CLIENT_INITIATED: _R.TRUNK_FAILED,
    LeaveReason.USER_REJECTED: _R.DECLINED,
    LeaveReason.USER_UNAVAILABLE: _R.UNREACHABLE,
    LeaveReason.SIP_TRUNK_FAILURE: _R.TRUNK_FAILED,
    LeaveReason.PARTICIPANT_REMOVED: _R.ROOM_GONE,
    LeaveReason.ROOM_DELETED: _R.ROOM_GONE,
    LeaveReason.ROOM_CLOSED: _R.ROOM_GONE,
    LeaveReason.CONNECTION_TIMEOUT: _R.TELEPHONY_UNAVAILABLE,
    LeaveReason.MEDIA_FAILURE: _R.TRUNK_FAILED,
    LeaveReason.UNKNOWN: _R.DIAL_UNKNOWN,
}
"""The end reason when a leg leaves before it was answered, and LiveKit's response is not known."""

HANG_UP_OUTCOMES: Mapping[LeaveReason, EndReason] = {
    LeaveReason.CLIENT_INITIATED: _R.HUNG_UP_BY_USER,
    LeaveReason.PARTICIPANT_REMOVED: _R.ROOM_GONE,
    LeaveReason.ROOM_DELETED: _R.ROOM_GONE,
    LeaveReason.ROOM_CLOSED: _R.ROOM_GONE,
    LeaveReason.CONNECTION_TIMEOUT: _R.TELEPHONY_UNAVAILABLE,
    LeaveReason.MEDIA_FAILURE: _R.LINE_LOST,
}
"""The end reason when a leg leaves that was answered; one that is not listed may come back."""


def outcome_of_sip_status(status: int, facts: LegFacts) -> EndReason:
    return _unless_rang(SIP_OUTCOMES.get(status, _R.TRUNK_FAILED), facts)


def outcome_of_error(error: DialError, facts: LegFacts) -> EndReason | None:
    """The end reason for a dial that LiveKit reports as failed; None: the number may have been
    dialled."""
    if error.sip_status is not None:
        return outcome_of_sip_status(error.sip_status, facts)
    if error.code == "canceled":
        if SHUTDOWN_MESSAGE in error.message:
            return _R.TELEPHONY_UNAVAILABLE
        return _R.NO_ANSWER if facts.rang else _R.UNREACHABLE
    if any(part in error.message for part in AUTHENTICATION_MESSAGES):
        return _R.TRUNK_UNAUTHORIZED
    if RESOLUTION_MESSAGE in error.message:
        return _R.TRUNK_FAILED
    return ERROR_OUTCOMES.get(error.code)


def outcome_of_refusal(reason: str) -> EndReason:
    """The end reason for a call whose trunk may not be dialled. The name of a carrier that does not
    resolve now may resolve later."""
    return _R.TRUNK_FAILED if reason == DialRefusal.UNRESOLVED_ADDRESS else _R.DIAL_NOT_ALLOWED


def outcome_of_leave(reason: LeaveReason, facts: LegFacts) -> EndReason:
    """The end reason for a leg that left the room before it was answered."""
    return _unless_rang(LEAVE_OUTCOMES[reason], facts)


def outcome_of_hang_up(reason: LeaveReason) -> EndReason | None:
    """The end reason for a leg that left the room after it was answered; None: it may come back,
    as after a restart of LiveKit's server."""
    return HANG_UP_OUTCOMES.get(reason)


def _unless_rang(outcome: EndReason, facts: LegFacts) -> EndReason:
    return _R.NO_ANSWER if facts.rang and outcome in _NO_ANSWER_WHEN_RUNG else outcome
