"""The built-in LiveKit: access, addresses and recovery."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import astuple
from pathlib import Path

import psutil
import pytest
from livekit import api

from local import livekit_binary, os_processes
from local.livekit import LivekitCredentials, LivekitServers, prepare, running, started
from local.server import Server

pytestmark = pytest.mark.anyio


@pytest.fixture
def binary(livekit: LivekitCredentials) -> Path:
    """The livekit-server binary of this test run."""
    return livekit_binary.find_or_build(os.environ, print)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "with a space"


@pytest.fixture
async def own(state: Path, binary: Path) -> AsyncIterator[LivekitServers]:
    async with started(state, binary) as livekit:
        yield livekit


async def rooms(access: LivekitCredentials) -> list[str]:
    async with api.LiveKitAPI(*astuple(access)) as client:
        return [room.name for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms]


async def make_room(access: LivekitCredentials, name: str) -> None:
    """Retries, because LiveKit takes some seconds after a crash to forget the dead node."""
    async with asyncio.timeout(60), api.LiveKitAPI(*astuple(access)) as client:
        while True:
            try:
                await client.room.create_room(api.CreateRoomRequest(name=name))
                return
            except api.TwirpError as error:
                if error.status not in (500, 503):
                    raise
                await asyncio.sleep(0.2)


def kept(file: Path) -> str:
    return file.read_text()


def leave_running(server: Server) -> subprocess.Popen[bytes]:
    """Start it as a process that is gone would have: no one holds its directory or stops it."""
    with server.log.open("ab") as log:
        return subprocess.Popen(server.spec.argv, stdout=log, stderr=log)


async def test_it_serves_only_clients_that_have_the_key(livekit: LivekitCredentials) -> None:
    await make_room(livekit, "mine")
    assert "mine" in await rooms(livekit)
    stranger = LivekitCredentials(livekit.url, livekit.key, "x" * 43)
    with pytest.raises(api.TwirpError) as refused:
        await rooms(stranger)
    assert refused.value.status == 401


async def test_it_listens_on_loopback_only(own: LivekitServers, state: Path) -> None:
    assert os_processes.listening_addresses(own.server.pid) == [
        own.credentials.url.removeprefix("ws://")
    ]
    sockets = psutil.Process(own.server.pid).net_connections("udp")
    udp_port = int(kept(state / "livekit" / "udp.port"))
    assert [(one.laddr.ip, one.laddr.port) for one in sockets] == [("127.0.0.1", udp_port)]


async def test_its_files_are_private(own: LivekitServers, state: Path) -> None:
    kept = [path for path in (state / "livekit").iterdir() if path.name not in ("lock", "log")]
    assert {path.name for path in kept} == {"key", "secret", "port", "udp.port", "livekit.yaml"}
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert own.credentials.secret not in repr(own)
    assert own.credentials.secret not in " ".join(os_processes.command_line(own.server.pid))


async def test_it_restarts_with_the_same_address_and_keys(state: Path, binary: Path) -> None:
    async with started(state, binary) as livekit:
        await livekit.server.stop()
        await livekit.server.start()
        await make_room(livekit.credentials, "after a stop")
        await livekit.server.kill()
        await livekit.server.start()
        await make_room(livekit.credentials, "after a kill")
        first = livekit.credentials
    async with running(state, binary) as again:
        assert again == first
        assert await rooms(again) == []


async def test_it_survives_a_crash_of_its_valkey(own: LivekitServers) -> None:
    await own.store.kill()
    await own.store.start()
    await make_room(own.credentials, "again")
    assert await rooms(own.credentials) == ["again"]
    assert os_processes.is_alive(own.server.pid)


async def test_a_leftover_server_is_stopped(state: Path, binary: Path) -> None:
    async with started(state, binary) as livekit:
        await livekit.server.stop()
        left = leave_running(livekit.server)
        while not await livekit.server.spec.ready(left.pid):
            assert left.poll() is None
        await livekit.store.stop(signal.SIGKILL)
    again = await prepare(state, binary)
    assert left.wait(60) is not None
    assert (again.credentials.key, again.credentials.secret) == (
        livekit.credentials.key,
        livekit.credentials.secret,
    )
