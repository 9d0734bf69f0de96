"""What telephone benchmarks need in addition: livekit-sip or its emulator, the API that receives
webhooks, a keeper, a softphone as the carrier, and a workflow that dials and answers."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from livekit import api

from bench.harness.api import running_api
from bench.harness.benchmark import installation, new_owner
from bench.harness.call_rig import (
    AGENT,
    WORKFLOW,
    provider_emulators,
    running_until_ready,
    voice_settings,
    worker_env,
)
from domain.common.access import Viewer
from domain.ports import Services
from domain.telephony.trunks import (
    DialLimits,
    InboundTrunkSpec,
    OutboundTrunkSpec,
    PhoneNumberSpec,
)
from domain.use_cases.agents import create_agent
from domain.use_cases.telephony import (
    create_inbound_trunk,
    create_outbound_trunk,
    create_phone_number,
)
from domain.use_cases.workflows import create_workflow, publish_workflow
from local import livekit as livekit_server
from local import livekit_binary
from local.emulators.speech import synthetic_speech
from local.livekit import LivekitCredentials, LivekitServers
from local.phone.g711 import RATE, Samples
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.transactions import Address
from local.private_files import free_port
from local.services import SOFTPHONE_NETWORK
from local.telephone_service import find_livekit_sip
from persistence.wiring import api_services
from tests.support.sip_calls import livekit_api
from tests.support.sip_servers import (
    SipProcess,
    running_livekit_sip,
    running_sip_emulator,
)

STUDIO_NUMBER, PHONE_NUMBER = "+12025550100", "+12025550199"
CALLED_NUMBERS = tuple(f"+1202555{n:04}" for n in range(101, 199))
"""Several, because callees are called one after another; all are reserved for examples."""
LIMITS = DialLimits(
    calls_per_second=100,
    concurrent_calls=1_000,
    calls_per_day=100_000,
    calls_per_number_per_hour=1_000,
)
SPEECH_SECONDS, PAUSE_SECONDS = 0.8, 6.2
SPEECH_THRESHOLD = 500
"""Quieter samples are silence."""
RECONCILIATION_SECONDS = 60.0
START = (
    "mutation ($input: StartCallInput!) { startCall(input: $input) "
    "{ __typename ... on Error { message } } }"
)


def caller_audio() -> Samples:
    """A caller who speaks now and then."""
    pcm = synthetic_speech(SPEECH_SECONDS, RATE) + bytes(2 * int(PAUSE_SECONDS * RATE))
    return np.frombuffer(pcm, dtype=np.int16)


@dataclass(frozen=True, slots=True)
class PhoneRig:
    sip_name: str
    sip_address: Address
    phone: Phone
    http: httpx.AsyncClient
    env: Mapping[str, str]

    async def start_call(self, number: str) -> None:
        """Let the workflow dial the phone."""
        call = {"workflow": {"slug": WORKFLOW.name}, "kind": "SIP", "phoneNumber": number}
        body = {"query": START, "variables": {"input": call}}
        result = (await self.http.post("/graphql", json=body)).json()["data"]["startCall"]
        if "message" in result:
            raise RuntimeError(result["message"])

    async def dial(self) -> tuple[PhoneCall, float]:
        """Call the workflow. Returns the call, and the seconds from the INVITE to the first sound of
        the greeting."""
        heard = asyncio.Event()
        heard_at = 0.0

        def listen(samples: Samples) -> None:
            nonlocal heard_at
            if not heard.is_set() and np.abs(samples).max(initial=0) > SPEECH_THRESHOLD:
                heard_at = time.monotonic()
                heard.set()

        started = time.monotonic()
        call = await self.phone.dial(STUDIO_NUMBER, self.sip_address)
        call.media.audio_listeners.append(listen)
        async with asyncio.timeout(60):
            await heard.wait()
        return call, heard_at - started


def invited_at(phone: Phone, call: PhoneCall) -> float:
    """When the INVITE of a call arrived, in seconds of `monotonic`."""
    id = call.headers["Call-ID"]
    return next(m.at for m in phone.trace if m.call_id == id and str(m) == "<INVITE")


@asynccontextmanager
async def phone_rig(worker_processes: int) -> AsyncIterator[PhoneRig]:
    say = partial(print, file=sys.stderr)
    binary = await asyncio.to_thread(livekit_binary.find_or_build, os.environ, say)
    port = free_port()
    webhook_url = f"http://127.0.0.1:{port}/webhooks/livekit"
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-bench-")))
        plain = await enter(installation())
        livekit = await enter(livekit_server.started(folder, binary, webhook_url))
        _, urls = await enter(provider_emulators())
        sip = await enter(_running_sip(livekit, folder))
        settings = voice_settings(
            replace(plain, trunk_allow=SOFTPHONE_NETWORK), sip.server.livekit, urls
        )
        services = await enter(api_services(settings))
        viewer = await new_owner(settings)
        phone = await enter(open_phone(PHONE_NUMBER))
        await _set_up(services, viewer, phone)
        env = worker_env(settings)
        server = await enter(running_api(settings, viewer.tenant_id, port, **env))
        await enter(running_until_ready("worker.keeper", env))
        workers = {**env, "WORKER_PROCESSES": str(worker_processes)}
        await enter(running_until_ready("worker.main", workers))
        headers = {"authorization": f"Bearer {server.token}"}
        http = await enter(httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30))
        rig = PhoneRig(sip.server.name, sip.server.address, phone, http, env)
        await _until_reachable(sip.server.livekit)
        yield rig


@asynccontextmanager
async def _running_sip(livekit: LivekitServers, folder: Path) -> AsyncIterator[SipProcess]:
    """The real livekit-sip where it is installed, and otherwise its emulator."""
    binary = find_livekit_sip(os.environ)
    if binary is not None:
        async with running_livekit_sip(livekit, binary, folder) as real:
            yield real
    else:
        async with running_sip_emulator(livekit.credentials) as emulator:
            yield emulator


async def _set_up(services: Services, viewer: Viewer, phone: Phone) -> None:
    """Create the workflow, its number and a trunk in each direction."""
    await create_agent(services, viewer, AGENT)
    workflow = await create_workflow(services, viewer, WORKFLOW)
    await publish_workflow(services, viewer, workflow.id, workflow.revision, None)
    outbound = OutboundTrunkSpec(
        name="carrier", address=phone.host_and_port, region="US", limits=LIMITS
    )
    trunk = await create_outbound_trunk(services, viewer, outbound, None)
    inbound = InboundTrunkSpec(name="carrier", allowed_addresses=("127.0.0.0/8",))
    source = await create_inbound_trunk(services, viewer, inbound, None)
    number = PhoneNumberSpec(
        number=STUDIO_NUMBER,
        workflow_id=workflow.id,
        inbound_trunk_id=source.id,
        outbound_trunk_id=trunk.id,
    )
    await create_phone_number(services, viewer, number)


async def _until_reachable(livekit: LivekitCredentials) -> None:
    """Wait until the keeper has written the number into LiveKit."""
    async with asyncio.timeout(RECONCILIATION_SECONDS), livekit_api(livekit) as client:
        while True:
            trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
            if any(STUDIO_NUMBER in trunk.numbers for trunk in trunks.items):
                return
            await asyncio.sleep(0.1)
