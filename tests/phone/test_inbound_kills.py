"""Programs that die in the middle of calls that a phone has placed: each call continues, or ends once, with the
reason that says what happened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from livekit import api

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallerQueued,
    CallEvent,
    QueueStage,
    StateChanged,
    UserTurn,
    WorkerReplaced,
)
from domain.calls.filters import CallFilter
from domain.calls.model import Call, CallKind, CallState, EndReason
from domain.common.access import Viewer
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.hold import HoldPolicy
from domain.telephony.trunks import InboundTrunkSpec, PhoneNumberSpec
from domain.use_cases.telephony import create_inbound_trunk, create_phone_number
from local import livekit as livekit_server
from local import livekit_binary
from local.emulators.audio import synthetic_speech
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.livekit import LivekitCredentials, LivekitServers
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.phone.conftest import SipContract
from tests.phone.test_inbound_calls import answering_clinic
from tests.phone.test_sip_inbound_contract import CALLER, NUMBER
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.installation import Installation, Process, running_installation
from tests.support.sip_calls import LOOPBACK, livekit_api
from tests.support.sip_servers import SipProcess, running_sip_emulator
from tests.support.viewers import owner_of
from tests.support.voice_clients import with_speech, with_voice_providers
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

UTTERANCE = "How are you?"


@dataclass
class Site:
    """An installation with a number, whose processes and servers a test may kill."""

    whole: Installation
    livekit: LivekitServers
    sip: SipProcess
    services: Services
    viewer: Viewer
    emulator: SpeechEmulator
    phone: Phone

    async def dial(self) -> tuple[PhoneCall, Call]:
        """Call the number, once a keeper has written it into LiveKit."""
        async with asyncio.timeout(60), livekit_api(self.sip.server.livekit) as client:
            rules = api.ListSIPDispatchRuleRequest()
            while not (await client.sip.list_dispatch_rule(rules)).items:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        line = await self.phone.dial(NUMBER, self.sip.server.address)
        async with asyncio.timeout(60):
            [call] = await self.calls_in_progress()
        return line, call

    async def calls_in_progress(self) -> list[Call]:
        """Wait until there is a call, and return those that have not ended."""
        while True:
            async with self.services.store.transaction(self.viewer.tenant_id) as work:
                live = CallFilter(kinds=(CallKind.SIP,), live=True)
                page = await work.calls.page(Window(10), live)
            if page.items:
                return list(page.items)
            await asyncio.sleep(0.05)

    async def seen(self, call: Call, until: type, count: int = 1) -> list[CallEvent]:
        return await watch(self.services, self.viewer, call.id, until, count, timeout_seconds=120.0)

    async def talk(self, line: PhoneCall, call: Call) -> None:
        """Say something, again and again, until it was answered once more than before."""
        before = await self.turns_so_far(call)
        async with asyncio.timeout(90):
            while not await self._is_answered(line, call, before + 1):
                pass

    async def _is_answered(self, line: PhoneCall, call: Call, turns: int) -> bool:
        line.media.play(speech())
        try:
            await watch(self.services, self.viewer, call.id, UserTurn, turns, timeout_seconds=6.0)
        except TimeoutError:
            return False
        return True

    async def turns_so_far(self, call: Call) -> int:
        query = "select count(*) from call_event where call_id = $1 and kind = 'user_turn'"
        return int(await self.whole.fetch_value(query, call.id))

    async def start(self, name: str, module: str, stack: AsyncExitStack, **more: str) -> Process:
        """Start one more process of the installation."""
        process = Process(module, {**self.whole.processes["keeper"].env, **more})
        self.whole.processes[name] = process
        stack.push_async_callback(process.kill)
        await process.start()
        return process


@asynccontextmanager
async def running_site(folder: Path, **more: str) -> AsyncIterator[Site]:
    binary = livekit_binary.find_or_build(os.environ, print)
    async with (
        livekit_server.started(folder, binary) as servers,
        running_sip_emulator(servers.credentials) as sip,
        run_speech_emulator() as heard,
        open_phone(CALLER) as phone,
        running_installation(
            folder,
            workers=1,
            **sip.server.livekit.environment,
            DEEPGRAM_API_KEY="emulator",
            DEEPGRAM_BASE_URL=heard.url,
            CARTESIA_API_KEY="emulator",
            CARTESIA_BASE_URL=heard.url,
            **more,
        ) as whole,
        api_services(with_voice_providers(whole.settings, sip.server.livekit, heard)) as services,
    ):
        viewer = owner_of(await new_tenant(whole.settings, "acme"))
        heard.utterances = [UTTERANCE] * 10
        version = await publish_clinic(services, viewer, with_speech(RECEPTION, BOOKING))
        spec = InboundTrunkSpec(name="carrier", allowed_addresses=(LOOPBACK,))
        trunk = await create_inbound_trunk(services, viewer, spec, None)
        number = PhoneNumberSpec(
            number=NUMBER,
            workflow_id=version.workflow_id,
            inbound_trunk_id=trunk.id,
            hold=HoldPolicy(after_seconds=1),
        )
        await create_phone_number(services, viewer, number)
        yield Site(whole, servers, sip, services, viewer, heard, phone)


def speech() -> Samples:
    """A second of speech, and then silence."""
    pcm = synthetic_speech(1.0, RATE) + bytes(2 * RATE)
    return np.frombuffer(pcm, dtype=np.int16)


def ends(events: list[CallEvent]) -> list[EndReason]:
    return [event.reason for event in events if isinstance(event, CallEnded)]


async def hangs_up(site: Site, line: PhoneCall, call: Call) -> list[CallEvent]:
    await line.hang_up()
    events = await site.seen(call, CallEnded)
    assert ends(events) == [EndReason.HUNG_UP_BY_USER]
    return events


async def test_a_call_survives_its_worker_redis_and_livekit(tmp_path: Path) -> None:
    """One call, in which one after the other is killed."""
    async with running_site(tmp_path) as site:
        line, call = await site.dial()
        await site.seen(call, AgentTurn)
        await site.whole.processes["worker 0"].kill_children()
        await site.seen(call, WorkerReplaced)
        await site.talk(line, call)
        for server in (site.whole.redis, site.livekit.server, site.livekit.store):
            await server.kill()
            await server.start()
            await site.talk(line, call)
        assert line.end is None
        events = await hangs_up(site, line, call)
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states[:3] == [CallState.PENDING, CallState.CONNECTING, CallState.ACTIVE]


async def test_a_call_ends_once_when_livekit_sip_is_killed_in_it(
    livekit: LivekitCredentials, settings: Settings, viewer: Viewer
) -> None:
    async with (
        running_sip_emulator(livekit) as emulator,
        livekit_api(emulator.server.livekit) as client,
        open_phone(CALLER) as phone,
        answering_clinic(SipContract(emulator.server, client), settings, viewer) as clinic,
    ):
        await phone.dial(NUMBER, emulator.server.address)
        call = await clinic.only_call()
        await watch(clinic.services, viewer, call.id, AgentTurn)
        await emulator.kill()
        events = await watch(clinic.services, viewer, call.id, CallEnded)
    [reason] = ends(events)
    assert reason in (EndReason.LINE_LOST, EndReason.TELEPHONY_UNAVAILABLE)


async def test_a_caller_on_hold_survives_the_death_of_a_lobby(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(running_site(tmp_path, WORKER_VOICE_CAPACITY="0"))
        lobby = await site.start("lobby", "worker.lobby", stack)
        line, call = await site.dial()
        await line.until_answered()
        events = await site.seen(call, CallerQueued)
        if not is_hold(events[-1]):
            await site.seen(call, CallerQueued, 2)
        await lobby.restart()
        async with asyncio.timeout(60):
            while await epoch_of_hold(site) < 2:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.1)
        assert line.end is None
        await site.start("worker 1", "worker.main", stack, WORKER_VOICE_CAPACITY="8")
        await site.seen(call, AgentTurn)
        await hangs_up(site, line, call)


def is_hold(event: CallEvent) -> bool:
    return isinstance(event, CallerQueued) and event.stage is QueueStage.HOLD


async def epoch_of_hold(site: Site) -> int:
    return int(await site.whole.fetch_value("select epoch from held_call") or 0)
