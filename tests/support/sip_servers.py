"""livekit-sip for tests: the emulator in processes of its own, or the real program."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from socket import SOCK_DGRAM
from urllib.parse import urlsplit

from local.livekit import LivekitCredentials, LivekitServers
from local.phone.sip_socket import HOST
from local.phone.transactions import Address
from local.private_files import free_port, write_private
from tests.support.paths import ROOT
from tests.support.processes import running_process, until_answers

EMULATOR, REAL = "emulator", "livekit-sip"
STOP_SECONDS = 10.0
RTP_PORTS = range(32_000, 36_000)
"""Wide, because livekit-sip uses each port once in a while, and below the ephemeral ports."""


@dataclass(frozen=True, slots=True)
class SipServer:
    """What clients and phones need to know about a running livekit-sip or its emulator."""

    name: str
    livekit: LivekitCredentials
    """The credentials for clients: their URL leads to the emulator, if it is one."""
    address: Address
    """Where phones dial to."""


@dataclass(slots=True)
class SipEmulator:
    """The emulator's service, which a test may kill and start again on the same ports. Its front is
    a process of its own that lives on, as livekit-server does without livekit-sip."""

    server: SipServer
    _command: tuple[str, ...]
    _environment: Mapping[str, str] = field(repr=False)
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        await _until_ready(self._process)

    async def kill(self) -> None:
        """End the service as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Let the service hang up its calls, then end it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()


@asynccontextmanager
async def running_sip_emulator(livekit: LivekitCredentials) -> AsyncIterator[SipEmulator]:
    """The emulator next to a LiveKit server, for the duration of the block."""
    front_port, service_port = free_port(), free_port()
    sip_port = free_port(SOCK_DGRAM)
    command = (sys.executable, "-m", "local.emulators.livekit_sip")
    ports = ("--service-port", str(service_port))
    environment = {**os.environ, **livekit.environment, "PYTHONPATH": str(ROOT)}
    url = f"ws://{HOST}:{front_port}"
    emulator = SipEmulator(
        SipServer(EMULATOR, LivekitCredentials(url, livekit.key, livekit.secret), (HOST, sip_port)),
        (*command, "--service", *ports, "--sip-port", str(sip_port)),
        environment,
    )
    async with running_process(
        *(*command, "--front", *ports, "--port", str(front_port)),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    ) as front:
        await _until_ready(front)
        await emulator.start()
        try:
            yield emulator
        finally:
            await emulator.stop()


async def _until_ready(process: asyncio.subprocess.Process) -> None:
    """The emulator prints its settings and an empty line."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (line := await process.stdout.readline()) != b"\n":
            assert line, "the emulator of livekit-sip has not started"


def find_livekit_sip() -> Path | None:
    """The real livekit-sip: LIVEKIT_SIP_BIN, or the program on PATH."""
    named = os.environ.get("LIVEKIT_SIP_BIN") or shutil.which("livekit-sip")
    return Path(named).absolute() if named else None


@asynccontextmanager
async def running_livekit_sip(
    livekit: LivekitServers, binary: Path, folder: Path
) -> AsyncIterator[SipServer]:
    """The real livekit-sip next to a LiveKit server, for the duration of the block."""
    credentials, redis = livekit.credentials, urlsplit(livekit.store.url)
    sip_port, health_port = free_port(SOCK_DGRAM), free_port()
    configuration = folder / "livekit-sip.yaml"
    options = {
        "api_key": credentials.key,
        "api_secret": credentials.secret,
        "ws_url": credentials.url,
        "redis": {"address": f"{redis.hostname}:{redis.port}", "password": redis.password},
        "sip_port": sip_port,
        "listen_ip": HOST,
        "nat_1_to_1_ip": HOST,
        "rtp_port": f"{RTP_PORTS.start}-{RTP_PORTS.stop - 1}",
        "rtp_draining_idle_timeout": "-1s",
        "rtp_draining_duration": "-1s",
        "max_cpu_utilization": 1.0,
        "health_port": health_port,
        "logging": {"level": "info", "json": True},
    }
    write_private(configuration, json.dumps(options, indent=1))  # JSON is YAML
    with (folder / "livekit-sip.log").open("wb") as log:
        async with running_process(
            *(str(binary), "--config", str(configuration)), stdout=log, stderr=log
        ) as process:
            await until_answers(f"http://{HOST}:{health_port}/")
            try:
                yield SipServer(REAL, credentials, (HOST, sip_port))
            finally:
                process.send_signal(SIGINT)  # SIGTERM would wait for the end of all calls
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
