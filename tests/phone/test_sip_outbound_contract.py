"""What livekit-sip does with outbound calls, as our worker relies on it. The same tests run on the
emulator, and on the real livekit-sip where it is installed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from socket import SOCK_DGRAM
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from local.phone.answer import (
    ANSWERS,
    NO_RESPONSE,
    RINGS_FOREVER,
    Answer,
    ReferAnswer,
)
from local.phone.digest import Credentials
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.sip_call import Side
from local.phone.sip_message import uri_of
from local.phone.tones import amplitude_of, sine
from local.private_files import free_port
from tests.phone.conftest import SipContract
from tests.support.room_probe import AUDIBLE_AMPLITUDE, RoomProbe, joined_probe
from tests.support.sip_calls import (
    CALLEE,
    CALLEE_NUMBER,
    CALLER_NUMBER,
    OK,
    Outcome,
    dial,
    dial_request,
    new_room_name,
    participants,
    remove_participant,
    signals,
    transfer,
)

pytestmark = pytest.mark.anyio

RING_SECONDS = 3.0
RING_BEFORE_REFUSAL_SECONDS = 0.5
"""A leg that leaves right after it has joined is not always seen to leave."""
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
        Answer(status=status, reason=reason, ring_seconds=RING_BEFORE_REFUSAL_SECONDS),
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


@pytest.mark.parametrize("row", FAILING, ids=lambda row: row.name)
async def test_a_call_that_is_not_answered(line: Line, phone: Phone, row: Failing) -> None:
    phone.answer = row.answer
    request = dial_request(phone, line.room, ring_seconds=RING_SECONDS, credentials=row.credentials)
    assert await dial(line.client, request) == row.outcome
    assert await line.agent.until_left(CALLEE) == row.left
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing"][: 1 + row.rings]
    if row.signals:
        await line.agent.until(lambda: signals(phone) == row.signals)
    else:
        await line.agent.until(lambda: "<CANCEL" in signals(phone))
        assert {*signals(phone)} == {"<INVITE", "<CANCEL"}


async def test_a_request_that_waits_for_no_answer_succeeds_whatever_the_phone_does(
    line: Line, phone: Phone
) -> None:
    busy = FAILING[0]
    phone.answer = busy.answer
    request = dial_request(phone, line.room, wait=False)
    assert await dial(line.client, request) == OK
    assert await line.agent.until_left(CALLEE) == busy.left
    phone.answer = ANSWERS
    request = dial_request(phone, line.room, wait=False, identity="second")
    assert await dial(line.client, request) == OK
    await line.agent.until_status("second", "active")
    await remove_participant(line.client, line.room, "second")


async def test_an_answered_call_carries_audio_and_digits_until_it_is_removed(
    line: Line, phone: Phone
) -> None:
    await line.agent.speak(440)
    call = await answered(line, phone)
    call.media.play(sine(1000, 1), repeat=True)
    await until_phone_hears(line, call, 440)
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


async def test_the_callee_hangs_up(line: Line, phone: Phone) -> None:
    call = await answered(line, phone)
    await call.hang_up()
    assert await line.agent.until_left(CALLEE) == CLIENT
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing", "active", "hangup"]
    assert signals(phone) == ("<INVITE", ">180", ">200", "<ACK", ">BYE", "<200")


async def test_the_trunk_asks_for_credentials(line: Line, phone: Phone) -> None:
    phone.answer = Answer(credentials=KNOWN)
    call = await answered(line, phone, credentials=KNOWN)
    assert call.number == CALLER_NUMBER
    assert signals(phone) == (*CHALLENGE, "<INVITE", ">180", ">200", "<ACK")
    await call.hang_up()


async def test_digits_of_the_request_are_sent_before_the_call_is_active(
    line: Line, phone: Phone
) -> None:
    assert await dial(line.client, dial_request(phone, line.room, digits="ww12#")) == OK
    call = await phone.next_call()
    assert call.media.digits == "12#"
    await line.agent.until_status(CALLEE, "active")
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing", "automation", "active"]
    await call.hang_up()


async def test_ten_digits_at_once_are_sent_one_after_the_other(line: Line, phone: Phone) -> None:
    call = await answered(line, phone)
    for digit in "0123456789":
        await line.agent.room.local_participant.publish_dtmf(code=int(digit), digit=digit)
    assert await call.media.until_digits(10) == "0123456789"
    await call.hang_up()


async def test_a_call_carries_the_headers_and_the_attributes_of_its_request(
    line: Line, phone: Phone
) -> None:
    request = dial_request(phone, line.room, headers={"X-Studio-Call": "7"})
    request.participant_attributes["studio.leg"] = "human"
    request.participant_name, request.participant_metadata = "Human", "desk"
    info = await line.client.sip.create_sip_participant(request, timeout=60)
    call = await phone.next_call()
    assert call.headers["X-Studio-Call"] == "7"
    assert (info.participant_identity, info.room_name) == (CALLEE, line.room)
    [leg] = [p for p in await participants(line.client, line.room) if p.identity == CALLEE]
    assert (leg.name, leg.metadata, leg.sid) == ("Human", "desk", info.participant_id)
    attributes = dict(leg.attributes)
    assert attributes.pop("sip.callIDFull") == call.headers["Call-ID"]
    assert attributes.pop("sip.callTag") in call.tags
    assert attributes == {
        "studio.leg": "human",
        "sip.callID": info.sip_call_id,
        "sip.callStatus": "active",
        "sip.hostname": attributes["sip.hostname"],
        "sip.phoneNumber": CALLEE_NUMBER,
        "sip.trunkPhoneNumber": CALLER_NUMBER,
    }
    await call.hang_up()


async def test_a_leg_without_identity_is_named_after_its_number(line: Line, phone: Phone) -> None:
    call = await answered(line, phone, identity="")
    await line.agent.until_status(f"sip_{CALLEE_NUMBER}", "active")
    await call.hang_up()


async def test_a_second_call_with_the_same_identity_replaces_the_first(
    line: Line, phone: Phone
) -> None:
    first = await answered(line, phone)
    second = await answered(line, phone)
    assert (await first.until_ended()).by is Side.REMOTE
    assert second.end is None
    await second.hang_up()


async def test_an_answer_at_the_moment_of_the_cancel_is_hung_up(line: Line, phone: Phone) -> None:
    phone.answer = Answer(status=None, answers_cancelled=True)
    request = dial_request(phone, line.room, ring_seconds=RING_SECONDS)
    assert await dial(line.client, request) == TIMED_OUT
    call = await phone.next_call()
    assert (await call.until_ended()).by is Side.REMOTE
    assert {"<CANCEL", "<ACK", "<BYE"} <= {*signals(phone)}


async def test_removing_a_ringing_leg_cancels_its_call(line: Line, phone: Phone) -> None:
    phone.answer = RINGS_FOREVER
    dialling = asyncio.create_task(dial(line.client, dial_request(phone, line.room)))
    call = await phone.next_call()
    await line.agent.until_status(CALLEE, "ringing")
    await remove_participant(line.client, line.room)
    assert await dialling == TIMED_OUT
    assert (await call.until_ended()).status == 487
    assert await line.agent.until_left(CALLEE) == "PARTICIPANT_REMOVED"


async def test_deleting_the_room_cancels_a_ringing_call(line: Line, phone: Phone) -> None:
    phone.answer = RINGS_FOREVER
    dialling = asyncio.create_task(dial(line.client, dial_request(phone, line.room)))
    call = await phone.next_call()
    await line.agent.until_status(CALLEE, "ringing")
    await delete_room(line)
    assert await dialling == TIMED_OUT
    assert (await call.until_ended()).status == 487


async def test_deleting_the_room_hangs_up(line: Line, phone: Phone) -> None:
    call = await answered(line, phone)
    await delete_room(line)
    assert (await call.until_ended()).by is Side.REMOTE


async def test_a_client_that_gives_up_does_not_cancel_the_call(line: Line, phone: Phone) -> None:
    phone.answer = RINGS_FOREVER
    request = dial_request(phone, line.room, ring_seconds=RING_SECONDS)
    with pytest.raises(httpx.TimeoutException):
        await post(line, request, api.SIPGrants(call=True), timeout_seconds=0.5)
    call = await phone.next_call()
    assert (await call.until_ended()).status == 487
    assert await line.agent.until_left(CALLEE) == UNAVAILABLE


async def test_a_call_ends_after_its_longest_duration(line: Line, phone: Phone) -> None:
    call = await answered(line, phone, max_seconds=2)
    assert (await call.until_ended()).by is Side.REMOTE
    assert await line.agent.until_left(CALLEE) == CLIENT


async def test_a_phone_without_network_is_hung_up_after_fifteen_seconds(
    line: Line, phone: Phone
) -> None:
    call = await answered(line, phone)
    await call.media.until_heard(0.5)
    call.media.sends = False
    assert (await call.until_ended()).by is Side.REMOTE
    assert await line.agent.until_left(CALLEE) == CLIENT
    assert line.agent.statuses(CALLEE) == ["dialing", "ringing", "active"]


async def test_no_phone_listens_at_the_address_of_the_trunk(line: Line) -> None:
    closed = f"127.0.0.1:{free_port(SOCK_DGRAM)}"
    request = dial_request(closed, line.room, ring_seconds=RING_SECONDS)
    assert await dial(line.client, request) == TIMED_OUT
    assert await line.agent.until_left(CALLEE) == UNAVAILABLE


@pytest.mark.parametrize("address", ["", "carrier.invalid:5060"], ids=["none", "unknown host"])
async def test_an_address_that_cannot_be_dialled(line: Line, address: str) -> None:
    outcome = await dial(line.client, dial_request(address, line.room))
    assert (outcome.code, outcome.http, outcome.sip_status) == ("invalid_argument", 400, None)
    # livekit-sip looks a name up once the leg has joined; the leg is not always seen.
    assert set(line.agent.statuses(CALLEE)) <= {"dialing"}


async def test_a_call_needs_the_number_of_its_caller(line: Line, phone: Phone) -> None:
    request = dial_request(phone, line.room)
    request.sip_number = ""
    outcome = Outcome("failed_precondition", 412, None, PREFIX + "no numbers on outbound trunk")
    assert await dial(line.client, request) == outcome
    assert signals(phone) == ()


async def test_a_stored_trunk_must_exist(line: Line, phone: Phone) -> None:
    request = dial_request(phone, line.room)
    request.ClearField("trunk")
    request.sip_trunk_id = "ST_unknown"
    outcome = Outcome("not_found", 404, None, "requested sip trunk does not exist")
    assert await dial(line.client, request) == outcome


async def test_the_api_needs_the_right_to_call(line: Line, phone: Phone) -> None:
    assert await post(line, dial_request(phone, line.room), api.SIPGrants()) == 401
    assert signals(phone) == ()


async def test_a_program_may_hang_up_with_headers(line: Line, phone: Phone) -> None:
    call = await answered(line, phone)
    # livekit-sip leaves at once, mostly before its response has left.
    with suppress(rtc.RpcError):
        await line.agent.room.local_participant.perform_rpc(
            destination_identity=CALLEE,
            method="lk.sip.EndCall",
            payload=json.dumps({"headers": {"X-Reason": "finished"}}),
        )
    end = await call.until_ended()
    assert (end.by, end.headers["X-Reason"]) == (Side.REMOTE, "finished")
    assert await line.agent.until_left(CALLEE) == CLIENT


async def test_a_program_may_read_the_headers_of_the_answer(line: Line, phone: Phone) -> None:
    phone.answer = Answer(headers=(("X-Carrier", "north"), ("X-Other", "south")))
    call = await answered(line, phone)

    async def read(**selection: list[str]) -> dict[str, str]:
        answer = await line.agent.room.local_participant.perform_rpc(
            destination_identity=CALLEE,
            method="lk.sip.GetRemoteHeaders",
            payload=json.dumps(selection),
        )
        return dict(json.loads(answer)["headers"])

    every = await read()
    assert (every["X-Carrier"], every["X-Other"]) == ("north", "south")
    assert not {"Via", "CSeq", "Content-Type"} & every.keys()
    assert await read(include=["X-Carrier"]) == {"X-Carrier": "north"}
    assert "X-Carrier" not in await read(exclude=["X-Carrier"])
    await call.hang_up()


async def test_the_phone_sends_audio_from_another_address_after_a_new_invite(
    line: Line, phone: Phone
) -> None:
    await line.agent.speak(440)
    call = await answered(line, phone)
    await until_phone_hears(line, call, 440)
    await call.move()
    await until_phone_hears(line, call, 440)
    call.media.play(sine(1000, 1), repeat=True)
    await line.agent.until_heard(CALLEE, 1000)
    await call.hang_up()


# ---- transfers -----------------------------------------------------------------------------

TARGET = "tel:+12025550142"


@dataclass(frozen=True)
class FailingTransfer:
    name: str
    answer: ReferAnswer
    outcome: Outcome


def rejected_transfer(status: int, reason: str, code: str, http: int) -> Outcome:
    return Outcome(code, http, status, f"sip status: {status}: {reason}")


FAILING_TRANSFERS = (
    FailingTransfer(
        "target busy",
        ReferAnswer(notifications=(100, 486)),
        rejected_transfer(486, "Busy Here", "resource_exhausted", 429),
    ),
    FailingTransfer(
        "target declines",
        ReferAnswer(notifications=(100, 603)),
        rejected_transfer(603, "Decline", "permission_denied", 403),
    ),
    FailingTransfer(
        "target fails",
        ReferAnswer(notifications=(100, 503)),
        rejected_transfer(503, "Service Unavailable", "failed_precondition", 412),
    ),
    FailingTransfer(
        "refused 403",
        ReferAnswer(status=403),
        rejected_transfer(403, "Forbidden", "permission_denied", 403),
    ),
    FailingTransfer(
        "refused 405",
        ReferAnswer(status=405),
        rejected_transfer(405, "Method Not Allowed", "invalid_argument", 400),
    ),
    FailingTransfer(
        "refused 603",
        ReferAnswer(status=603),
        rejected_transfer(603, "Decline", "permission_denied", 403),
    ),
)
EXPIRED = (
    ("deadline_exceeded", "request timed out"),
    ("canceled", "context deadline exceeded"),
)
"""The errors of a transfer that takes too long: livekit-server and livekit-sip give up at the same time."""


@pytest.mark.parametrize("row", FAILING_TRANSFERS, ids=lambda row: row.name)
async def test_the_call_continues_after_a_failed_transfer(
    line: Line, phone: Phone, row: FailingTransfer
) -> None:
    phone.answer = Answer(refer=row.answer)
    await line.agent.speak(440)
    call = await answered(line, phone)
    await until_phone_hears(line, call, 440)
    outcome = await transfer(line.client, line.room, TARGET, ring_seconds=RING_SECONDS)
    assert replace(outcome, message="") == replace(row.outcome, message="")
    assert outcome.message.endswith(row.outcome.message)
    assert len(call.refers) == 1
    await call.media.until_heard(0.5)
    await until_phone_hears(line, call, 440)
    assert call.end is None
    await call.hang_up()


async def test_the_call_continues_after_a_transfer_without_a_report(
    line: Line, phone: Phone
) -> None:
    phone.answer = Answer(refer=ReferAnswer(notifications=()))
    await line.agent.speak(440)
    call = await answered(line, phone)
    await until_phone_hears(line, call, 440)
    outcome = await transfer(line.client, line.room, TARGET, ring_seconds=RING_SECONDS)
    assert (outcome.code, outcome.message.removeprefix(PREFIX)) in EXPIRED
    assert (outcome.http, outcome.sip_status, len(call.refers)) == (408, None, 1)
    await call.media.until_heard(0.5)
    await until_phone_hears(line, call, 440)
    assert call.end is None
    await call.hang_up()


@pytest.mark.parametrize(
    ("target", "refer_to"),
    [(TARGET, TARGET), ("sip:desk@127.0.0.1:5099", "<sip:desk@127.0.0.1:5099>")],
    ids=["tel", "sip"],
)
async def test_a_transfer_ends_the_call(
    line: Line, phone: Phone, target: str, refer_to: str
) -> None:
    call = await answered(line, phone)
    headers = {"X-Studio-Call": "7"}
    assert await transfer(line.client, line.room, target, headers=headers) == OK
    refer = await call.until_referred()
    assert uri_of(refer.header("refer-to")) == uri_of(refer_to)
    assert refer.header("x-studio-call") == "7"
    assert (await call.until_ended()).by is Side.REMOTE
    assert await line.agent.until_left(CALLEE) == CLIENT


async def test_a_callee_who_leaves_at_once_counts_as_transferred(line: Line, phone: Phone) -> None:
    phone.answer = Answer(refer=ReferAnswer(hangs_up=True))
    await answered(line, phone)
    assert await transfer(line.client, line.room, TARGET) == OK
    assert await line.agent.until_left(CALLEE) == CLIENT


async def test_a_ringing_call_cannot_be_transferred(line: Line, phone: Phone) -> None:
    phone.answer = RINGS_FOREVER
    request = dial_request(phone, line.room, wait=False)
    assert await dial(line.client, request) == OK
    call = await phone.next_call()
    outcome = await transfer(line.client, line.room, TARGET, ring_seconds=1)
    assert (outcome.code, outcome.message.removeprefix(PREFIX)) in EXPIRED
    assert (outcome.http, outcome.sip_status, call.refers) == (408, None, [])
    await remove_participant(line.client, line.room)
    assert (await call.until_ended()).status == 487


async def test_a_transfer_needs_a_target_that_can_be_called(line: Line, phone: Phone) -> None:
    call = await answered(line, phone)
    outcome = await transfer(line.client, line.room, "+12025550142")
    assert (outcome.code, outcome.http) == ("invalid_argument", 400)
    assert call.refers == []
    await call.hang_up()


async def test_only_a_participant_can_be_transferred(line: Line) -> None:
    outcome = await transfer(line.client, line.room, TARGET, identity="unknown")
    assert (outcome.code, outcome.http) == ("not_found", 404)


# ---- helpers -------------------------------------------------------------------------------


async def answered(line: Line, phone: Phone, **options: Any) -> PhoneCall:
    """Dial the phone, and wait until the call is active."""
    assert await dial(line.client, dial_request(phone, line.room, **options)) == OK
    call = await phone.next_call()
    identity = options.get("identity", CALLEE) or f"sip_{CALLEE_NUMBER}"
    await line.agent.until_status(identity, "active")
    return call


async def post(
    line: Line,
    request: api.CreateSIPParticipantRequest,
    grants: api.SIPGrants,
    timeout_seconds: float = 60,
) -> int:
    """Dial without LiveKit's client, which lengthens timeouts; return the HTTP status."""
    livekit = line.contract.livekit
    token = api.AccessToken(livekit.key, livekit.secret).with_sip_grants(grants).to_jwt()
    async with httpx.AsyncClient(timeout=timeout_seconds) as http:
        response = await http.post(
            "http" + livekit.url.removeprefix("ws") + "/twirp/livekit.SIP/CreateSIPParticipant",
            content=request.SerializeToString(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/protobuf",
            },
        )
    return response.status_code


async def until_phone_hears(line: Line, call: PhoneCall, hertz: float) -> None:
    await line.agent.until(
        lambda: amplitude_of(call.media.heard.last(0.4), hertz) > AUDIBLE_AMPLITUDE
    )


async def delete_room(line: Line) -> None:
    await line.client.room.delete_room(api.DeleteRoomRequest(room=line.room))
