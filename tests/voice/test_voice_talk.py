"""`./studio talk --voice` without a key: WAV files from espeak-ng, a whole installation and a real
LiveKit."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import wave
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.calls.events import CallEnded, ErrorRaised
from domain.calls.model import CallKind, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import CallRequest, start_call
from domain.workflows.agents import ProviderChoice
from local.livekit import LivekitCredentials
from local.talk import CALL_EVENTS, main
from local.wav import Samples, read_wav
from persistence.wiring import api_services
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.support.installation import Installation, running_installation
from tests.support.paths import ROOT
from tests.support.processes import running_process
from tests.worker.test_text_calls import running_worker, watch

pytestmark = pytest.mark.anyio

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


def talking(
    whole: Installation, *words: str
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """`./studio talk` in a process of its own."""
    access = {"STUDIO_URL": whole.url, "STUDIO_TOKEN": whole.key, "PYTHONPATH": str(ROOT)}
    return running_process(
        *(sys.executable, "-m", "local.talk", *words),
        env={**os.environ, **access},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def kinds(events: list[dict[str, Any]], *wanted: str) -> list[dict[str, Any]]:
    return [event for event in events if event["__typename"] in wanted]


async def test_the_demo_is_called_without_a_key(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    files = [spoken(text, tmp_path / f"{n}.wav") for n, text in enumerate(SAID)]
    out = tmp_path / "conversation.wav"
    turns = [word for file in files for word in ("--wav", str(file))]
    async with running_installation(tmp_path, 1, **livekit.environment) as whole:
        command = ("--voice", *turns, "--out", str(out), "--json")
        async with talking(whole, *command) as process:
            reported, complaints = await process.communicate()
    events = [json.loads(line) for line in reported.splitlines()]
    assert (process.returncode, complaints) == (0, b"")
    # On a busy machine PocketSphinx can hear another word in the gap after the last one.
    heard = [event["text"].split()[:2] for event in kinds(events, "UserTurn")]
    assert heard == [said.split()[:2] for said in SAID]
    moves = [(e["fromNode"], e["toNode"]) for e in kinds(events, "HandedOff")]
    assert moves == [("reception", "booking")]
    [tool] = kinds(events, "ToolFinished")
    assert (tool["outcome"], tool["result"]) == ("SUCCEEDED", "Booked: tomorrow at ten.")
    last = events[-1]
    assert (last["state"], last["reason"]) == ("COMPLETED", "WORKFLOW_FINISHED")
    for measured in kinds(events, "TurnMeasured"):
        print(f"heard after {measured['atEar']}, voice {measured['ttsFirstByte']}")
    check_sides(out, [read_wav(file) for file in files])


def check_sides(out: Path, turns: list[tuple[int, Samples]]) -> None:
    """Agent and caller take turns on one timeline; the caller's side matches the files."""
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        rate, raw = file.getframerate(), file.readframes(file.getnframes())
    caller, agent = np.frombuffer(raw, np.int16).reshape(-1, 2).T
    ours, theirs = stretches(rate, caller), stretches(rate, agent)
    assert len(ours) == len(turns)
    for (begin, end), (file_rate, samples) in zip(ours, turns, strict=True):
        [(first, last)] = stretches(file_rate, samples)
        assert abs((end - begin) - (last - first)) < 0.15
        assert not any(a < end and begin < b for a, b in theirs), "they talked over each other"
    greeted, goodbye = theirs[0], theirs[-1]
    assert greeted[1] < ours[0][0]
    assert ours[-1][1] < goodbye[0]
    # Between two turns of the caller there is a reply.
    for (_, end), (begin, _) in pairwise(ours):
        assert any(end < a and b < begin for a, b in theirs)


def stretches(rate: int, samples: Samples, pause: float = 0.4) -> list[tuple[float, float]]:
    """The times of speech, in seconds; pauses within a sentence are ignored."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 600) / rate
    breaks = np.flatnonzero(np.diff(loud) > pause)
    begins = loud[np.concatenate(([0], breaks + 1))]
    ends = loud[np.concatenate((breaks, [len(loud) - 1]))]
    return [(float(a), float(b)) for a, b in zip(begins, ends, strict=True)]


async def test_ctrl_c_hangs_up(tmp_path: Path, livekit: LivekitCredentials) -> None:
    # Long enough not to end before Ctrl-C, however slow the machine.
    files = [spoken(SAID[0], tmp_path / f"{n}.wav") for n in range(20)]
    out = tmp_path / "conversation.wav"
    async with running_installation(tmp_path, 1, **livekit.environment) as whole:
        words = [word for file in files for word in ("--wav", str(file))]
        command = ("--voice", *words, "--out", str(out), "--json")
        async with talking(whole, *command) as process:
            assert process.stdout is not None
            events: list[dict[str, Any]] = []
            while not kinds(events, "AgentTurn"):
                line = await process.stdout.readline()
                assert line, (events, await process.communicate())
                events.append(json.loads(line))
            process.send_signal(signal.SIGINT)
            rest, complaints = await process.communicate()
            assert (process.returncode, complaints) == (130, b""), rest
        found = await whole.studio().execute("{ calls(first: 1) { edges { node { id } } } }")
        [edge] = found["calls"]["edges"]
        async with asyncio.timeout(60):
            ended = [
                e async for e in whole.studio().follow(CALL_EVENTS, {"callId": edge["node"]["id"]})
            ]
    assert (ended[-1]["state"], ended[-1]["reason"]) == ("COMPLETED", "HUNG_UP_BY_USER")
    with wave.open(str(out)) as kept:
        assert kept.getnframes() > 0


MISSING = "The text-to-speech provider local needs espeak-ng. Install it (apt-get install espeak-ng"


async def test_a_worker_without_espeak_ng_says_what_to_install(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    local = ProviderChoice(provider="local", model="espeak-ng")
    stt = ProviderChoice(provider="deepgram", model="nova-3")
    bare = replace(
        settings,
        livekit_url=livekit.url,
        livekit_api_key=livekit.key,
        livekit_api_secret=livekit.secret,
        espeak_ng="nowhere/espeak-ng",
        deepgram_api_key="never-used",
    )
    agents = tuple(replace(agent, stt=stt, tts=local) for agent in (RECEPTION, BOOKING))
    async with api_services(bare) as services, running_worker(bare):
        await publish_clinic(services, viewer, agents)
        request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
        call = await start_call(services, viewer, request)
        seen = await watch(services, viewer, call.id, CallEnded)
    [raised] = [event for event in seen if isinstance(event, ErrorRaised)]
    assert (raised.source, raised.recoverable) == ("config", False)
    assert raised.message.startswith(MISSING)
    assert isinstance(seen[-1], CallEnded)
    assert seen[-1].reason is EndReason.PROVIDER_FAILED


def test_invalid_audio_files_are_refused_before_a_call_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("STUDIO_TOKEN", "none")
    nowhere = tmp_path / "nowhere.wav"
    assert main(["--voice", "--wav", str(nowhere)]) == 2
    assert capsys.readouterr().err == f"{nowhere}: No such file or directory\n"
    for words in (["--wav", str(nowhere)], ["--voice", "--say", "hello"]):
        with pytest.raises(SystemExit) as refused:
            main(words)
        assert refused.value.code == 2
        assert "--voice" in capsys.readouterr().err
