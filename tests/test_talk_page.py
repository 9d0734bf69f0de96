"""The page /talk: what is served, and that a person can hold a call on it, in a real browser."""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path
from typing import Any

import pytest

from domain.access import Viewer
from domain.settings import Settings
from graph.app import with_loaders
from graph.connections import Patience
from graph.talk import talk_routes
from local.livekit import Access
from tests.emulators.speech import syllables
from tests.serving import key_of, serving
from tests.voices import voice_clinic
from dataclasses import replace

RATE = 48_000


def microphone(path: Path, *starts: float) -> Path:
    """Hears a second of speech at each of these seconds, and then silence."""
    pcm = bytearray(2 * RATE * int(starts[-1] + 60))
    for start in starts:
        sound = syllables(1.0, RATE)
        at = 2 * int(start * RATE)
        pcm[at : at + len(sound)] = sound
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return path


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_page(settings: Settings, viewer: Viewer, livekit: Access, tmp_path: Path) -> None:
    import os
    async with voice_clinic(settings, viewer, livekit) as (services, heard, voiced):
        heard.words = ["I need an appointment", "tomorrow at ten", "thank you"]
        key = await key_of(voiced, viewer)
        more = talk_routes(replace(voiced, local_token=key))
        async with serving(services, voiced, viewer, with_loaders, Patience(), more) as api:
            wav = microphone(tmp_path / "mic.wav", 4.0, 8.0)
            p = await asyncio.create_subprocess_exec(
                "node", "/work/wt/page/tests/browser/talk.mjs", f"{api.url}/talk",
                livekit.url.split("//")[1], str(wav), *os.environ.get("PICS", "").split(),
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await p.communicate()
            print(json.dumps(json.loads(out), indent=1))
            print(heard)
