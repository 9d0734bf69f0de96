"""A conversation by voice with the demo, without a key: `./studio talk --voice`, from files that
espeak-ng spoke, against a whole installation and a real LiveKit."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.livekit import Access
from local.sound import Samples, read_wav
from tests.installation import Installation, installed
from tests.test_talk import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SAID = ["I need an appointment", "tomorrow at ten", "no thank you"]


def espeak() -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("espeak-ng is needed in CI")
        pytest.skip("no espeak-ng on this machine: apt-get install espeak-ng")
    return program


def spoken(text: str, file: Path, voice: str = "en-us") -> Path:
    command = (espeak(), "-v", voice, "-w", str(file), "--stdin")
    subprocess.run(command, input=text.encode(), check=True)
    return file


@asynccontextmanager
async def talking(
    whole: Installation, *words: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`./studio talk` in a process of its own."""
    access = {"STUDIO_URL": whole.url, "STUDIO_TOKEN": whole.key, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.talk", *words),
        env={**os.environ, **access},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def kinds(events: list[dict[str, Any]], *wanted: str) -> list[dict[str, Any]]:
    return [event for event in events if event["__typename"] in wanted]


async def test_a_clinic_is_called_without_a_key(tmp_path: Path, livekit: Access) -> None:
    files = [spoken(text, tmp_path / f"{n}.wav") for n, text in enumerate(SAID)]
    out = tmp_path / "conversation.wav"
    turns = [word for file in files for word in ("--wav", str(file))]
    async with installed(tmp_path, 1, **livekit.environment, CLAIM_SECONDS="60") as whole:
        command = ("--voice", *turns, "--out", str(out), "--json")
        async with talking(whole, *command) as process:
            told, complaints = await process.communicate()
    events = [json.loads(line) for line in told.splitlines()]
    print(complaints.decode())
    for e in events: print(e)
    assert process.returncode == 0, complaints
