"""An outbound call: joins the room, dials, and reports what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from livekit import rtc
from livekit.protocol.sip import (
    CreateSIPParticipantRequest,
    SIPHeaderOptions,
    SIPMediaEncryption,
    SIPParticipantInfo,
    SIPTransport,
)

from domain.common.tasks import first_event
from local.emulators.livekit_sip import outcomes
from local.emulators.livekit_sip.header_attributes import header_attributes
from local.emulators.livekit_sip.leg import Leg, LegEnd
from local.emulators.livekit_sip.room_leg import DTMF_TIMING, LegIdentity, Livekit
from local.emulators.livekit_sip.twirp import Failure, TwirpError, rpc_failure
from local.phone import sdp
from local.phone.digest import Credentials
from local.phone.dtmf import is_dialable
from local.phone.sip_message import (
    DEFAULT_PORT,
    MAX_PORT,
    Headers,
    SipResponse,
    is_ipv4,
    tag_of,
)
from local.phone.transactions import Address, TransactionTimeout
from local.phone.user_agent import UserAgent

DEFAULT_RINGING_SECONDS = 180.0
MAX_AUTH_ATTEMPTS = 5
LOCAL_NAMES = {"localhost": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Dial:
    """What an API request asks for, checked."""

    server: Address
    number: str
    caller: str
    credentials: Credentials | None
    headers: Headers
    digits: str
    ringing_seconds: float
    max_seconds: float | None
    header_attributes: Mapping[str, str]
    included: SIPHeaderOptions
    """Which headers of the answer become attributes: those named, and those included."""


@dataclass(frozen=True, slots=True)
class FailedDial:
    """What the client receives, and how the leg ends."""

    failure: Failure
    end: LegEnd


def check_dial(request: CreateSIPParticipantRequest) -> Dial:
    """Raises `TwirpError` for what livekit-server or livekit-sip would refuse before dialling."""
    if request.sip_trunk_id and not request.HasField("trunk"):
        raise TwirpError(Failure("not_found", "requested sip trunk does not exist"))
    trunk = request.trunk
    _check_supported(request)
    if not trunk.hostname:
        raise _invalid("invalid request URI: address must be set")
    if not request.sip_number:
        raise TwirpError(rpc_failure("failed_precondition", "no numbers on outbound trunk"))
    if not request.room_name or not request.sip_call_to:
        raise _invalid("room name and number to call must be set")
    if not is_dialable(request.dtmf):
        raise _invalid("dtmf contains a digit that cannot be sent")
    return Dial(
        server=_resolve(trunk.hostname),
        number=request.sip_call_to,
        caller=request.sip_number,
        credentials=Credentials(trunk.auth_username, trunk.auth_password)
        if trunk.auth_username
        else None,
        headers=tuple(request.headers.items()),
        digits=request.dtmf,
        ringing_seconds=request.ringing_timeout.ToMilliseconds() / 1000 or DEFAULT_RINGING_SECONDS,
        max_seconds=request.max_call_duration.ToMilliseconds() / 1000 or None,
        header_attributes=dict(trunk.headers_to_attributes),
        included=request.include_headers,
    )


def _check_supported(request: CreateSIPParticipantRequest) -> None:
    """What the emulator would ignore, it refuses, so that no test succeeds without reason."""
    trunk = request.trunk
    is_udp = trunk.transport in (
        SIPTransport.SIP_TRANSPORT_AUTO,
        SIPTransport.SIP_TRANSPORT_UDP,
    )
    is_encrypted = request.media_encryption != SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE
    unsupported = {
        "a transport other than UDP": not is_udp,
        "media_encryption": is_encrypted,
        "attributes_to_headers": bool(trunk.attributes_to_headers),
        "play_dialtone": request.play_dialtone or request.play_ringtone,
        "sip_request_uri": request.HasField("sip_request_uri"),
        "sip_to_header": request.HasField("sip_to_header"),
        "sip_from_header": request.HasField("sip_from_header"),
        "from_host": bool(trunk.from_host),
    }
    if names := [name for name, used in unsupported.items() if used]:
        message = f"the emulator does not support {', '.join(names)}"
        raise TwirpError(Failure("unimplemented", message))


def _resolve(hostname: str) -> Address:
    """The emulator calls only this machine, so it asks no name server."""
    host, _, port = hostname.partition(":")
    host = LOCAL_NAMES.get(host, host)
    number = int(port) if port.isdecimal() else DEFAULT_PORT
    if not is_ipv4(host) or not host.startswith("127.") or number > MAX_PORT:
        raise _invalid(f'fail to resolve target for "{hostname}"')
    return host, number


def _invalid(message: str) -> TwirpError:
    return TwirpError(rpc_failure("invalid_argument", message))


class OutboundLeg(Leg):
    """`joined` is ready when the leg is in the room, `answered` when its call is decided; both hold
    the same information, or the error for the client."""

    def __init__(
        self,
        livekit: Livekit,
        agent: UserAgent,
        request: CreateSIPParticipantRequest,
        call_id: str,
    ) -> None:
        """Raises `TwirpError` if the request is not valid."""
        self._dial = dial = check_dial(request)
        self._call = agent.new_call(
            dial.number,
            dial.server,
            caller=dial.caller,
            display_name=request.display_name or dial.caller,
            local_tag=call_id,
        )
        super().__init__(livekit, _identity(request, call_id), self._call)
        self._call_id = call_id
        self._is_ringing = False
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[SIPParticipantInfo] = loop.create_future()
        self.answered: asyncio.Future[SIPParticipantInfo] = loop.create_future()

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            for outcome in (self.joined, self.answered):
                if not outcome.done():
                    failure = rpc_failure("internal", "the call could not be made")
                    outcome.set_exception(TwirpError(failure))
                if not outcome.cancelled():
                    outcome.exception()  # it may have no reader

    async def _run(self) -> None:
        await self._join()
        info = SIPParticipantInfo(
            participant_id=self.room.sid,
            participant_identity=self.room.identity.identity,
            room_name=self.room.room_name,
            sip_call_id=self._call_id,
        )
        self.joined.set_result(info)
        failed = await self._ring() or await self._begin()
        if failed is None:
            self.answered.set_result(info)
            end = await self.talk(self._dial.max_seconds)
        else:
            self.answered.set_exception(TwirpError(failed.failure))
            end = failed.end
        await self.close(end)

    async def transfer(
        self, target: str, headers: Headers, timeout_seconds: float, *, plays_tone: bool
    ) -> None:
        """livekit-sip is locked while it dials, so a transfer waits until the call is answered."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.shield(self.answered)
        except TimeoutError:
            raise TwirpError(outcomes.TRANSFER_TIMED_OUT) from None
        await super().transfer(target, headers, timeout_seconds, plays_tone=plays_tone)

    async def _ring(self) -> FailedDial | None:
        """Dial and wait for the answer. Returns what failed."""
        call, dial, settled = self._call, self._dial, asyncio.Event()
        call.on_progress = self._on_progress
        call.final.add_done_callback(lambda _: settled.set())
        offer = sdp.describe(self.media.session)
        call.dial(offer, dial.headers, credentials=dial.credentials, max_attempts=MAX_AUTH_ATTEMPTS)
        event = await first_event(
            *(settled, self.room.left, self.end_requested), timeout_seconds=dial.ringing_seconds
        )
        if event is not settled:
            call.cancel()
            return FailedDial(outcomes.TIMED_OUT, self._end_of_ringing(event))
        return self._failure()

    def _end_of_ringing(self, event: asyncio.Event | None) -> LegEnd:
        if event is None:
            return LegEnd(rtc.DisconnectReason.USER_UNAVAILABLE)
        return LegEnd(is_hangup=event is self.end_requested)

    def _failure(self) -> FailedDial | None:
        try:
            response = self._call.final.result()
        except TransactionTimeout:
            unavailable = LegEnd(rtc.DisconnectReason.USER_UNAVAILABLE)
            return FailedDial(outcomes.NO_RESPONSE, unavailable)
        if response.is_success:
            return None
        if response.status in (401, 407):
            rejected = LegEnd(rtc.DisconnectReason.USER_REJECTED)
            has_credentials = self._dial.credentials is not None
            return FailedDial(
                outcomes.WRONG_CREDENTIALS if has_credentials else outcomes.NO_CREDENTIALS,
                rejected,
            )
        return FailedDial(
            outcomes.refused_dial(response.status, response.reason),
            LegEnd(outcomes.leave_reason(response.status)),
        )

    def _on_progress(self, response: SipResponse) -> None:
        if response.status >= 180 and not self._is_ringing:
            self._is_ringing = True
            self._tasks.create_task(self.room.set_status("ringing"))

    async def _begin(self) -> FailedDial | None:
        """Connect the audio and send the digits of the request. Returns what failed."""
        call, dial = self._call, self._dial
        if not self.connect_media(call.final.result().body):
            failure = rpc_failure("failed_precondition", "no common audio codec")
            return FailedDial(failure, LegEnd(sends_bye=True))
        await self.room.set_attributes(
            {
                **header_attributes(call.remote_headers, dial.header_attributes, dial.included),
                "sip.callIDFull": call.dialog.call_id,
                "sip.callTag": tag_of(call.dialog.remote),
            }
        )
        if dial.digits:
            await self.room.set_status("automation")
            if failed := await self._send_digits():
                return failed
        await self.room.set_status("active")
        self.room.connect(self.media)
        self.room.subscribe()
        return None

    async def _send_digits(self) -> FailedDial | None:
        self.media.send_digits(self._dial.digits, DTMF_TIMING)
        sent = asyncio.Event()

        async def until_sent() -> None:
            await self.media.until_digits_sent()
            sent.set()

        waiting = self._tasks.create_task(until_sent())
        event = await first_event(sent, self._call.ended, self.room.left, self.end_requested)
        waiting.cancel()
        if event is sent:
            return None
        return FailedDial(outcomes.TIMED_OUT, self._end_by(event))


def _identity(request: CreateSIPParticipantRequest, call_id: str) -> LegIdentity:
    attributes = {
        **request.participant_attributes,
        "sip.callID": call_id,
        "sip.hostname": request.trunk.hostname,
        "sip.callStatus": "dialing",
    }
    if not request.hide_phone_number:
        attributes["sip.phoneNumber"] = request.sip_call_to
        attributes["sip.trunkPhoneNumber"] = request.sip_number
    return LegIdentity(
        room=request.room_name,
        identity=request.participant_identity or f"sip_{request.sip_call_to}",
        name=request.participant_name,
        metadata=request.participant_metadata,
        attributes=attributes,
    )
