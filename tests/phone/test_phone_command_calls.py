"""`./studio phone` in a whole installation: the demo is called, and calls, without a carrier."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.phone.sip_socket import HOST
from local.softphone_setup import PHONE_NUMBER, STUDIO_NUMBER
from local.wav import read_wav
from tests.support.installation import Installation, running_installation
from tests.support.paths import ROOT
from tests.support.processes import running_process
from tests.support.sip_servers import SipServer
from tests.voice.test_voice_talk import SAID, spoken, stretches

pytestmark = pytest.mark.anyio

CALLS = """{ calls(first: 10) { edges { node {
  kind direction fromNumber toNumber state endReason sipStatus
} } } }"""


@asynccontextmanager
async def installation(folder: Path, sip: SipServer) -> AsyncIterator[Installation]:
    async with running_installation(folder, 1, **sip.livekit.environment) as whole:
        yield whole


async def softphone(whole: Installation, sip: SipServer, *words: str) -> tuple[int, str]:
    """Run `./studio phone` to its end; return its exit code and what it shows."""
    host, port = sip.address
    environ = {
        **os.environ,
        "STUDIO_URL": whole.url,
        "STUDIO_TOKEN": whole.key,
        "SIP_ADDRESS": f"{host}:{port}",
        "PYTHONPATH": str(ROOT),
    }
    async with running_process(
        *(sys.executable, "-m", "local.phone_command", *words),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    ) as process:
        async with asyncio.timeout(240):
            shown, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, shown.decode()


async def only_call(whole: Installation) -> dict[str, Any]:
    """The only call, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            edges = (await whole.studio().execute(CALLS))["calls"]["edges"]
            if edges and edges[0]["node"]["endReason"]:
                break
            await asyncio.sleep(0.1)
    [edge] = edges
    return dict(edge["node"])


async def test_the_demo_is_called_by_a_telephone(tmp_path: Path, sip_emulator: SipServer) -> None:
    files = [spoken(text, tmp_path / f"{n}.wav") for n, text in enumerate(SAID)]
    out = tmp_path / "conversation.wav"
    turns = [word for file in files for word in ("--wav", str(file))]
    async with installation(tmp_path, sip_emulator) as whole:
        code, shown = await softphone(whole, sip_emulator, "dial", *turns, "--out", str(out))
        assert code == 0, shown
        call = await only_call(whole)
    assert f"calling {STUDIO_NUMBER}" in shown
    assert "answered after" in shown
    assert (call["kind"], call["direction"]) == ("SIP", "INBOUND")
    assert (call["fromNumber"], call["toNumber"]) == (PHONE_NUMBER, STUDIO_NUMBER)
    assert call["state"] == "COMPLETED"
    rate, mixed = read_wav(out)
    assert len(stretches(rate, mixed)) >= 4, "a greeting, three turns and the replies"


async def test_the_demo_calls_a_telephone(tmp_path: Path, sip_emulator: SipServer) -> None:
    [hello] = [spoken("no thank you", tmp_path / "0.wav")]
    async with installation(tmp_path, sip_emulator) as whole:
        code, shown = await softphone(
            whole, sip_emulator, "answer", "--call", "--wav", str(hello), "--ring", "0.2"
        )
        assert code == 0, shown
        call = await only_call(whole)
    assert f"waiting for calls at sip:{PHONE_NUMBER}@{HOST}:" in shown
    assert f"{STUDIO_NUMBER} is calling" in shown
    assert "answered" in shown
    assert (call["kind"], call["direction"]) == ("SIP", "OUTBOUND")
    assert (call["fromNumber"], call["toNumber"]) == (STUDIO_NUMBER, PHONE_NUMBER)
    assert call["state"] == "COMPLETED"


async def test_a_busy_telephone_is_reported(tmp_path: Path, sip_emulator: SipServer) -> None:
    async with installation(tmp_path, sip_emulator) as whole:
        code, shown = await softphone(whole, sip_emulator, "answer", "--call", "--status", "486")
        call = await only_call(whole)
        unknown = ("--workflow", "unknown", "--silent")
        again = await softphone(whole, sip_emulator, "answer", "--call", *unknown)
    assert (code, "not answered: SIP status 486" in shown) == (1, True)
    assert (call["endReason"], call["sipStatus"]) == ("BUSY", 486)
    assert again == (1, "there is no published workflow unknown\n")
