"""`./studio phone` in a whole installation: the demo is called, and calls, without a carrier."""

from __future__ import annotations

import asyncio
import os
import sys
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

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

CALLS = """{ calls(first: 10) { edges { node {
  kind direction fromNumber toNumber state endReason sipStatus
} } } }"""


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


async def last_call(whole: Installation, count: int) -> dict[str, Any]:
    """The last of this many calls, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            edges = (await whole.studio().execute(CALLS))["calls"]["edges"]
            if len(edges) == count and edges[0]["node"]["endReason"]:
                return dict(edges[0]["node"])
            await asyncio.sleep(0.1)


async def test_the_demo_is_called_by_a_telephone_and_calls_it(
    tmp_path: Path, sip_emulator: SipServer
) -> None:
    async with running_installation(tmp_path, 1, **sip_emulator.livekit.environment) as whole:
        await the_phone_calls(whole, sip_emulator, tmp_path)
        await the_phone_is_called(whole, sip_emulator, tmp_path)
        await the_phone_is_busy(whole, sip_emulator)
        unknown = ("--workflow", "unknown", "--silent")
        refused = await softphone(whole, sip_emulator, "answer", "--call", *unknown)
        assert refused == (1, "there is no published workflow unknown\n")


async def the_phone_calls(whole: Installation, sip: SipServer, folder: Path) -> None:
    files = [spoken(text, folder / f"{n}.wav") for n, text in enumerate(SAID)]
    out = folder / "conversation.wav"
    turns = [word for file in files for word in ("--wav", str(file))]
    code, shown = await softphone(whole, sip, "dial", *turns, "--out", str(out))
    assert code == 0, shown
    assert f"calling {STUDIO_NUMBER}" in shown
    assert "answered after" in shown
    call = await last_call(whole, 1)
    assert (call["kind"], call["direction"]) == ("SIP", "INBOUND")
    assert (call["fromNumber"], call["toNumber"]) == (PHONE_NUMBER, STUDIO_NUMBER)
    assert call["state"] == "COMPLETED"
    rate, mixed = read_wav(out)
    assert len(stretches(rate, mixed)) >= 4, "a greeting, three turns and the replies"


async def the_phone_is_called(whole: Installation, sip: SipServer, folder: Path) -> None:
    answer = spoken("no thank you", folder / "answer.wav")
    # Again if it was not understood: audio that is late sounds different.
    turns = ("--wav", str(answer)) * 5
    code, shown = await softphone(whole, sip, "answer", "--call", *turns, "--ring", "0.2")
    assert code == 0, shown
    assert f"waiting for calls at sip:{PHONE_NUMBER}@{HOST}:" in shown
    assert f"{STUDIO_NUMBER} is calling" in shown
    assert "answered" in shown
    call = await last_call(whole, 2)
    assert (call["kind"], call["direction"]) == ("SIP", "OUTBOUND")
    assert (call["fromNumber"], call["toNumber"]) == (STUDIO_NUMBER, PHONE_NUMBER)
    assert call["state"] == "COMPLETED"


async def the_phone_is_busy(whole: Installation, sip: SipServer) -> None:
    code, shown = await softphone(whole, sip, "answer", "--call", "--status", "486")
    assert (code, "not answered: SIP status 486" in shown) == (1, True)
    call = await last_call(whole, 3)
    assert (call["endReason"], call["sipStatus"]) == ("BUSY", 486)
