"""The servers on which the contract of livekit-sip is tested."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from livekit import api

from local.livekit import LivekitCredentials
from local.phone.transactions import Address
from local.telephone_service import find_livekit_sip
from tests.support.sip_calls import delete_trunks_and_rules, livekit_api
from tests.support.sip_servers import EMULATOR, REAL, SipServer

SERVERS = (EMULATOR, REAL) if find_livekit_sip(os.environ) else (EMULATOR,)


@dataclass(frozen=True, slots=True)
class SipContract:
    """A server without trunks and rules, and a client of its API."""

    server: SipServer
    client: api.LiveKitAPI

    @property
    def livekit(self) -> LivekitCredentials:
        return self.server.livekit

    @property
    def address(self) -> Address:
        return self.server.address


@pytest.fixture(scope="session", params=SERVERS)
def sip_server(request: pytest.FixtureRequest, livekit: LivekitCredentials) -> SipServer:
    """The emulator; and then the real livekit-sip, where it is installed."""
    fixture = {EMULATOR: "sip_emulator", REAL: "livekit_sip"}[request.param]
    print(f"\nthe contract of livekit-sip runs on: {request.param}", file=sys.__stderr__)
    server: SipServer = request.getfixturevalue(fixture)
    return server


@pytest.fixture
async def sip(sip_server: SipServer) -> AsyncIterator[SipContract]:
    async with livekit_api(sip_server.livekit) as client:
        await delete_trunks_and_rules(client)
        yield SipContract(sip_server, client)
