"""The emulator of livekit-sip: its API, and the calls that it holds."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import jwt
from aiohttp import web
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from livekit import api
from livekit.protocol import sip

from domain.common.tasks import cancel_and_wait
from local.emulators.livekit_sip import outcomes, transfers
from local.emulators.livekit_sip.inbound_leg import InboundLeg, Route
from local.emulators.livekit_sip.leg import Leg
from local.emulators.livekit_sip.outbound_leg import OutboundLeg
from local.emulators.livekit_sip.room_leg import Livekit
from local.emulators.livekit_sip.trunks import InboundCall, TrunkStore
from local.emulators.livekit_sip.twirp import Failure, TwirpError, message_response
from local.livekit import LivekitCredentials
from local.phone.digest import Credentials, is_authorized
from local.phone.sip_call import CallEnd, IncomingCall, Side
from local.phone.sip_message import address_of, uri_of, user_of
from local.phone.transactions import Address
from local.phone.user_agent import UserAgent, open_user_agent

logger = logging.getLogger(__name__)

NAME = "livekit"
DEFAULT_REALM = "LiveKit"
CLOSE_SECONDS = 2.0
UNAUTHENTICATED = Failure("unauthenticated", "permissions denied")

Handler = Callable[[Any], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the API: its request, the grant that it needs, and what it does."""

    request: type[Message]
    needs_admin: bool
    handler: Handler


@dataclass(slots=True)
class Calls:
    """The running calls; by room and identity for transfers."""

    legs: dict[tuple[str, str], Leg] = field(default_factory=dict)

    @staticmethod
    def key(leg: Leg) -> tuple[str, str]:
        return leg.room.room_name, leg.room.identity.identity

    def add(self, leg: Leg) -> None:
        self.legs[self.key(leg)] = leg

    def remove(self, leg: Leg) -> None:
        if self.legs.get(self.key(leg)) is leg:
            del self.legs[self.key(leg)]


