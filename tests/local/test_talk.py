"""The demo and `./studio talk`, through the public API of a real process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.common.settings import Settings
from local.client import StudioClient
from local.demo import seed
from local.emulator_service import EMULATOR_KEY
from local.private_files import free_port
from local.talk import TalkSession, iterate_lines
from local.terminal_output import JsonOutput, TerminalOutput
from persistence.admin import bootstrap
from tests.support.paths import ROOT
from tests.support.processes import until_answers
from tests.support.viewers import PASSWORD
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio
SAID = ["I need an appointment", "tomorrow at ten", "no thank you"]


@dataclass(slots=True)
class ApiProcess:
    settings: Settings
    port: int
    key: str
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def start_api(settings: Settings, port: int, **more: str) -> asyncio.subprocess.Process:
    given_to_it = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "API_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "graph.app", env={**os.environ, **given_to_it}, cwd=ROOT
    )
    await until_answers(f"http://127.0.0.1:{port}/health/ready")
    return process


@asynccontextmanager
async def studio(settings: Settings, place: Path) -> AsyncIterator[ApiProcess]:
    """An API process, a worker, and the demo."""
    await bootstrap(settings, "demo", "owner@demo.local", PASSWORD, place / "key")
    port = free_port()
    api = ApiProcess(settings, port, (place / "key").read_text(), await start_api(settings, port))
    try:
        async with running_worker(settings):
            await seed(StudioClient(api.url, api.key), {})
            yield api
    finally:
        api.process.terminate()
        await api.process.wait()


async def talk(url: str, key: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    async with asyncio.timeout(240):
        await TalkSession(StudioClient(url, key), JsonOutput()).run("clinic", iterate_lines(SAID))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def check(events: list[dict[str, object]]) -> None:
    """The whole conversation, each event once and in order."""
    durable = [e for e in events if e["__typename"] != "PartialTranscript"]
    assert [e["seq"] for e in durable] == list(range(1, len(durable) + 1))
    reported = [
        e["__typename"] for e in durable if e["__typename"] in ("HandedOff", "ToolFinished")
    ]
    assert reported == ["HandedOff", "ToolFinished"]
    assert [e["text"] for e in durable if e["__typename"] == "UserTurn"] == SAID
    assert {e["agent"] for e in durable if e["__typename"] == "AgentTurn"} == {
        "reception",
        "booking",
    }
    [tool] = [e for e in durable if e["__typename"] == "ToolFinished"]
    assert tool["result"] == "Booked: tomorrow at ten."
    last = durable[-1]
    assert (last["state"], last["reason"]) == ("COMPLETED", "WORKFLOW_FINISHED")


async def test_the_demo_answers_and_can_be_created_twice(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with studio(settings, tmp_path) as api:
        check(await talk(api.url, api.key, capsys))
        await seed(StudioClient(api.url, api.key), {})
        versions = await StudioClient(api.url, api.key).execute(
            '{ workflow(by: {slug: "clinic"}) { versions { edges { node { number } } } } }'
        )
        assert versions["workflow"]["versions"]["edges"] == [{"node": {"number": 1}}]
        for key, duration in ((EMULATOR_KEY, "PT0.8S"), ("real", "PT3S")):
            # An agent that a real provider hears waits longer than one with an emulator.
            await seed(StudioClient(api.url, api.key), {"DEEPGRAM_API_KEY": key})
            reception = await StudioClient(api.url, api.key).execute(
                '{ agent(by: {name: "reception"}) { session { maxEndpointingDelay } } }'
            )
            assert reception["agent"]["session"] == {"maxEndpointingDelay": duration}


async def run_talk(api: ApiProcess, *words: str) -> tuple[int | None, str, str]:
    access = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.key, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.talk", *words),
        env={**os.environ, **access},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_an_unknown_workflow_is_answered_with_the_published_ones(
    settings: Settings, tmp_path: Path
) -> None:
    async with studio(settings, tmp_path) as api:
        code, output, errors = await run_talk(api, "clinik", "--say", "hello")
    assert (code, output) == (1, "")
    assert errors == (
        "there is no published workflow clinik; the published ones are clinic; "
        "did you mean clinic?\n"
    )


async def test_a_terminal_shows_how_to_leave(settings: Settings, tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    async with studio(settings, tmp_path) as api:
        access = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.key, "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.talk"),
            env={**os.environ, **access},
            cwd=ROOT,
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        os.write(keyboard, b"/help\n/quit\n")
        async with asyncio.timeout(60):
            output = (await process.stdout.read()).decode()
            assert await process.wait() == 0
    os.close(keyboard)
    os.close(terminal)
    assert output.count("  · type what you say; Ctrl-D or /quit hangs up\n") == 2
    assert "/help" not in output
    assert "completed: hung up by user" in output


async def test_the_readme_shows_what_talk_prints(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _, shown = (
        (ROOT / "README.md").read_text().partition("$ ./studio talk")[2].partition("\n")
    )
    said = re.findall(r'--say "([^"]*)"', command)
    assert said
    async with studio(settings, tmp_path) as api:
        capsys.readouterr()
        screen = TerminalOutput(sys.stdout)
        await TalkSession(StudioClient(api.url, api.key), screen).run("clinic", iterate_lines(said))
    printed = capsys.readouterr().out
    assert _timeless(printed) == _timeless(shown.partition("```")[0])


def test_talk_prints_the_time_to_first_audio_of_a_voice_call() -> None:
    out = io.StringIO()
    latency = {"total": {"p50": "PT8.5S"}, "atEar": {"p50": "PT0.99S"}}
    TerminalOutput(out, voice=True).show_total({"cost": None, "latency": latency})
    assert out.getvalue() == "  · replies heard after 990 ms\n"


def _timeless(text: str) -> str:
    return re.sub(r"\d+(\.\d+)? (ms|s)\b", "0 s", text)


async def test_a_conversation_continues_across_a_crash_of_the_api(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with studio(settings, tmp_path) as api:

        async def kill_and_restart() -> None:
            for _ in range(2):
                await asyncio.sleep(0.6)
                api.process.kill()
                await api.process.wait()
                api.process = await start_api(settings, api.port)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(kill_and_restart())
            events = await talk(api.url, api.key, capsys)
        check(events)


def test_the_compose_file_conforms_to_the_compose_schema() -> None:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    subprocess.run(
        [f"{Path(sys.executable).parent}/{command[0]}", *command[1:]], check=True, cwd=ROOT
    )
