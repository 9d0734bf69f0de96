"""What livekit-sip does with outbound calls, as our worker relies on it. The same tests run on the
emulator, and on the real livekit-sip where it is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from livekit import api

from local.phone.answer import (
    NO_RESPONSE,
    RINGS_FOREVER,
    Answer,
    refuses,
)
from local.phone.digest import Credentials
from local.phone.phone import Phone, open_phone
from local.phone.sip_call import Side
from local.phone.tones import amplitude_of, sine
from tests.phone.conftest import SipContract
from tests.support.room_probe import AUDIBLE_AMPLITUDE, RoomProbe, joined_probe
from tests.support.sip_calls import (
    CALLEE,
    CALLEE_NUMBER,
    OK,
    Outcome,
    dial,
    dial_request,
    new_room_name,
    remove_participant,
)

pytestmark = pytest.mark.anyio

RING_SECONDS = 3.0
KNOWN = Credentials("carrier", "correct")
UNKNOWN = Credentials("carrier", "wrong")
PREFIX = "twirp error unknown: "
TIMED_OUT = Outcome("canceled", 408, None, PREFIX + "sip request timed out")


@dataclass(frozen=True)
class Failing:
    """A call that is not answered: how the phone reacts, and what everyone learns of it."""

    name: str
    answer: Answer
    outcome: Outcome
    left: str
    signals: tuple[str, ...] = field(default=())
    credentials: Credentials | None = None
    rings: bool = True


def refused(
    status: int, reason: str, code: str, http: int, left: str, *, failed: bool = False
) -> Failing:
    """A row for a phone that refuses with a status. `failed` is the wording of the message."""
    wording = "INVITE failed" if failed else "unexpected status from INVITE response"
    message = f"{PREFIX}{wording}: sip status: {status}: {reason}"
    return Failing(
        str(status),
        refuses(status, reason),
        Outcome(code, http, status, message),
        left,
        ("<INVITE", ">180", f">{status}", "<ACK"),
    )


UNAVAILABLE, REJECTED, CLIENT = "USER_UNAVAILABLE", "USER_REJECTED", "CLIENT_INITIATED"
CHALLENGE = ("<INVITE", ">401", "<ACK")
FAILING = (
    refused(486, "Busy Here", "resource_exhausted", 429, REJECTED, failed=True),
    refused(600, "Busy Everywhere", "resource_exhausted", 429, REJECTED),
    refused(480, "Temporarily Unavailable", "resource_exhausted", 429, UNAVAILABLE, failed=True),
    refused(603, "Decline", "permission_denied", 403, REJECTED),
    refused(403, "Forbidden", "permission_denied", 403, REJECTED),
    refused(404, "Not Found", "not_found", 404, UNAVAILABLE, failed=True),
    refused(408, "Request Timeout", "deadline_exceeded", 408, UNAVAILABLE),
    refused(484, "Address Incomplete", "invalid_argument", 400, REJECTED),
    refused(488, "Not Acceptable Here", "invalid_argument", 400, REJECTED, failed=True),
    refused(500, "Server Internal Error", "failed_precondition", 412, CLIENT),
    refused(503, "Service Unavailable", "failed_precondition", 412, CLIENT),
    Failing(
        "wrong password",
        Answer(credentials=KNOWN),
        Outcome(
            "failed_precondition",
            412,
            None,
            PREFIX + "max auth retry attempts reached for SIP invite",
        ),
        REJECTED,
        5 * CHALLENGE,
        credentials=UNKNOWN,
        rings=False,
    ),
    Failing(
        "no credentials",
        Answer(credentials=KNOWN),
        Outcome(
            "failed_precondition",
            412,
            None,
            PREFIX + "sip server required auth, but no username or password was provided",
        ),
        REJECTED,
        CHALLENGE,
        rings=False,
    ),
    Failing(
        "no answer",
        RINGS_FOREVER,
        TIMED_OUT,
        UNAVAILABLE,
        ("<INVITE", ">180", "<CANCEL", ">200", ">487", "<ACK"),
    ),
    Failing("no response", NO_RESPONSE, TIMED_OUT, UNAVAILABLE, rings=False),
)


@pytest.fixture(params=[True, False], ids=["wait", "nowait"])
def wait(request: pytest.FixtureRequest) -> bool:
    """Whether the request waits for the answer to the call."""
    return bool(request.param)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with open_phone(CALLEE_NUMBER) as opened:
        yield opened


@dataclass(frozen=True)
class Line:
    """A room with an agent, from which phones are called."""

    contract: SipContract
    client: api.LiveKitAPI
    room: str
    agent: RoomProbe


@pytest.fixture
async def line(sip: SipContract) -> AsyncIterator[Line]:
    room = new_room_name()
    async with joined_probe(sip.livekit, room) as agent:
        yield Line(sip, sip.client, room, agent)


def signals(phone: Phone) -> tuple[str, ...]:
    """The SIP messages at the phone, without repetitions of the one before."""
    found: list[str] = []
    for message in map(str, phone.trace):
        if message not in found[-1:]:
            found.append(message)
    return tuple(found)


@pytest.mark.parametrize("row", FAILING, ids=lambda row: row.name)
async def test_a_call_that_is_not_answered(
    line: Line, phone: Phone, row: Failing, wait: bool
) -> None:
    phone.answer = row.answer
    request = dial_request(
        phone, line.room, wait=wait, ring_seconds=RING_SECONDS, credentials=row.credentials
    )
    assert await dial(line.client, request) == (row.outcome if wait else OK)
    assert await line.agent.until_left(CALLEE) == row.left
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing"][: 1 + row.rings]
    if row.signals:
        await line.agent.until(lambda: signals(phone) == row.signals)
    else:
        await line.agent.until(lambda: "<CANCEL" in signals(phone))
        assert {*signals(phone)} == {"<INVITE", "<CANCEL"}


async def test_an_answered_call_carries_audio_and_digits_until_it_is_removed(
    line: Line, phone: Phone, wait: bool
) -> None:
    await line.agent.speak(440)
    assert await dial(line.client, dial_request(phone, line.room, wait=wait)) == OK
    call = await phone.next_call()
    call.media.play(sine(1000, 1), repeat=True)
    await line.agent.until_status(CALLEE, "active")
    await line.agent.until(
        lambda: amplitude_of(call.media.heard.last(0.4), 440) > AUDIBLE_AMPLITUDE
    )
    await line.agent.until_heard(CALLEE, 1000)
    call.media.send_digits("159*#0")
    await line.agent.until(lambda: len(line.agent.digits) == 6)
    assert line.agent.digits == [(CALLEE, digit) for digit in "159*#0"]
    for code, digit in ((4, "4"), (2, "2"), (10, "*"), (11, "#")):
        await line.agent.room.local_participant.publish_dtmf(code=code, digit=digit)
    assert await call.media.until_digits(4) == "42*#"
    await remove_participant(line.client, line.room)
    assert (await call.until_ended()).by is Side.REMOTE
    assert await line.agent.until_left(CALLEE) == "PARTICIPANT_REMOVED"
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing", "active"]
    assert signals(phone) == ("<INVITE", ">180", ">200", "<ACK", "<BYE", ">200")
