"""A caller in a process of its own, from which a test can take the network. Run as a module, this is
that process."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.calls.model import Call
from domain.calls.rooms import RoomAccess
from domain.ports import Services
from domain.use_cases.calls import room_access
from local.emulators.voices import WordTones
from tests.support.heard_audio import AudibleWord, HeardAudio
from tests.support.network_loss import without_network
from tests.support.paths import ROOT
from tests.support.voice_clients import VoiceCaller

HEADER = np.dtype([("at", np.float64), ("track", np.int32), ("samples", np.int32)])
POLL_INTERVAL_SECONDS = 0.05


@dataclass(slots=True)
class CallerProcess:
    """The parent's side. The audio is in a file, so that it can be decoded at any time."""

    voice: WordTones
    audio: Path
    _process: asyncio.subprocess.Process = field(init=False)

    async def start(self, access: RoomAccess) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.caller_process"),
            *(access.url, access.token, access.room, str(self.audio)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        await self._answer("joined")

    async def speak(self, seconds: float = 1.0) -> None:
        """Send speech, then silence; returns once it is sent."""
        await self._command(f"speak {seconds}")
        await self._answer("spoken")

    async def leave(self) -> None:
        await self._command("leave")
        async with asyncio.timeout(60):
            await self._process.wait()

    def without_network(self) -> AbstractAsyncContextManager[None]:
        return without_network(self._process.pid)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def heard(self) -> HeardAudio:
        """What the caller has received so far."""
        heard = HeardAudio(self.voice)
        data = self.audio.read_bytes()
        position = 0
        while position + HEADER.itemsize <= len(data):
            [(at, track, count)] = np.frombuffer(data, HEADER, 1, position).tolist()
            position += HEADER.itemsize
            if position + 2 * count > len(data):
                break  # this frame is still being written
            heard.add(str(track), np.frombuffer(data, np.int16, count, position), at)
            position += 2 * count
        return heard

    async def wait_for_words(self, count: int, since: float = 0.0) -> list[AudibleWord]:
        """Wait until so many words have become audible after `since`."""
        async with asyncio.timeout(60):
            while len(words := self.heard().words(since)) < count:  # noqa: ASYNC110 - a file
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
        return words

    async def _command(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def _answer(self, expected: str) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            answer = (await self._process.stdout.readline()).decode().strip()
        assert answer == expected, answer


@asynccontextmanager
async def caller_process(
    services: Services, call: Call, voice: WordTones, folder: Path
) -> AsyncIterator[CallerProcess]:
    """A caller who has joined the call's room."""
    access = room_access(services, call)
    assert access is not None
    caller = CallerProcess(voice, folder / f"heard-{secrets.token_hex(4)}")
    try:
        await caller.start(access)
        yield caller
    finally:
        await caller.kill()


class _AudioFile:
    """Writes every frame with the time at which it arrived."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._tracks: list[str] = []

    def add(self, track: str, samples: NDArray[np.int16]) -> None:
        if track not in self._tracks:
            self._tracks.append(track)
        row = (time.monotonic(), self._tracks.index(track), len(samples))
        self._file.write(np.array([row], HEADER).tobytes() + samples.tobytes())


async def _run(url: str, token: str, room: str, path: str) -> None:
    loop = asyncio.get_running_loop()
    with FileIO(path, "a") as file:
        caller = VoiceCaller(heard=_AudioFile(file))
        await caller.enter(
            RoomAccess(url=url, token=token, room=room, expires_at=datetime.now(UTC))
        )
        print("joined", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            match line.split():
                case ["speak", seconds]:
                    await caller.speak(float(seconds))
                    print("spoken", flush=True)
                case ["leave"]:
                    break
        await caller.leave()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
