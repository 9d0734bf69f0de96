"""The API of the livekit-sip emulator on its own, without a LiveKit server, as far as keepers use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from livekit import api
from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

from local.emulators.livekit_sip.front import SIP_PATH, serving
from local.emulators.livekit_sip.service import LivekitSipEmulator, running_emulator
from local.livekit import LivekitCredentials
from local.phone.sip_socket import HOST
from tests.support.sip_calls import delete_trunks_and_rules, livekit_api

KEY, SECRET = "devkey", "for-tests-only-" + "1" * 32


@dataclass
class SipService:
    """`outage`: every request fails like those to a LiveKit server without Redis. `changes` are the
    methods that were called, except those that list something."""

    credentials: LivekitCredentials
    client: api.LiveKitAPI
    changes: list[str] = field(default_factory=list)
    outage: bool = False

    async def trunks(self) -> list[SIPInboundTrunkInfo]:
        return list(
            (await self.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
        )

    async def rules(self) -> list[SIPDispatchRuleInfo]:
        return list(
            (await self.client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
        )

    async def wipe(self) -> None:
        """Leave what remains when LiveKit's Redis was emptied."""
        await delete_trunks_and_rules(self.client)
        self.changes.clear()


class _Recorder:
    """Serves the emulator, and notes the requests."""

    def __init__(self, emulator: LivekitSipEmulator) -> None:
        self._emulator = emulator
        self.service: SipService

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        if not name.startswith("List"):
            self.service.changes.append(name)
        if self.service.outage:
            body = {"code": "unknown", "msg": "connect: connection refused"}
            return web.json_response(body, status=500)
        return await self._emulator.serve(request)


@asynccontextmanager
async def running_sip_service() -> AsyncIterator[SipService]:
    """Run the service for the duration of the block."""
    nowhere = LivekitCredentials("ws://127.0.0.1:9", KEY, SECRET)
    async with running_emulator(nowhere, (HOST, 0)) as emulator:
        recorder = _Recorder(emulator)
        app = web.Application()
        app.router.add_post(f"{SIP_PATH}{{method}}", recorder.serve)
        async with serving(app, 0) as port:
            credentials = LivekitCredentials(f"ws://{HOST}:{port}", KEY, SECRET)
            async with livekit_api(credentials) as client:
                recorder.service = SipService(credentials, client)
                yield recorder.service
