"""The built-in LiveKit: whom it lets in, where it listens, what it recovers from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from livekit import api

from local import livekit_binary, machine
from local.livekit import Access, Livekit, prepare, running, started

pytestmark = pytest.mark.anyio


@pytest.fixture
def binary(livekit: Access) -> Path:
    """The program that the servers of the run are made of."""
    return livekit_binary.find(os.environ, print)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "with a space"


@pytest.fixture
async def own(state: Path, binary: Path) -> AsyncIterator[Livekit]:
    async with started(state, binary) as livekit:
        yield livekit


async def rooms(access: Access) -> list[str]:
    async with api.LiveKitAPI(access.url, access.key, access.secret) as client:
        return [room.name for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms]


async def make_room(access: Access, name: str) -> None:
    async with api.LiveKitAPI(access.url, access.key, access.secret) as client:
        await client.room.create_room(api.CreateRoomRequest(name=name))


async def test_it_serves_whoever_has_the_key_and_nobody_else(livekit: Access) -> None:
    await make_room(livekit, "mine")
    assert "mine" in await rooms(livekit)
    stranger = Access(livekit.url, livekit.key, "x" * 43)
    with pytest.raises(api.TwirpError, match="unauthenticated|invalid token"):
        await rooms(stranger)


async def test_it_listens_on_loopback_only(own: Livekit) -> None:
    assert machine.listening(own.server.pid) == [own.access.url.removeprefix("ws://")]
    sockets = psutil.Process(own.server.pid).net_connections("udp")
    written = json.loads(Path(own.server.program.argv[-1]).read_text())
    assert {(one.laddr.ip, one.laddr.port) for one in sockets if one.laddr} == {
        ("127.0.0.1", written["rtc"]["udp_port"])
    }


async def test_what_it_keeps_is_private(own: Livekit, state: Path) -> None:
    kept = [path for path in (state / "livekit").iterdir() if path.name not in ("lock", "log")]
    assert {path.name for path in kept} == {"key", "secret", "port", "udp.port", "livekit.yaml"}
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert own.access.secret not in repr(own)
    assert own.access.secret not in " ".join(machine.command(own.server.pid))


async def test_it_comes_back_with_the_same_address_and_keys(state: Path, binary: Path) -> None:
    async with started(state, binary) as livekit:
        await livekit.server.stop()
        await livekit.server.start()
        await make_room(livekit.access, "after a stop")
        await livekit.server.kill()
        await livekit.server.start()
        await make_room(livekit.access, "after a kill")
        first = livekit.access
    async with running(state, binary) as again:
        assert again == first
        assert await rooms(again) == []


async def test_a_crash_of_its_valkey_is_no_crash_of_its_own(own: Livekit) -> None:
    await own.store.kill()
    await own.store.start()
    with_patience = 30
    while with_patience:
        try:
            await make_room(own.access, "anew")
            break
        except api.TwirpError:
            with_patience -= 1
    assert "anew" in await rooms(own.access)
    assert machine.is_alive(own.server.pid)


async def test_a_server_that_was_left_over_is_ended(state: Path, binary: Path) -> None:
    async with started(state, binary) as livekit:
        await livekit.server.stop()
        with livekit.server.log.open("ab") as log:
            left = subprocess.Popen(livekit.server.program.argv, stdout=log, stderr=log)
        while not await livekit.server.program.ready(left.pid):
            assert left.poll() is None
        await livekit.store.stop(signal.SIGKILL)
    again = await prepare(state, binary)
    assert left.wait(5) is not None
    assert again.access == livekit.access
