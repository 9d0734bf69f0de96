"""LiveKit's API for telephone legs: dials one into the room of a call, finds it, and hangs it up.

Each request is sent once. Cancelling the request of a dial does not cancel the dial; only removing the
leg does."""

from __future__ import annotations

import logging
from dataclasses import dataclass

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
        timeout = ringing_seconds(call) + RESPONSE_MARGIN_SECONDS
        try:
            async with self._rooms.client(timeout) as server:
                await server.sip.create_sip_participant(dial_request(call, trunk), timeout=timeout)
        except api.ServerError as error:
            return _dial_error(error)
        except aiohttp.ClientConnectorError:
            return DialError(code="unavailable", message="LiveKit cannot be reached.")
        except (aiohttp.ClientError, TimeoutError):
            return NO_RESPONSE
        return None

    async def find(self, call: Call) -> Leg | None:
        """The leg of the caller as LiveKit's server knows it; None if it is not in the room. Raises
        `Unavailable`."""
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
        identity = caller_of(call)
        legs = [p for p in listed.participants if p.identity == identity]
        return Leg(status_of(dict(legs[0].attributes))) if legs else None

    async def hang_up(self, call: Call) -> None:
        """Remove the leg, which cancels the dial or ends the conversation at once. Best effort: the
        end of the call closes the room, which has the same effect."""
        identity = api.RoomParticipantIdentity(room=room_of(call), identity=caller_of(call))
        try:
            async with self._rooms.client() as server:
                await server.room.remove_participant(identity)
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


def dial_request(call: Call, trunk: DialTrunk) -> api.CreateSIPParticipantRequest:
    """The request to dial, with the trunk and its credentials: LiveKit stores neither."""
    limit = min(call.max_seconds, trunk.spec.max_call_seconds) + MAX_DURATION_MARGIN_SECONDS
    return api.CreateSIPParticipantRequest(
        trunk=SIPOutboundConfig(
            hostname=trunk.spec.address,
            transport=TRANSPORTS[trunk.spec.transport],
            auth_username=trunk.spec.username or "",
            auth_password=trunk.password or "",
        ),
        sip_call_to=call.to_number or "",
        sip_number=call.from_number or "",
        room_name=room_of(call),
        participant_identity=caller_of(call),
        ringing_timeout=Duration(seconds=ringing_seconds(call)),
        max_call_duration=Duration(seconds=limit),
        media_encryption=ENCRYPTIONS[trunk.spec.media_encryption],
        # The response has the SIP status of a failed dial, which the room does not show.
        wait_until_answered=True,
    )


def _dial_error(error: api.ServerError) -> DialError:
    status = error.sip_status_code if isinstance(error, api.SipCallError) else None
    return DialError(code=error.code, message=error.message, sip_status=status)
