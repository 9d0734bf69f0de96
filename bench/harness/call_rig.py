"""What the voice benchmarks share: LiveKit, emulators of the providers, a worker and an agent."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.harness.benchmark import installation, new_owner
from domain.calls.model import Call, CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import create_agent
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice, Session
from domain.workflows.model import Node, WorkflowSpec
from local import livekit as livekit_server
from local import livekit_binary
from local.livekit import LivekitCredentials, LivekitServers
from persistence.wiring import api_services
from tests.support.installation import Process

ANSWER = "Yes, we are open every day until six."
RULES = {"rules": [{"says": ANSWER}]}
ENDPOINTING_DELAYS = (0.3, 0.5)
"""The minimum and maximum endpointing delay, in seconds. The turn detector is trained on people and treats
synthetic syllables as unfinished: without a short limit, both sides would always wait for the maximum."""
AGENT = AgentSpec(
    name="agent",
    prompt=Prompt(system="You answer the phone of a shop.", greeting="Hello, this is the shop."),
    llm=ProviderChoice(provider="scripted", model="rules", options=RULES),
    stt=ProviderChoice(provider="deepgram", model="nova-3"),
    tts=ProviderChoice(provider="cartesia", model="sonic-3"),
    session=Session(min_endpointing=ENDPOINTING_DELAYS[0], max_endpointing=ENDPOINTING_DELAYS[1]),
)
WORKFLOW = WorkflowSpec(
    name="bench", nodes=(Node(id="only", agent="agent", is_entry=True, is_exit=True),)
)


@dataclass(frozen=True, slots=True)
class CallRig:
    services: Services
    viewer: Viewer
    livekit: LivekitServers
    emulators: asyncio.subprocess.Process
    env: Mapping[str, str]

    @asynccontextmanager
    async def running_worker(self, processes: int) -> AsyncIterator[Process]:
        """A worker host with warm processes."""
        env = {**self.env, "WORKER_PROCESSES": str(processes)}
        async with running_until_ready("worker.main", env) as worker:
            await asyncio.sleep(3)  # until its other processes are ready
            yield worker

    async def start_call(self) -> Call:
        request = CallRequest(workflow_name="bench", kind=CallKind.VOIP)
        return await start_call(self.services, self.viewer, request)

    async def end_call(self, call: Call) -> None:
        await end_call(self.services, self.viewer, call.id)


@asynccontextmanager
async def running_until_ready(module: str, env: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run a worker or a keeper for the duration of the block, which begins when it is ready."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        process = Process(module, {**env, "READY_FILE": str(ready)})
        await process.start()
        try:
            async with asyncio.timeout(60):
                while not ready.exists():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.1)
            yield process
        finally:
            await process.kill()


@asynccontextmanager
async def call_rig() -> AsyncIterator[CallRig]:
    say = partial(print, file=sys.stderr)
    binary = await asyncio.to_thread(livekit_binary.find_or_build, os.environ, say)
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        async with (
            installation() as plain,
            livekit_server.started(Path(folder), binary) as livekit,
            provider_emulators() as (emulators, urls),
        ):
            settings = voice_settings(plain, livekit.credentials, urls)
            async with api_services(settings) as services:
                viewer = await new_owner(settings)
                await create_agent(services, viewer, AGENT)
                workflow = await create_workflow(services, viewer, WORKFLOW)
                await publish_workflow(services, viewer, workflow.id, workflow.revision, None)
                yield CallRig(services, viewer, livekit, emulators, worker_env(settings))


def voice_settings(
    plain: Settings, access: LivekitCredentials, urls: Mapping[str, str]
) -> Settings:
    return replace(
        plain,
        livekit_url=access.url,
        livekit_api_key=access.key,
        livekit_api_secret=access.secret,
        deepgram_api_key="bench",
        deepgram_base_url=urls["DEEPGRAM_BASE_URL"],
        cartesia_api_key="bench",
        cartesia_base_url=urls["CARTESIA_BASE_URL"],
    )


def worker_env(settings: Settings) -> Mapping[str, str]:
    names = ("database_url", "redis_url", "secret_key", "livekit_url", "livekit_api_key")
    more = ("livekit_api_secret", "deepgram_api_key", "deepgram_base_url")
    last = ("cartesia_api_key", "cartesia_base_url", "trunk_allow")
    values = {name.upper(): str(getattr(settings, name)) for name in (*names, *more, *last)}
    # The benchmark looks for the limit itself, so the worker must not reject calls.
    return {**values, "LOG_LEVEL": "ERROR", "WORKER_VOICE_CAPACITY": "100"}


@asynccontextmanager
async def provider_emulators() -> AsyncIterator[
    tuple[asyncio.subprocess.Process, Mapping[str, str]]
]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.emulators", stdout=PIPE
    )
    assert process.stdout is not None
    urls: dict[str, str] = {}
    try:
        while line := (await process.stdout.readline()).decode().strip():
            name, _, url = line.partition("=")
            urls[name] = url
        yield process, urls
    finally:
        process.kill()
        await process.wait()
