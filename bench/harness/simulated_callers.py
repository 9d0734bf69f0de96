"""Simulated callers that use little CPU: one Go program (`callers`) sends pre-encoded audio for all
of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from local.emulators.speech import synthetic_speech
from local.process_spec import StartupError

SOURCE = Path(__file__).with_name("callers")
BUILD_TIMEOUT_SECONDS = 600
RATE, FRAME = 48_000, 960
UTTERANCE_INTERVAL_SECONDS, UTTERANCE_SECONDS = 7.0, 0.8

JoinParameters = tuple[str, str]
"""The URL of LiveKit, and the access token for a room."""


@dataclass(frozen=True, slots=True)
class SimulatedCallers:
    program: Path
    packets: Path

    @asynccontextmanager
    async def joined(self, rooms: Sequence[JoinParameters]) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(self.program, self.packets, stdin=PIPE)
        assert process.stdin is not None
        process.stdin.writelines(f"{url} {token}\n".encode() for url, token in rooms)
        try:
            yield
            if process.returncode is not None:
                raise RuntimeError("the program of the callers exited; see its output above")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def build_callers(folder: Path) -> SimulatedCallers:
    """Build the program, which takes a minute the first time."""
    go = shutil.which("go")
    if go is None:
        raise StartupError("this benchmark builds its callers with Go: put Go 1.26 on PATH")
    print("building the simulated callers …", file=sys.stderr)
    program, packets = folder / "bench-callers", folder / "packets"
    build = partial(subprocess.run, check=False, cwd=SOURCE, timeout=BUILD_TIMEOUT_SECONDS)
    command = (go, "build", "-trimpath", "-o", str(program), ".")
    result = await asyncio.to_thread(build, command, env={**os.environ, "CGO_ENABLED": "0"})
    if result.returncode != 0:
        raise StartupError("building the callers failed; see the output of Go above")
    await asyncio.to_thread(packets.write_text, "".join(f"{p.hex()}\n" for p in _packets()))
    return SimulatedCallers(program, packets)


def _packets() -> list[bytes]:
    """The packets of one caller, 20 ms each. Silence is sent too, as phones in noisy rooms do."""
    count = int(UTTERANCE_INTERVAL_SECONDS * RATE) // FRAME
    audio = synthetic_speech(UTTERANCE_SECONDS, RATE).ljust(2 * FRAME * count, b"\0")
    return _encoded(np.frombuffer(audio, dtype=np.int16))[:count]


def _encoded(samples: Any) -> list[bytes]:
    context: Any = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate = 32_000
    context.options = {"application": "voip", "frame_duration": "20"}
    context.open()
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = RATE
    return [bytes(packet) for each in (frame, None) for packet in context.encode(each)]
