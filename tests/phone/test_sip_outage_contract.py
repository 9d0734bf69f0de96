"""What a telephone call survives, and what everyone learns of a crash. The same tests run on the
emulator, and on the real livekit-sip where it is installed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from livekit import api, rtc

from local import livekit as livekit_server
from local import livekit_binary
from local.livekit import LivekitCredentials, LivekitServers
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.tones import amplitude_of, sine
from local.telephone_service import find_livekit_sip
from tests.phone.conftest import SERVERS
from tests.support.room_probe import AUDIBLE_AMPLITUDE, RoomProbe, joined_probe
from tests.support.sip_calls import (
    CALLEE,
    CALLEE_NUMBER,
    OK,
    Outcome,
    dial,
    dial_request,
    livekit_api,
    new_room_name,
    remove_participant,
)
from tests.support.sip_servers import (
    REAL,
    SipProcess,
    running_livekit_sip,
    running_sip_emulator,
)

pytestmark = pytest.mark.anyio

NO_SERVICE = Outcome("unavailable", 503, None, "no response from servers")
CONNECTION_LOST_SECONDS = 120.0


@dataclass(frozen=True)
class Installation:
    """Servers of a test's own, which it may kill."""

    livekit: LivekitServers
    sip: SipProcess
    client: api.LiveKitAPI


@pytest.fixture(params=SERVERS)
async def installation(
    request: pytest.FixtureRequest, livekit: LivekitCredentials, tmp_path: Path
) -> AsyncIterator[Installation]:
    binary = livekit_binary.find_or_build(os.environ, print)
    async with (
        livekit_server.started(tmp_path, binary) as servers,
        _running_sip(request.param, servers, tmp_path) as process,
        livekit_api(process.server.livekit) as client,
    ):
        yield Installation(servers, process, client)


@asynccontextmanager
async def _running_sip(
    name: str, servers: LivekitServers, folder: Path
) -> AsyncIterator[SipProcess]:
    binary = find_livekit_sip(os.environ)
    if name == REAL and binary is not None:
        async with running_livekit_sip(servers, binary, folder) as real:
            yield real
    else:
        async with running_sip_emulator(servers.credentials) as emulator:
            yield emulator


@asynccontextmanager
async def active_call(
    installation: Installation,
) -> AsyncIterator[tuple[RoomProbe, Phone, PhoneCall]]:
    """An agent with 440 Hz and a phone with 1,000 Hz that hear each other."""
    room = new_room_name()
    livekit = installation.sip.server.livekit
    async with open_phone(CALLEE_NUMBER) as phone, joined_probe(livekit, room) as agent:
        await agent.speak(440)
        assert await dial(installation.client, dial_request(phone, room)) == OK
        call = await phone.next_call()
        call.media.play(sine(1_000, 1), repeat=True)
        await until_both_hear(agent, call)
        yield agent, phone, call


async def until_both_hear(agent: RoomProbe, call: PhoneCall) -> None:
    await agent.until(lambda: amplitude_of(call.media.heard.last(0.4), 440) > AUDIBLE_AMPLITUDE)
    await agent.until_heard(CALLEE, 1_000)


async def test_a_call_survives_a_restart_of_livekit_and_forgets_its_status(
    installation: Installation,
) -> None:
    async with active_call(installation) as (agent, _, call):
        await installation.livekit.server.kill()
        await agent.until(
            lambda: agent.room.connection_state == rtc.ConnectionState.CONN_RECONNECTING
        )
        await installation.livekit.server.start()
        await agent.until(
            lambda: (
                agent.room.connection_state == rtc.ConnectionState.CONN_CONNECTED
                and CALLEE in agent.room.remote_participants
            )
        )
        agent.forget_audio()
        await agent.until_heard(CALLEE, 1_000)
        position = call.media.heard.position
        await agent.until(
            lambda: amplitude_of(call.media.heard.since(position)[-3_200:], 440) > AUDIBLE_AMPLITUDE
        )
        assert call.end is None
        # The token that the leg rejoins with has the attributes of the beginning.
        await agent.until(lambda: agent.attributes(CALLEE)["sip.callStatus"] == "dialing")
        await remove_participant(installation.client, agent.room.name)
        await call.until_ended()


async def test_a_killed_livekit_sip_leaves_the_room_late_and_the_phone_without_a_word(
    installation: Installation,
) -> None:
    async with active_call(installation) as (agent, phone, call):
        await installation.sip.kill()
        request = dial_request(phone, agent.room.name, identity="second")
        outcome = await dial(installation.client, request)
        assert (outcome.code, outcome.http) == (NO_SERVICE.code, NO_SERVICE.http)
        assert outcome.message.endswith(NO_SERVICE.message)
        assert await agent.until_left(CALLEE, CONNECTION_LOST_SECONDS) == "CONNECTION_TIMEOUT"
        assert call.end is None
        assert "<BYE" not in map(str, phone.trace)
        await installation.sip.start()
        assert await dial(installation.client, request) == OK
        second = await phone.next_call()
        await second.hang_up()


async def test_stopping_livekit_sip_hangs_up(installation: Installation) -> None:
    async with active_call(installation) as (_, phone, call):
        stopping = asyncio.create_task(installation.sip.stop())
        await call.until_ended()
        await stopping
        assert "<BYE" in map(str, phone.trace)
