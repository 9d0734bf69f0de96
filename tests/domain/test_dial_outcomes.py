"""What a dial ends with, for everything that LiveKit and a phone were seen to report."""

from __future__ import annotations

from itertools import product

import pytest

from domain.calls.dial_outcomes import (
    DialError,
    LeaveReason,
    LegFacts,
    outcome_of_error,
    outcome_of_hang_up,
    outcome_of_leave,
    outcome_of_sip_status,
)
from domain.calls.model import END_OUTCOMES, Blame, CallState, EndReason

R = EndReason
REJECTED, UNAVAILABLE = LeaveReason.USER_REJECTED, LeaveReason.USER_UNAVAILABLE
INITIATED = LeaveReason.CLIENT_INITIATED
FAILED = "INVITE failed: sip status: "
UNEXPECTED = "unexpected status from INVITE response: sip status: "
TIMED_OUT = "sip request timed out"


def failed(code: str, message: str, sip_status: int | None = None) -> DialError:
    return DialError(code=code, message=f"twirp error unknown: {message}", sip_status=sip_status)


# One row for each case that was measured on livekit-sip 1.11: LiveKit's response, the reason for which
# the leg left the room, whether the phone rang, and the outcome with the response and without.
MEASURED = {
    "486": (failed("resource_exhausted", f"{FAILED}486", 486), REJECTED, True, R.BUSY, R.DECLINED),
    "600": (
        failed("resource_exhausted", f"{UNEXPECTED}600", 600),
        REJECTED,
        True,
        R.BUSY,
        R.DECLINED,
    ),
    "480": (
        failed("resource_exhausted", f"{FAILED}480", 480),
        UNAVAILABLE,
        False,
        R.UNREACHABLE,
        R.UNREACHABLE,
    ),
    "480 after ringing": (
        failed("resource_exhausted", f"{FAILED}480", 480),
        UNAVAILABLE,
        True,
        R.NO_ANSWER,
        R.NO_ANSWER,
    ),
    "603": (
        failed("permission_denied", f"{UNEXPECTED}603", 603),
        REJECTED,
        True,
        R.DECLINED,
        R.DECLINED,
    ),
    "403": (
        failed("permission_denied", f"{UNEXPECTED}403", 403),
        REJECTED,
        False,
        R.CARRIER_REFUSED,
        R.DECLINED,
    ),
    "404": (
        failed("not_found", f"{FAILED}404", 404),
        UNAVAILABLE,
        False,
        R.INVALID_NUMBER,
        R.UNREACHABLE,
    ),
    "408": (
        failed("deadline_exceeded", f"{UNEXPECTED}408", 408),
        UNAVAILABLE,
        False,
        R.UNREACHABLE,
        R.UNREACHABLE,
    ),
    "484": (
        failed("invalid_argument", f"{UNEXPECTED}484", 484),
        REJECTED,
        False,
        R.INVALID_NUMBER,
        R.DECLINED,
    ),
    "488": (
        failed("invalid_argument", f"{FAILED}488", 488),
        REJECTED,
        False,
        R.TRUNK_FAILED,
        R.DECLINED,
    ),
    "500": (
        failed("failed_precondition", f"{UNEXPECTED}500", 500),
        INITIATED,
        False,
        R.TRUNK_FAILED,
        R.TRUNK_FAILED,
    ),
    "503": (
        failed("failed_precondition", f"{UNEXPECTED}503", 503),
        INITIATED,
        False,
        R.TRUNK_FAILED,
        R.TRUNK_FAILED,
    ),
    "wrong password": (
        failed("failed_precondition", "max auth retry attempts reached for SIP invite"),
        REJECTED,
        False,
        R.TRUNK_UNAUTHORIZED,
        R.DECLINED,
    ),
    "no credentials": (
        failed(
            "failed_precondition",
            "sip server required auth, but no username or password was provided",
        ),
        REJECTED,
        False,
        R.TRUNK_UNAUTHORIZED,
        R.DECLINED,
    ),
    "rings until the limit": (
        failed("canceled", TIMED_OUT),
        UNAVAILABLE,
        True,
        R.NO_ANSWER,
        R.NO_ANSWER,
    ),
    "no response until the limit": (
        failed("canceled", TIMED_OUT),
        UNAVAILABLE,
        False,
        R.UNREACHABLE,
        R.UNREACHABLE,
    ),
    "no response at all": (
        failed("canceled", "transaction failed to complete (0 intermediate responses)"),
        UNAVAILABLE,
        False,
        R.UNREACHABLE,
        R.UNREACHABLE,
    ),
    "closed port": (
        failed("canceled", TIMED_OUT),
        UNAVAILABLE,
        False,
        R.UNREACHABLE,
        R.UNREACHABLE,
    ),
    "answer while being canceled": (
        failed("canceled", TIMED_OUT),
        UNAVAILABLE,
        True,
        R.NO_ANSWER,
        R.NO_ANSWER,
    ),
}


