"""The built-in LiveKit server for voice calls, on 127.0.0.1, with its own Valkey and API key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGTERM
from socket import SOCK_DGRAM
from urllib.parse import urlsplit

from local import os_processes, private_files, valkey
from local.process_spec import ProcessSpec
from local.server import Server, run_exclusively
from local.service import http_ready

# A separate Valkey, because Redis Pub/Sub ignores database numbers.
STORE_NAME = "livekit-db"


@dataclass(frozen=True, slots=True)
class LivekitCredentials:
    """URL, API key and secret of a LiveKit server."""

    url: str
    key: str
    secret: str = field(repr=False)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": self.key,
            "LIVEKIT_API_SECRET": self.secret,
        }


@dataclass(frozen=True, slots=True)
class LivekitServers:
    credentials: LivekitCredentials
    server: Server
    store: Server


async def prepare(state: Path, binary: Path, webhook_url: str = "") -> LivekitServers:
    """Write the configuration of both servers and stop leftover processes that use it.
    `webhook_url` is where LiveKit reports what happens in its rooms; empty for nowhere."""
    store = await valkey.prepare(state, name=STORE_NAME, durable=False, variable="LIVEKIT_URL")
    server = await _prepare_server(state, binary, store, webhook_url)
    return LivekitServers(load_credentials(state, server), server, store)


def load_credentials(state: Path, server: Server) -> LivekitCredentials:
    directory = state / "livekit"
    key, secret = _load_key_and_secret(directory)
    return LivekitCredentials(server.url, key, secret)


def _load_key_and_secret(directory: Path) -> tuple[str, str]:
    key = private_files.load_or_create_secret(directory / "key")
    return key, private_files.load_or_create_secret(directory / "secret")


@contextlib.asynccontextmanager
async def started(
    state: Path, binary: Path, webhook_url: str = ""
) -> AsyncIterator[LivekitServers]:
    """Run the servers for the duration of the block; the caller may stop, kill and restart them."""
    async with valkey.started(state, name=STORE_NAME, durable=False) as store:
        prepare_server = partial(_prepare_server, state, binary, store, webhook_url)
        async with run_exclusively(state / "livekit", prepare_server) as server:
            yield LivekitServers(load_credentials(state, server), server, store)


@contextlib.asynccontextmanager
async def running(state: Path, binary: Path) -> AsyncIterator[LivekitCredentials]:
    """Run LiveKit for the duration of the block and yield its credentials."""
    async with started(state, binary) as livekit:
        yield livekit.credentials


async def _prepare_server(state: Path, binary: Path, store: Server, webhook_url: str) -> Server:
    directory = private_files.private_dir(state / "livekit")
    configuration = directory / "livekit.yaml"
    await asyncio.to_thread(_stop_leftover, configuration)
    port = private_files.load_or_pick_port(directory / "port")
    udp_port = private_files.load_or_pick_port(directory / "udp.port", SOCK_DGRAM)
    key, secret = _load_key_and_secret(directory)
    redis = urlsplit(store.url)
    options: dict[str, object] = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {key: secret},
        "redis": {"address": f"{redis.hostname}:{redis.port}", "password": redis.password},
        "rtc": {
            "udp_port": udp_port,
            "tcp_port": 0,  # disabled: it would listen on every address
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "ips": {"includes": ["127.0.0.1/32"]},
            # An unreachable STUN server, because loopback needs none. If the list is empty, LiveKit
            # sends public STUN servers to clients, each of which resolves their names in dozens of
            # threads when it joins.
            "stun_servers": ["127.0.0.1:9"],
        },
        "room": {"auto_create": True, "empty_timeout": 20, "departure_timeout": 20},
        "logging": {"level": "info", "json": True},
    }
    if webhook_url:
        options["webhook"] = {"api_key": key, "urls": [webhook_url]}
    private_files.write_private(configuration, json.dumps(options, indent=1))  # JSON is YAML
    return Server(
        spec=ProcessSpec(
            name="livekit",
            argv=(str(binary), "--config", str(configuration)),
            # Only PATH: variables such as REDIS_HOST and LIVEKIT_KEYS would override the file.
            env={"PATH": os.environ.get("PATH", os.defpath)},
            ready=http_ready("127.0.0.1", port, "/"),
            stop_attempts=2,  # after one signal, LiveKit waits for all participants to leave
        ),
        url=f"ws://127.0.0.1:{port}",
        log=directory / "log",
    )


def _stop_leftover(configuration: Path) -> None:
    for pid in os_processes.find_by_argument(str(configuration)):
        os_processes.terminate(pid, SIGTERM, 2)
