"""livekit-sip for tests: the emulator in processes of its own, or the real program."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
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
class SipProcess:
    """livekit-sip or its emulator, which a test may kill and start again on the same ports. The front
    of the emulator is a process of its own that lives on, as livekit-server does without livekit-sip."""

    server: SipServer
    _command: tuple[str, ...]
    _environment: Mapping[str, str] = field(repr=False)
    _until_ready: Callable[[Process], Awaitable[None]] = field(repr=False)
    _stop_signal: Signals = SIGTERM
    _process: Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        await self._until_ready(self._process)

    async def kill(self) -> None:
        """End the process as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Let the process hang up its calls, then end it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(self._stop_signal)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()


@asynccontextmanager
async def running_sip_emulator(livekit: LivekitCredentials) -> AsyncIterator[SipProcess]:
    """The emulator next to a LiveKit server, for the duration of the block."""
    front_port, service_port = free_port(), free_port()
    sip_port = free_port(SOCK_DGRAM)
    command = (sys.executable, "-m", "local.emulators.livekit_sip")
    ports = ("--service-port", str(service_port))
    environment = {**os.environ, **livekit.environment, "PYTHONPATH": str(ROOT)}
    clients = LivekitCredentials(f"ws://{HOST}:{front_port}", livekit.key, livekit.secret)
    service = SipProcess(
        SipServer(EMULATOR, clients, (HOST, sip_port)),
        (*command, "--service", *ports, "--sip-port", str(sip_port)),
        environment,
        _until_settings,
    )
    async with running_process(
        *(*command, "--front", *ports, "--port", str(front_port)),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    ) as front:
        await _until_settings(front)
        async with _started(service):
            yield service


@asynccontextmanager
async def _started(process: SipProcess) -> AsyncIterator[None]:
    await process.start()
    try:
        yield
    finally:
        await process.stop()


async def _until_settings(process: Process) -> None:
    """The emulator prints its settings and an empty line."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (line := await process.stdout.readline()) != b"\n":
            assert line, "the emulator of livekit-sip has not started"


@asynccontextmanager
async def running_livekit_sip(
    livekit: LivekitServers, binary: Path, folder: Path
) -> AsyncIterator[SipProcess]:
    """The real livekit-sip next to a LiveKit server, for the duration of the block."""
    sip_port, health_port = free_port(SOCK_DGRAM), free_port()
    configuration = folder / "livekit-sip.yaml"
    options = _livekit_sip_options(livekit, sip_port, health_port)
    write_private(configuration, json.dumps(options, indent=1))  # JSON is YAML

    async def until_healthy(_: Process) -> None:
        await until_answers(f"http://{HOST}:{health_port}/")

    process = SipProcess(
        SipServer(REAL, livekit.credentials, (HOST, sip_port)),
        # Its log would fill the pipe that the emulator uses for its settings.
        ("sh", "-c", 'exec "$0" --config "$1" >"$2" 2>&1', *_paths(binary, configuration)),
        {**os.environ},  # uvloop takes nothing but a dict
        until_healthy,
        SIGINT,  # SIGTERM would wait for the end of all calls
    )
    async with _started(process):
        yield process


def _paths(binary: Path, configuration: Path) -> tuple[str, str, str]:
    return str(binary), str(configuration), str(configuration.with_suffix(".log"))


def _livekit_sip_options(
    livekit: LivekitServers, sip_port: int, health_port: int
) -> Mapping[str, object]:
    credentials, redis = livekit.credentials, urlsplit(livekit.store.url)
    return {
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