@pytest.mark.parametrize("case", MEASURED)
def test_every_measured_failure_has_its_outcome(case: str) -> None:
    error, left, rang, with_response, from_room = MEASURED[case]
    facts = LegFacts(rang=rang)
    assert outcome_of_error(error, facts) is with_response
    assert outcome_of_leave(left, facts) is from_room


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failed("unavailable", "no response from servers"), R.TELEPHONY_UNAVAILABLE),
        (failed("unavailable", "cpu exhausted"), R.TELEPHONY_UNAVAILABLE),
        (failed("invalid_argument", 'fail to resolve target for "carrier"'), R.TRUNK_FAILED),
        (failed("invalid_argument", "invalid request URI: address must be set"), R.INTERNAL),
        (failed("failed_precondition", "no numbers on outbound trunk"), R.TRUNK_FAILED),
        (DialError(code="not_found", message="requested sip trunk does not exist"), R.INTERNAL),
        (failed("unimplemented", "CreateSIPParticipant"), R.TELEPHONY_UNAVAILABLE),
    ],
)
def test_a_dial_that_never_reached_the_room_has_its_outcome(
    error: DialError, outcome: EndReason
) -> None:
    assert outcome_of_error(error, LegFacts()) is outcome


@pytest.mark.parametrize("code", ["deadline_exceeded", "internal", "unknown", "dataloss"])
def test_an_error_that_says_nothing_about_the_dial_leaves_it_in_doubt(code: str) -> None:
    assert outcome_of_error(failed(code, "request timed out"), LegFacts()) is None


@pytest.mark.parametrize("reason", [LeaveReason.PARTICIPANT_REMOVED, LeaveReason.ROOM_DELETED])
def test_a_leg_that_was_removed_without_the_worker_lost_its_room(reason: LeaveReason) -> None:
    assert outcome_of_leave(reason, LegFacts(rang=True)) is R.ROOM_GONE


@pytest.mark.parametrize("rang", [False, True])
def test_a_dial_that_ends_because_livekit_sip_is_stopped_is_not_the_callees_fault(
    rang: bool,
) -> None:
    error = failed("canceled", "service shutting down")
    assert outcome_of_error(error, LegFacts(rang=rang)) is R.TELEPHONY_UNAVAILABLE


def test_the_sip_status_counts_more_than_the_code_of_the_response() -> None:
    number = failed("not_found", f"{FAILED}404", 404)
    trunk = DialError(code="not_found", message="requested sip trunk does not exist")
    assert outcome_of_error(number, LegFacts()) is R.INVALID_NUMBER
    assert outcome_of_error(trunk, LegFacts()) is R.INTERNAL


def test_every_sip_status_has_an_outcome_that_is_a_failure() -> None:
    outcomes = {
        outcome_of_sip_status(status, LegFacts(rang=rang))
        for status, rang in product(range(300, 700), (False, True))
    }
    states = {END_OUTCOMES[outcome][0] for outcome in outcomes}
    assert states == {CallState.NO_ANSWER, CallState.BUSY, CallState.FAILED}


def test_a_phone_that_rang_is_never_unreachable() -> None:
    rang = LegFacts(rang=True)
    outcomes = {outcome_of_sip_status(status, rang) for status in range(300, 700)}
    outcomes |= {outcome_of_leave(reason, rang) for reason in LeaveReason}
    assert R.UNREACHABLE not in outcomes


def test_only_a_restart_of_the_server_lets_an_answered_leg_come_back() -> None:
    assert {reason: outcome_of_hang_up(reason) for reason in LeaveReason} == {
        LeaveReason.CLIENT_INITIATED: R.HUNG_UP_BY_USER,
        LeaveReason.USER_REJECTED: None,
        LeaveReason.USER_UNAVAILABLE: None,
        LeaveReason.SIP_TRUNK_FAILURE: None,
        LeaveReason.PARTICIPANT_REMOVED: R.ROOM_GONE,
        LeaveReason.ROOM_DELETED: R.ROOM_GONE,
        LeaveReason.ROOM_CLOSED: R.ROOM_GONE,
        LeaveReason.CONNECTION_TIMEOUT: R.TELEPHONY_UNAVAILABLE,
        LeaveReason.MEDIA_FAILURE: R.LINE_LOST,
        LeaveReason.UNKNOWN: None,
    }


def test_the_blame_is_that_of_the_party_at_fault() -> None:
    assert {
        reason: END_OUTCOMES[reason]
        for reason in (
            R.UNREACHABLE,
            R.CARRIER_REFUSED,
            R.TRUNK_UNAUTHORIZED,
            R.TELEPHONY_UNAVAILABLE,
            R.DIAL_NOT_ALLOWED,
            R.TRUNK_LIMIT,
            R.LINE_LOST,
        )
    } == {
        R.UNREACHABLE: (CallState.NO_ANSWER, Blame.CARRIER),
        R.CARRIER_REFUSED: (CallState.FAILED, Blame.CARRIER),
        R.TRUNK_UNAUTHORIZED: (CallState.FAILED, Blame.CONFIG),
        R.TELEPHONY_UNAVAILABLE: (CallState.FAILED, Blame.PLATFORM),
        R.DIAL_NOT_ALLOWED: (CallState.FAILED, Blame.CONFIG),
        R.TRUNK_LIMIT: (CallState.FAILED, Blame.CONFIG),
        R.LINE_LOST: (CallState.COMPLETED, Blame.CARRIER),
    }