class LivekitSipEmulator:
    def __init__(self, livekit: Livekit, agent: UserAgent, tasks: asyncio.TaskGroup) -> None:
        self._livekit, self._agent = livekit, agent
        self._store = TrunkStore()
        self._calls = Calls()
        self._nonces: dict[str, str] = {}
        self._task_group = tasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._verifier = api.TokenVerifier(livekit.credentials.key, livekit.credentials.secret)
        self._methods = self._method_table()

    def _method_table(self) -> Mapping[str, Method]:
        return {
            "CreateSIPParticipant": Method(
                sip.CreateSIPParticipantRequest, False, self._create_participant
            ),
            "TransferSIPParticipant": Method(
                sip.TransferSIPParticipantRequest, False, self._transfer_participant
            ),
            "CreateSIPInboundTrunk": Method(
                sip.CreateSIPInboundTrunkRequest, True, self._create_trunk
            ),
            "UpdateSIPInboundTrunk": Method(
                sip.UpdateSIPInboundTrunkRequest, True, self._update_trunk
            ),
            "ListSIPInboundTrunk": Method(sip.ListSIPInboundTrunkRequest, True, self._list_trunks),
            "DeleteSIPTrunk": Method(sip.DeleteSIPTrunkRequest, True, self._delete_trunk),
            "CreateSIPDispatchRule": Method(
                sip.CreateSIPDispatchRuleRequest, True, self._create_rule
            ),
            "UpdateSIPDispatchRule": Method(
                sip.UpdateSIPDispatchRuleRequest, True, self._update_rule
            ),
            "ListSIPDispatchRule": Method(sip.ListSIPDispatchRuleRequest, True, self._list_rules),
            "DeleteSIPDispatchRule": Method(
                sip.DeleteSIPDispatchRuleRequest, True, self._delete_rule
            ),
        }

    @property
    def sip_address(self) -> str:
        host, port = self._agent.address
        return f"{host}:{port}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a request of the SIP API. What the emulator does not do, it says so: 501."""
        name = request.match_info["method"]
        try:
            method = self._methods.get(name)
            if method is None:
                raise TwirpError(Failure("unimplemented", f"the emulator has no {name}"))
            grants = self._verified_grants(request)
            if grants is None:
                return web.Response(status=HTTPStatus.UNAUTHORIZED)
            if not (grants.admin if method.needs_admin else grants.call):
                raise TwirpError(UNAUTHENTICATED)
            message = method.request.FromString(await request.read())
            return message_response(await method.handler(message))
        except DecodeError:
            return Failure("malformed", "the request is not a protobuf message").response()
        except TwirpError as error:
            return error.failure.response()

    def _verified_grants(self, request: web.Request) -> api.SIPGrants | None:
        """None if the token is not valid."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            return self._verifier.verify(token).sip or api.SIPGrants()
        except (jwt.PyJWTError, TypeError, ValueError):
            return None

    # ---- calls -----------------------------------------------------------------------------

    async def _create_participant(
        self, request: sip.CreateSIPParticipantRequest
    ) -> sip.SIPParticipantInfo:
        call_id = _new_call_id()
        leg = OutboundLeg(self._livekit, self._agent, request, call_id)
        self._start(leg)
        # The client may give up; the call continues all the same.
        outcome = leg.answered if request.wait_until_answered else leg.joined
        return await asyncio.shield(outcome)

    async def _transfer_participant(self, request: sip.TransferSIPParticipantRequest) -> Empty:
        transfers.check_target(request.transfer_to)
        leg = self._calls.legs.get((request.room_name, request.participant_identity))
        if leg is None:
            raise TwirpError(outcomes.NO_PARTICIPANT)
        seconds = request.ringing_timeout.ToMilliseconds() / 1000
        await leg.transfer(
            request.transfer_to,
            tuple(request.headers.items()),
            seconds or transfers.DEFAULT_TIMEOUT_SECONDS,
            plays_tone=request.play_dialtone,
        )
        return Empty()

    def receive(self, incoming: IncomingCall) -> None:
        """Route a call that arrives."""
        incoming.progress(100)
        call = _inbound_call(incoming)
        trunk = self._store.find_trunk(call)
        rule = self._store.find_rule(trunk, call)
        if rule is None:
            # livekit-sip lets it ring and never decides.
            incoming.progress(180)
            incoming.transaction.ignored = True
            incoming.finish(CallEnd(Side.LOCAL, 408))
            return
        trunk = trunk or sip.SIPInboundTrunkInfo()
        if self._is_authenticated(incoming, trunk):
            route = Route(rule, trunk)
            self._start(InboundLeg(self._livekit, incoming, call, route, _new_call_id()))

    def _is_authenticated(self, incoming: IncomingCall, trunk: sip.SIPInboundTrunkInfo) -> bool:
        if not trunk.auth_username:
            return True
        header = incoming.invite.header("proxy-authorization")
        call_id = incoming.invite.call_id
        if not header:
            realm = trunk.auth_realm or DEFAULT_REALM
            self._nonces[call_id] = incoming.challenge(407, realm)
            return False
        credentials = Credentials(trunk.auth_username, trunk.auth_password)
        if is_authorized(header, credentials, "INVITE", self._nonces.pop(call_id, "")):
            return True
        incoming.refuse(401, "Unauthorized")
        return False

    def _start(self, leg: Leg) -> None:
        self._calls.add(leg)
        task = self._task_group.create_task(self._run(leg))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, leg: Leg) -> None:
        try:
            await leg.run()
        except Exception:  # one call must not end the others
            logger.exception("a call failed")
        finally:
            self._calls.remove(leg)

    async def close(self) -> None:
        """Hang up all calls."""
        for leg in tuple(self._calls.legs.values()):
            leg.end_call()
        if self._tasks:
            await asyncio.wait({*self._tasks}, timeout=CLOSE_SECONDS)
        await cancel_and_wait(*self._tasks)

    # ---- trunks and rules ------------------------------------------------------------------

    async def _create_trunk(
        self, request: sip.CreateSIPInboundTrunkRequest
    ) -> sip.SIPInboundTrunkInfo:
        return self._store.create_trunk(request.trunk)

    async def _update_trunk(
        self, request: sip.UpdateSIPInboundTrunkRequest
    ) -> sip.SIPInboundTrunkInfo:
        if request.HasField("replace"):
            return self._store.replace_trunk(request.sip_trunk_id, request.replace)
        return self._store.update_trunk(request.sip_trunk_id, request.update)

    async def _list_trunks(
        self, request: sip.ListSIPInboundTrunkRequest
    ) -> sip.ListSIPInboundTrunkResponse:
        items = self._store.trunks(request.trunk_ids, request.numbers)
        return sip.ListSIPInboundTrunkResponse(items=items)

    async def _delete_trunk(self, request: sip.DeleteSIPTrunkRequest) -> sip.SIPTrunkInfo:
        trunk = self._store.delete_trunk(request.sip_trunk_id)
        return sip.SIPTrunkInfo(sip_trunk_id=trunk.sip_trunk_id)

    async def _create_rule(
        self, request: sip.CreateSIPDispatchRuleRequest
    ) -> sip.SIPDispatchRuleInfo:
        if not request.HasField("dispatch_rule"):
            message = "the emulator knows dispatch rules only as dispatch_rule"
            raise TwirpError(Failure("unimplemented", message))
        return self._store.create_rule(request.dispatch_rule)

    async def _update_rule(
        self, request: sip.UpdateSIPDispatchRuleRequest
    ) -> sip.SIPDispatchRuleInfo:
        if request.HasField("replace"):
            return self._store.replace_rule(request.sip_dispatch_rule_id, request.replace)
        return self._store.update_rule(request.sip_dispatch_rule_id, request.update)

    async def _list_rules(
        self, request: sip.ListSIPDispatchRuleRequest
    ) -> sip.ListSIPDispatchRuleResponse:
        items = self._store.rules(request.dispatch_rule_ids, request.trunk_ids)
        return sip.ListSIPDispatchRuleResponse(items=items)

    async def _delete_rule(
        self, request: sip.DeleteSIPDispatchRuleRequest
    ) -> sip.SIPDispatchRuleInfo:
        return self._store.delete_rule(request.sip_dispatch_rule_id)


def _new_call_id() -> str:
    return f"SCL_{secrets.token_hex(6)}"


def _inbound_call(incoming: IncomingCall) -> InboundCall:
    invite = incoming.invite
    sender = uri_of(invite.header("from"))
    claimed = address_of(sender)
    return InboundCall(
        called=user_of(uri_of(invite.header("to"))),
        caller=user_of(sender),
        source=incoming.transaction.peer[0],
        caller_host=claimed[0] if claimed else "",
    )


@asynccontextmanager
async def running_emulator(
    livekit: LivekitCredentials, sip_address: Address
) -> AsyncIterator[LivekitSipEmulator]:
    """The emulator, with its SIP port open, for the duration of the block."""
    emulator: LivekitSipEmulator

    def receive(call: IncomingCall) -> None:
        emulator.receive(call)

    client = api.LiveKitAPI(livekit.url, livekit.key, livekit.secret)
    try:
        async with (
            asyncio.TaskGroup() as tasks,
            open_user_agent(NAME, receive, sip_address) as agent,
        ):
            emulator = LivekitSipEmulator(Livekit(livekit, client), agent, tasks)
            try:
                yield emulator
            finally:
                await emulator.close()
    finally:
        await client.aclose()
