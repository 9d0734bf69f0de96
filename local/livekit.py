"""LiveKit on 127.0.0.1, with a Valkey and a key of its own: what voice calls run through."""

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

# A Valkey of its own, as LiveKit publishes on channels that know no database number.
STORE_NAME = "livekit-db"


@dataclass(frozen=True, slots=True)
class LivekitCredentials:
    """Where a LiveKit is and what lets one in."""

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


async def prepare(state: Path, binary: Path) -> LivekitServers:
    """Write the configuration of both servers and stop what was left over on it."""
    store = await valkey.prepare(state, name=STORE_NAME, durable=False)
    server = await _prepare_server(state, binary, store)
    return LivekitServers(load_credentials(state, server), server, store)


def load_credentials(state: Path, server: Server) -> LivekitCredentials:
    place = state / "livekit"
    key, secret = (private_files.load_or_create_secret(place / name) for name in ("key", "secret"))
    return LivekitCredentials(server.url, key, secret)


@contextlib.asynccontextmanager
async def started(state: Path, binary: Path) -> AsyncIterator[LivekitServers]:
    """Servers for the length of the block, to be stopped, killed and started again at will."""
    async with valkey.started(state, name=STORE_NAME, durable=False) as store:
        place, prepared = state / "livekit", partial(_prepare_server, state, binary, store)
        async with run_exclusively(place, prepared) as server:
            yield LivekitServers(load_credentials(state, server), server, store)


@contextlib.asynccontextmanager
async def running(state: Path, binary: Path) -> AsyncIterator[LivekitCredentials]:
    """The way in to a LiveKit that runs for the length of the block."""
    async with started(state, binary) as livekit:
        yield livekit.credentials


async def _prepare_server(state: Path, binary: Path, store: Server) -> Server:
    place = private_files.private_dir(state / "livekit")
    configuration = place / "livekit.yaml"
    await asyncio.to_thread(_stop_leftover, configuration)
    port = private_files.load_or_pick_port(place / "port")
    udp_port = private_files.load_or_pick_port(place / "udp.port", SOCK_DGRAM)
    key, secret = (private_files.load_or_create_secret(place / name) for name in ("key", "secret"))
    redis = urlsplit(store.url)
    options = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {key: secret},
        "redis": {"address": f"{redis.hostname}:{redis.port}", "password": redis.password},
        "rtc": {
            "udp_port": udp_port,
            "tcp_port": 0,  # it would listen on every address
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "ips": {"includes": ["127.0.0.1/32"]},
            # Nobody has to be asked where loopback is. With none named, every client is told to
            # ask servers on the internet, and joins with dozens of threads that look up their names.
            "stun_servers": ["127.0.0.1:9"],
        },
        "room": {"auto_create": True, "empty_timeout": 20, "departure_timeout": 20},
        "logging": {"level": "info", "json": True},
    }
    private_files.write_private(configuration, json.dumps(options, indent=1))  # JSON is YAML
    return Server(
        spec=ProcessSpec(
            name="livekit",
            argv=(str(binary), "--config", str(configuration)),
            # Not ours: variables such as REDIS_HOST and LIVEKIT_KEYS would overrule the file.
            env={"PATH": os.environ.get("PATH", os.defpath)},
            ready=http_ready("127.0.0.1", port, "/"),
            stop_attempts=2,  # asked once, it waits for its callers to leave
        ),
        url=f"ws://127.0.0.1:{port}",
        log=place / "log",
    )


def _stop_leftover(configuration: Path) -> None:
    for pid in os_processes.find_by_argument(str(configuration)):
        os_processes.terminate(pid, SIGTERM, 2)
