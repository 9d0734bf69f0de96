"""What a SIP status means for the API and for the room, as livekit-sip 1.11 maps it."""

from __future__ import annotations

from collections.abc import Mapping

from livekit import rtc

from local.emulators.livekit_sip.twirp import Failure, rpc_failure

CODES: Mapping[int, str] = {
    403: "permission_denied",
    404: "not_found",
    408: "deadline_exceeded",
    410: "not_found",
    480: "resource_exhausted",
    486: "resource_exhausted",
    487: "aborted",
    491: "aborted",
    504: "deadline_exceeded",
    600: "resource_exhausted",
    603: "permission_denied",
    604: "not_found",
    607: "permission_denied",
    608: "permission_denied",
}
INVITE_FAILED = frozenset({400, 404, 480, 486, 488})
"""Statuses with a wording of their own."""
UNAVAILABLE = frozenset({404, 408, 480})

TIMED_OUT = rpc_failure("canceled", "sip request timed out")
NO_RESPONSE = rpc_failure("canceled", "transaction failed to complete (0 intermediate responses)")
NO_CREDENTIALS = rpc_failure(
    "failed_precondition",
    "sip server required auth, but no username or password was provided",
)
WRONG_CREDENTIALS = rpc_failure(
    "failed_precondition", "max auth retry attempts reached for SIP invite"
)
NOT_ESTABLISHED = rpc_failure("failed_precondition", "can't transfer non established call")
TRANSFER_TIMED_OUT = rpc_failure("canceled", "context deadline exceeded")
NO_NOTIFICATION = rpc_failure("deadline_exceeded", "request timed out")
NO_PARTICIPANT = Failure("not_found", "participant does not exist")


def code_of(status: int) -> str:
    if status >= 500:
        return CODES.get(status, "failed_precondition")
    return CODES.get(status, "invalid_argument")


def refused_dial(status: int, reason: str) -> Failure:
    prefix = (
        "INVITE failed" if status in INVITE_FAILED else "unexpected status from INVITE response"
    )
    return _refusal(prefix, status, reason)


def refused_transfer(status: int, reason: str) -> Failure:
    return _refusal("call transfer failed", status, reason)


def leave_reason(status: int) -> rtc.DisconnectReason.ValueType:
    """Why a leg leaves the room after its call was refused."""
    if status in UNAVAILABLE:
        return rtc.DisconnectReason.USER_UNAVAILABLE
    if 500 <= status < 600:
        return rtc.DisconnectReason.CLIENT_INITIATED
    return rtc.DisconnectReason.USER_REJECTED


def _refusal(prefix: str, status: int, reason: str) -> Failure:
    return rpc_failure(
        code_of(status),
        f"{prefix}: sip status: {status}: {reason}",
        {"sip_status_code": str(status), "sip_status": reason},
    )
