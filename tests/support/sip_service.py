"""LiveKit's SIP service as far as keepers use it: inbound trunks and dispatch rules in memory, with
the conflicts that LiveKit refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from livekit import api
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.emulators.http_server import run_server

KEY, SECRET = "devkey", "for-tests-only-" + "1" * 32


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.response = JSONResponse({"code": code, "msg": message}, status_code=status)


@dataclass
class SipServiceEmulator:
    """`outage`: every request fails like those to a server without Redis. `requests` are the names of
    the methods in order."""

    trunks: dict[str, api.SIPInboundTrunkInfo] = field(default_factory=dict)
    rules: dict[str, api.SIPDispatchRuleInfo] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    outage: bool = False
    _ids: Any = field(default_factory=count)

    @property
    def changes(self) -> list[str]:
        return [name for name in self.requests if not name.startswith("List")]

    def wipe(self) -> None:
        """What remains when LiveKit's Redis was emptied."""
        self.trunks.clear()
        self.rules.clear()

    async def answer(self, request: Request) -> Response:
        name = request.path_params["method"]
        self.requests.append(name)
        claims = api.TokenVerifier(KEY, SECRET).verify(
            request.headers["authorization"].removeprefix("Bearer ")
        )
        assert claims.sip is not None
        assert claims.sip.admin
        if self.outage:
            return Refused(500, "unknown", "connect: connection refused").response
        make, handle = self._methods[name]
        try:
            answered = handle(make.FromString(await request.body()))
        except Refused as refused:
            return refused.response
        return Response(answered.SerializeToString(), media_type="application/protobuf")

    @property
    def _methods(self) -> Mapping[str, tuple[Any, Callable[[Any], Any]]]:
        return {
            "ListSIPInboundTrunk": (api.ListSIPInboundTrunkRequest, self._list_trunks),
            "CreateSIPInboundTrunk": (api.CreateSIPInboundTrunkRequest, self._create_trunk),
            "UpdateSIPInboundTrunk": (api.UpdateSIPInboundTrunkRequest, self._update_trunk),
            "DeleteSIPTrunk": (api.DeleteSIPTrunkRequest, self._delete_trunk),
            "ListSIPDispatchRule": (api.ListSIPDispatchRuleRequest, self._list_rules),
            "CreateSIPDispatchRule": (api.CreateSIPDispatchRuleRequest, self._create_rule),
            "UpdateSIPDispatchRule": (api.UpdateSIPDispatchRuleRequest, self._update_rule),
            "DeleteSIPDispatchRule": (api.DeleteSIPDispatchRuleRequest, self._delete_rule),
        }

    def _list_trunks(self, _: Any) -> Any:
        return api.ListSIPInboundTrunkResponse(items=self.trunks.values())

    def _list_rules(self, _: Any) -> Any:
        return api.ListSIPDispatchRuleResponse(items=self.rules.values())

    def _create_trunk(self, request: api.CreateSIPInboundTrunkRequest) -> Any:
        return self._put_trunk(f"ST_{next(self._ids)}", request.trunk)

    def _update_trunk(self, request: api.UpdateSIPInboundTrunkRequest) -> Any:
        if request.sip_trunk_id not in self.trunks:
            raise Refused(404, "not_found", "requested sip trunk does not exist")
        return self._put_trunk(request.sip_trunk_id, request.replace)

    def _put_trunk(self, id: str, wanted: api.SIPInboundTrunkInfo) -> Any:
        others = (trunk for key, trunk in self.trunks.items() if key != id)
        if any(set(trunk.numbers) & set(wanted.numbers) for trunk in others):
            message = f"Conflicting inbound SIP Trunks for {list(wanted.numbers)}"
            raise Refused(400, "invalid_argument", message)
        trunk = api.SIPInboundTrunkInfo()
        trunk.CopyFrom(wanted)
        trunk.sip_trunk_id = id
        self.trunks[id] = trunk
        return trunk

    def _delete_trunk(self, request: api.DeleteSIPTrunkRequest) -> Any:
        if self.trunks.pop(request.sip_trunk_id, None) is None:
            raise Refused(404, "not_found", "requested sip trunk does not exist")
        return api.SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)

    def _create_rule(self, request: api.CreateSIPDispatchRuleRequest) -> Any:
        return self._put_rule(f"SDR_{next(self._ids)}", request.dispatch_rule)

    def _update_rule(self, request: api.UpdateSIPDispatchRuleRequest) -> Any:
        if request.sip_dispatch_rule_id not in self.rules:
            raise Refused(404, "not_found", "requested sip dispatch rule does not exist")
        return self._put_rule(request.sip_dispatch_rule_id, request.replace)

    def _put_rule(self, id: str, wanted: api.SIPDispatchRuleInfo) -> Any:
        others = (rule for key, rule in self.rules.items() if key != id)
        if any(set(rule.trunk_ids) & set(wanted.trunk_ids) for rule in others):
            raise Refused(400, "invalid_argument", "Conflicting SIP Dispatch Rules")
        rule = api.SIPDispatchRuleInfo()
        rule.CopyFrom(wanted)
        rule.sip_dispatch_rule_id = id
        self.rules[id] = rule
        return rule

    def _delete_rule(self, request: api.DeleteSIPDispatchRuleRequest) -> Any:
        if self.rules.pop(request.sip_dispatch_rule_id, None) is None:
            raise Refused(404, "not_found", "requested sip dispatch rule does not exist")
        return api.SIPDispatchRuleInfo(sip_dispatch_rule_id=request.sip_dispatch_rule_id)


@asynccontextmanager
async def running_sip_service() -> AsyncIterator[tuple[str, SipServiceEmulator]]:
    """Run the service for the duration of the block and yield its URL and the emulator."""
    emulator = SipServiceEmulator()
    routes = [Route("/twirp/livekit.SIP/{method}", emulator.answer, methods=["POST"])]
    async with run_server(Starlette(routes=routes)) as url:
        yield url, emulator
