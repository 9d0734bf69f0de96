"""An inbound call: creates its room, rings until a participant publishes audio there, then answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from livekit import rtc
from livekit.protocol.sip import (
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
)

from domain.common.tasks import first_event
from local.emulators.livekit_sip.header_attributes import header_attributes
from local.emulators.livekit_sip.leg import Leg, LegEnd
from local.emulators.livekit_sip.room_leg import LegIdentity, Livekit
from local.emulators.livekit_sip.trunks import InboundCall
from local.phone import sdp
from local.phone.sdp import UnsupportedSession
from local.phone.sip_call import IncomingCall
from local.phone.sip_message import tag_of

RINGING_INTERVAL_SECONDS = 1.0
DEFAULT_RINGING_SECONDS = 180.0
FIRST_MEDIA_WAIT_SECONDS = 1.0
BUSY, REJECTED = 486, "Rejected"
UNAVAILABLE = "Try again later"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes: the rule that it matches, and its trunk, if it matches one."""

    rule: SIPDispatchRuleInfo
    trunk: SIPInboundTrunkInfo

    @property
    def ringing_seconds(self) -> float:
        return self.trunk.ringing_timeout.ToMilliseconds() / 1000 or DEFAULT_RINGING_SECONDS

    @property
    def max_seconds(self) -> float | None:
        return self.trunk.max_call_duration.ToMilliseconds() / 1000 or None


class InboundLeg(Leg):
    def __init__(
        self,
        livekit: Livekit,
        incoming: IncomingCall,
        call: InboundCall,
        route: Route,
        call_id: str,
    ) -> None:
        super().__init__(livekit, _identity(incoming, call, route, call_id), incoming)
        self._incoming, self._route = incoming, route

    async def _run(self) -> None:
        incoming = self._incoming
        try:
            remote = sdp.parse(incoming.invite.body)
        except UnsupportedSession:
            incoming.refuse(400)
            return
        ringing = self._tasks.create_task(self._keep_ringing())
        try:
            await self._join()
            self.room.subscribe()
            event = await first_event(
                *(self.room.hears_audio, incoming.cancelled, self.room.left, self.end_requested),
                timeout_seconds=self._route.ringing_seconds,
            )
        except (rtc.ConnectError, TimeoutError):
            incoming.refuse(503, UNAVAILABLE)
            event = None
        finally:
            ringing.cancel()
        if event is self.room.hears_audio:
            await self._accept(remote)
            await self.close(await self.talk(self._route.max_seconds))
        else:
            self._end_ringing(event)
            await self.close(LegEnd())

    async def _keep_ringing(self) -> None:
        while True:
            self._incoming.progress(180)
            await asyncio.sleep(RINGING_INTERVAL_SECONDS)

    async def _accept(self, remote: sdp.AudioSession) -> None:
        self.media.connect(remote)
        self._incoming.accept(sdp.describe(self.media.session))
        self.room.connect(self.media)
        await self._until_first_packet()
        await self.room.set_status("active")

    async def _until_first_packet(self) -> None:
        """livekit-sip calls a call active when the caller can hear its first words."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_MEDIA_WAIT_SECONDS):
                await self.media.until_packet()

    def _end_ringing(self, event: asyncio.Event | None) -> None:
        if event is self._incoming.cancelled:
            self._incoming.confirm_cancel()
        elif event is None:
            # livekit-sip 1.11 ignores `ringing_timeout_status`.
            self._incoming.refuse(BUSY, REJECTED)
        else:
            self._incoming.refuse(486, REJECTED)


def _identity(incoming: IncomingCall, call: InboundCall, route: Route, call_id: str) -> LegIdentity:
    rule = route.rule
    hidden = rule.hide_phone_number
    caller = secrets.token_hex(6) if hidden else call.caller
    return LegIdentity(
        room=_room_name(rule, call, caller),
        identity=f"sip_{caller}",
        name="Phone" if hidden else f"Phone {call.caller}",
        metadata=rule.metadata,
        attributes=_attributes(incoming, call, route, call_id),
        room_config=rule.room_config if rule.HasField("room_config") else None,
    )


def _room_name(rule: SIPDispatchRuleInfo, call: InboundCall, caller: str) -> str:
    match rule.rule.WhichOneof("rule"):
        case "dispatch_rule_direct":
            return rule.rule.dispatch_rule_direct.room_name
        case "dispatch_rule_callee":
            callee = rule.rule.dispatch_rule_callee
            suffix = [secrets.token_hex(6)] if callee.randomize else []
            return "_".join(filter(None, (callee.room_prefix, call.called, *suffix)))
        case _:
            individual = rule.rule.dispatch_rule_individual
            suffix = [] if individual.no_randomness else [secrets.token_hex(6)]
            return "_".join(filter(None, (individual.room_prefix, caller, *suffix)))


def _attributes(
    incoming: IncomingCall, call: InboundCall, route: Route, call_id: str
) -> Mapping[str, str]:
    trunk, rule = route.trunk, route.rule
    attributes = {
        **rule.attributes,
        **header_attributes(
            incoming.remote_headers, trunk.headers_to_attributes, trunk.include_headers
        ),
        "sip.callID": call_id,
        "sip.callIDFull": incoming.invite.call_id,
        "sip.callTag": tag_of(incoming.invite.header("from")),
        "sip.callStatus": "ringing",
        "sip.hostname": call.caller_host,
        "sip.ruleID": rule.sip_dispatch_rule_id,
    }
    if trunk.sip_trunk_id:
        attributes["sip.trunkID"] = trunk.sip_trunk_id
    if not rule.hide_phone_number:
        attributes |= {"sip.phoneNumber": call.caller, "sip.trunkPhoneNumber": call.called}
    return attributes
