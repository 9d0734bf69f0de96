"""LiveKit's API for telephone legs: dials one into the room of a call, finds it, hangs it up, and lets
the carrier transfer it.

Each request is sent once. Cancelling the request of a dial does not cancel the dial; only removing the
leg does."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.sip import SIPMediaEncryption, SIPOutboundConfig, SIPTransport

from domain.calls.dial_outcomes import DialError, LegStatus
from domain.calls.model import Call
from domain.calls.rooms import caller_of, room_of
from domain.common.errors import Unavailable
from domain.telephony.trunks import (
    DEFAULT_RINGING_SECONDS,
    DialTrunk,
    MediaEncryption,
    SipTransport,
)
from worker.common.livekit_rooms import LiveKitRooms

log = logging.getLogger(__name__)

STATUS_ATTRIBUTE = "sip.callStatus"
RESPONSE_MARGIN_SECONDS = 15.0
"""How much longer than the phone may ring LiveKit may take to respond."""
KEY_SECONDS = 0.5
"""LiveKit presses two keys per second."""
MAX_DURATION_MARGIN_SECONDS = 30
"""LiveKit ends the leg this long after the worker should have ended the call."""

TRANSPORTS = {
    SipTransport.UDP: SIPTransport.SIP_TRANSPORT_UDP,
    SipTransport.TCP: SIPTransport.SIP_TRANSPORT_TCP,
    SipTransport.TLS: SIPTransport.SIP_TRANSPORT_TLS,
}
ENCRYPTIONS = {
    MediaEncryption.DISABLED: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
    MediaEncryption.ALLOWED: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW,
    MediaEncryption.REQUIRED: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE,
}


NO_RESPONSE = DialError(code="unknown", message="LiveKit did not respond.")
"""The number may have been dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegDial:
    """What to dial into the room of a call, in addition to the caller."""

    identity: str
    to_number: str
    from_number: str
    ringing_seconds: int
    max_seconds: int
    digits: str = ""
    """Keys to press once the number has answered."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leg:
    """A telephone leg that is in the room. `status` is None if it has none that we know."""

    status: LegStatus | None


class SipLegs:
    def __init__(self, rooms: LiveKitRooms) -> None:
        self._rooms = rooms

    async def dial(self, call: Call, trunk: DialTrunk) -> DialError | None:
        """Dial the callee into the room of the call, and return when they have answered (None), or
        why they have not. An error without an outcome leaves it open whether they were dialled."""
        return await self.dial_leg(call, trunk, leg_of_caller(call, trunk))

    async def dial_leg(self, call: Call, trunk: DialTrunk, leg: LegDial) -> DialError | None:
        """Dial a number into the room of the call, like `dial`; return once its keys are pressed."""
        keys = KEY_SECONDS * len(leg.digits)
        timeout = leg.ringing_seconds + keys + RESPONSE_MARGIN_SECONDS
        request = dial_request(call, trunk, leg)

        async def dial(server: api.LiveKitAPI) -> None:
            await server.sip.create_sip_participant(request, timeout=timeout)

        return await self._send(dial, timeout)

    async def refer(self, call: Call, number: str, seconds: int) -> DialError | None:
        """Let the carrier transfer the caller to the number (REFER). Returns when the number has
        answered (None), or why the caller was not transferred: then the leg is still here."""
        timeout = seconds + RESPONSE_MARGIN_SECONDS
        request = api.TransferSIPParticipantRequest(
            room_name=room_of(call),
            participant_identity=caller_of(call),
            transfer_to=f"tel:{number}",
            ringing_timeout=Duration(seconds=seconds),
        )

        async def refer(server: api.LiveKitAPI) -> None:
            await server.sip.transfer_sip_participant(request, timeout=timeout)

        return await self._send(refer, timeout)

    async def _send(
        self, request: Callable[[api.LiveKitAPI], Awaitable[None]], seconds: float
    ) -> DialError | None:
        try:
            async with self._rooms.client(seconds) as server:
                await request(server)
        except api.ServerError as error:
            return _dial_error(error)
        except aiohttp.ClientConnectorError:
            return DialError(code="unavailable", message="LiveKit cannot be reached.")
        except (aiohttp.ClientError, TimeoutError):
            return NO_RESPONSE
        return None

    async def find(self, call: Call, identity: str | None = None) -> Leg | None:
        """The leg of the caller, or of this identity, as LiveKit's server knows it; None if it is not
        in the room. Raises `Unavailable`."""
        try:
            async with self._rooms.client() as server:
                listed = await server.room.list_participants(
                    api.ListParticipantsRequest(room=room_of(call))
                )
        except api.ServerError as error:
            if error.code == api.TwirpErrorCode.NOT_FOUND:
                return None
            raise Unavailable("LiveKit does not list the participants.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("LiveKit cannot be reached.") from error
        wanted = identity or caller_of(call)
        legs = [p for p in listed.participants if p.identity == wanted]
        return Leg(status_of(dict(legs[0].attributes))) if legs else None

    async def hang_up(self, call: Call, identity: str | None = None) -> None:
        """Remove the leg of the caller, or of this identity, which cancels the dial or ends the
        conversation at once. Best effort: the end of the call closes the room, which has the same
        effect."""
        leg = api.RoomParticipantIdentity(room=room_of(call), identity=identity or caller_of(call))
        try:
            async with self._rooms.client() as server:
                await server.room.remove_participant(leg)
        except api.ServerError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                log.warning("failed to hang up", extra={"call_id": str(call.id), "why": error.code})
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning(
                "failed to hang up",
                extra={"call_id": str(call.id), "why": type(error).__name__},
            )


def ringing_seconds(call: Call) -> int:
    return call.ringing_seconds or DEFAULT_RINGING_SECONDS


def status_of(attributes: dict[str, str]) -> LegStatus | None:
    try:
        return LegStatus(attributes.get(STATUS_ATTRIBUTE, ""))
    except ValueError:
        return None


def leg_of_caller(call: Call, trunk: DialTrunk) -> LegDial:
    """The leg of the person that the call dials."""
    limit = min(call.max_seconds, trunk.spec.max_call_seconds)
    return LegDial(
        identity=caller_of(call),
        to_number=call.to_number or "",
        from_number=call.from_number or "",
        ringing_seconds=ringing_seconds(call),
        max_seconds=limit,
    )


def dial_request(call: Call, trunk: DialTrunk, leg: LegDial) -> api.CreateSIPParticipantRequest:
    """The request to dial, with the trunk and its credentials: LiveKit stores neither."""
    return api.CreateSIPParticipantRequest(
        trunk=SIPOutboundConfig(
            hostname=trunk.spec.address,
            transport=TRANSPORTS[trunk.spec.transport],
            auth_username=trunk.spec.username or "",
            auth_password=trunk.password or "",
        ),
        sip_call_to=leg.to_number,
        sip_number=leg.from_number,
        room_name=room_of(call),
        participant_identity=leg.identity,
        ringing_timeout=Duration(seconds=leg.ringing_seconds),
        max_call_duration=Duration(seconds=leg.max_seconds + MAX_DURATION_MARGIN_SECONDS),
        media_encryption=ENCRYPTIONS[trunk.spec.media_encryption],
        dtmf=leg.digits,
        headers=dict(leg.headers),
        # The response has the SIP status of a failed dial, which the room does not show.
        wait_until_answered=True,
    )


def _dial_error(error: api.ServerError) -> DialError:
    # LiveKit rejects a key without a body, so that the client finds no code.
    code = (
        api.TwirpErrorCode.UNAUTHENTICATED
        if error.status == HTTPStatus.UNAUTHORIZED
        else error.code
    )
    status = error.sip_status_code if isinstance(error, api.SipCallError) else None
    return DialError(code=code, message=error.message, sip_status=status)
