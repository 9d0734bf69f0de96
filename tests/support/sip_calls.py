"""Requests of the SIP API for tests: dialling, trunks and rules, and what became of them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

from local.livekit import LivekitCredentials
from local.phone.digest import Credentials
from local.phone.phone import Phone

CALLER_NUMBER = "+12025550100"
CALLEE_NUMBER = "+12025550109"
CALLEE = "callee"
"""The identity of the legs that tests dial."""
LOOPBACK = "127.0.0.0/8"
REQUEST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request to the SIP API yields: `ok`, or the code of an error."""

    code: str = "ok"
    http: int = 200
    sip_status: int | None = None
    message: str = ""


OK = Outcome()


@asynccontextmanager
async def livekit_api(livekit: LivekitCredentials) -> AsyncIterator[api.LiveKitAPI]:
    client = api.LiveKitAPI(livekit.url, livekit.key, livekit.secret)
    try:
        yield client
    finally:
        await client.aclose()


def new_room_name() -> str:
    return f"test-{secrets.token_hex(6)}"


def dial_request(
    phone: Phone | str,
    room: str,
    *,
    wait: bool = True,
    identity: str = CALLEE,
    ring_seconds: float = 30,
    max_seconds: float = 0,
    credentials: Credentials | None = None,
    digits: str = "",
    headers: Mapping[str, str] | None = None,
) -> api.CreateSIPParticipantRequest:
    """A call to a phone, or to a host and port, with the trunk in the request."""
    trunk = api.SIPOutboundConfig(
        hostname=phone if isinstance(phone, str) else phone.host_and_port,
        transport=api.SIPTransport.SIP_TRANSPORT_UDP,
    )
    if credentials is not None:
        trunk.auth_username, trunk.auth_password = credentials.username, credentials.password
    request = api.CreateSIPParticipantRequest(
        trunk=trunk,
        sip_call_to=CALLEE_NUMBER,
        sip_number=CALLER_NUMBER,
        room_name=room,
        participant_identity=identity,
        wait_until_answered=wait,
        dtmf=digits,
        headers=dict(headers or {}),
    )
    request.ringing_timeout.CopyFrom(_duration(ring_seconds))
    if max_seconds:
        request.max_call_duration.CopyFrom(_duration(max_seconds))
    return request


async def dial(client: api.LiveKitAPI, request: api.CreateSIPParticipantRequest) -> Outcome:
    try:
        await client.sip.create_sip_participant(request, timeout=REQUEST_SECONDS)
    except api.ServerError as error:
        return outcome_of(error)
    return OK


async def transfer(
    client: api.LiveKitAPI,
    room: str,
    target: str,
    *,
    identity: str = CALLEE,
    ring_seconds: float = 10,
    headers: Mapping[str, str] | None = None,
) -> Outcome:
    request = api.TransferSIPParticipantRequest(
        room_name=room,
        participant_identity=identity,
        transfer_to=target,
        headers=dict(headers or {}),
    )
    request.ringing_timeout.CopyFrom(_duration(ring_seconds))
    try:
        await client.sip.transfer_sip_participant(request, timeout=REQUEST_SECONDS)
    except api.ServerError as error:
        return outcome_of(error)
    return OK


def outcome_of(error: api.ServerError) -> Outcome:
    status = error.sip_status_code if isinstance(error, api.SipCallError) else None
    return Outcome(error.code, error.status, status, error.message)


async def remove_participant(client: api.LiveKitAPI, room: str, identity: str = CALLEE) -> None:
    await client.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))


async def participants(client: api.LiveKitAPI, room: str) -> list[api.ParticipantInfo]:
    answer = await client.room.list_participants(api.ListParticipantsRequest(room=room))
    return list(answer.participants)


async def rooms_with_prefix(client: api.LiveKitAPI, prefix: str) -> list[str]:
    answer = await client.room.list_rooms(api.ListRoomsRequest())
    return [room.name for room in answer.rooms if room.name.startswith(prefix)]


# ---- inbound -------------------------------------------------------------------------------


async def create_trunk(
    client: api.LiveKitAPI, trunk: SIPInboundTrunkInfo, *, ring_seconds: float = 30
) -> SIPInboundTrunkInfo:
    trunk.ringing_timeout.CopyFrom(_duration(ring_seconds))
    return await client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))


async def create_rule(
    client: api.LiveKitAPI, rule: SIPDispatchRuleInfo, *, prefix: str = "in"
) -> SIPDispatchRuleInfo:
    """A rule that gives each call a room of its own."""
    rule.rule.dispatch_rule_individual.room_prefix = prefix
    return await client.sip.create_dispatch_rule(
        api.CreateSIPDispatchRuleRequest(dispatch_rule=rule)
    )


async def delete_trunks_and_rules(client: api.LiveKitAPI) -> None:
    rules = await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    for rule in rules.items:
        await client.sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
        )
    trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    for trunk in trunks.items:
        await client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(1000 * seconds))
    return duration


def signals(phone: Phone) -> tuple[str, ...]:
    """The SIP messages at the phone, without repetitions of the one before."""
    found: list[str] = []
    for message in map(str, phone.trace):
        if message not in found[-1:]:
            found.append(message)
    return tuple(found)
