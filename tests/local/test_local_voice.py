"""Voice calls in `./studio up`: with the built-in LiveKit, with one of the user, and without."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local import livekit_binary, os_processes
from local.emulators.speech import synthetic_speech
from local.livekit import LivekitCredentials
from local.livekit_availability import LIVEKIT_VARIABLES, LivekitAvailability, check_livekit
from local.private_files import free_port
from local.services import Plan, all_services
from local.state_dir import REPOSITORY, StateDir
from local.voice_status import PREPARING

ABSENT = (
    "off; livekit-server was not found: put it on PATH (https://github.com/livekit/livekit),"
    " install Go 1.26 or newer to have it built, or set LIVEKIT_SERVER_BIN or LIVEKIT_URL"
)
OURS = ("postgres", "valkey", "migrate", "worker", "admin", "api", "keeper", "demo")


@dataclass(frozen=True)
class Studio:
    environ: dict[str, str]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "local.cli", *words)
        return subprocess.run(
            command, check=False, env=self.environ, cwd=REPOSITORY, capture_output=True, text=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environ['API_PORT']}"

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return facts

    def processes(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.facts()["processes"]}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    opened = []

    def made(**environ: str) -> Studio:
        given = {name: value for name, value in os.environ.items() if name not in LIVEKIT_VARIABLES}
        mine = {"STUDIO_STATE": str(tmp_path / "a state"), "API_PORT": str(free_port())}
        opened.append(StateDir(Path(mine["STUDIO_STATE"])))
        return Studio({**given, **mine, **environ})

    yield made
    for state in opened:
        if record := state.running_record():
            os_processes.terminate(record.pid, signal.SIGTERM, 30)


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without livekit-server and Go."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "true", "setpriv", "unshare", "id", "locale"):
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    return {"PATH": str(tools), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_the_built_in_livekit_starts_restarts_and_stops_with_the_rest(
    livekit: LivekitCredentials, studio: Callable[..., Studio]
) -> None:
    here = studio(LIVEKIT_SERVER_BIN=str(livekit_binary.find_or_build(os.environ, print)))
    up = here("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "  Voice     voice calls: ready\n" in up.stdout
    assert "\nvoice calls: ready\n" in here("status").stdout

    before = here.processes()
    assert {*before} == {*OURS, "livekit", "livekit-db"}
    reported = {name: psutil.Process(before[name]["pid"]).environ() for name in ("api", "worker")}
    access = {name: reported["worker"][name] for name in LIVEKIT_VARIABLES}
    assert {name: reported["api"][name] for name in LIVEKIT_VARIABLES} == access
    assert os_processes.listening_addresses(before["livekit"]["pid"]) == [access["LIVEKIT_URL"][5:]]

    os.kill(before["livekit"]["pid"], signal.SIGKILL)
    until = time.monotonic() + 60
    while (after := here.processes())["livekit"]["restarts"] != 1 or after["livekit"][
        "state"
    ] != "ready":
        assert time.monotonic() < until, here("logs").stdout
    assert os_processes.listening_addresses(after["livekit"]["pid"]) == [access["LIVEKIT_URL"][5:]]
    assert "starting LiveKit server" in here("logs", "livekit").stdout

    assert "\nstopped in " in here("down").stdout
    assert not [
        name for name, one in after.items() if one["pid"] and os_processes.is_alive(one["pid"])
    ]
    said = here("logs", "studio", "-n", "1000").stdout
    assert "livekit was terminated by SIGKILL; restarting it in 0.2 s\n" in said
    assert "livekit is ready again\n" in said
    assert "did not stop" not in said


def test_without_livekit_one_line_says_so_and_text_calls_work(
    studio: Callable[..., Studio], bare: dict[str, str]
) -> None:
    here = studio(**bare)
    up = here("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert [line for line in up.stdout.splitlines() if "livekit-server" in line] == [
        f"  Voice     voice calls: {ABSENT}"
    ]
    facts = here.facts()
    assert facts["voice"] == ABSENT
    assert {one["name"] for one in facts["processes"]} == {*OURS}
    assert httpx.get(f"{here.url}/health/ready", timeout=60).status_code == 200
    assert "\nstopped in " in here("down").stdout


def test_a_configured_livekit_that_does_not_run_is_refused(
    studio: Callable[..., Studio],
) -> None:
    refused = studio(LIVEKIT_SERVER_BIN="/nowhere/livekit-server")("up")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "LIVEKIT_SERVER_BIN: /nowhere/livekit-server does not run as a livekit-server\n"
    )


def test_a_livekit_of_the_user_needs_its_key(studio: Callable[..., Studio]) -> None:
    refused = studio(LIVEKIT_URL="wss://lk.example", LIVEKIT_API_KEY="k")("up")
    assert refused.stderr == "LIVEKIT_URL needs LIVEKIT_API_SECRET\n"
    assert refused.returncode == 1


def reported(
    tmp_path: Path, environ: dict[str, str], *, wanted: bool
) -> tuple[str, dict[str, str]]:
    """The description of voice calls, and the LiveKit variables of every process."""
    urls = {"DATABASE_URL": "unused", "REDIS_URL": "unused"}
    decided = check_livekit(environ, enabled=wanted)
    state = StateDir.from_env({"STUDIO_STATE": str(tmp_path)})
    plan = Plan(state=state, environ=urls | environ, host="::1", port=1, voice=decided)
    found = {
        tuple((name, one.spec.env[name]) for name in LIVEKIT_VARIABLES if name in one.spec.env)
        for one in all_services(plan)
    }
    assert len(found) == 1
    return decided.description, dict(found.pop())


def test_a_livekit_of_the_user_replaces_the_built_in_one(tmp_path: Path) -> None:
    theirs = LivekitCredentials("wss://lk.example", "k", "s").environment
    assert reported(tmp_path, {**theirs}, wanted=True) == ("through wss://lk.example", theirs)


def test_no_voice_neither_builds_nor_configures_livekit(tmp_path: Path) -> None:
    theirs = LivekitCredentials("wss://lk.example", "k", "s").environment
    for environ in ({**theirs}, {"LIVEKIT_SERVER_BIN": "/nowhere"}):
        assert reported(tmp_path, environ, wanted=False) == ("off, because of --no-voice", {})


def test_worker_and_keeper_do_not_share_a_health_port(tmp_path: Path) -> None:
    given = {"HEALTH_PORT": "8001", "DATABASE_URL": "unused", "REDIS_URL": "unused"}
    plan = Plan(
        StateDir.from_env({"STUDIO_STATE": str(tmp_path)}),
        given,
        "::1",
        1,
        LivekitAvailability("off"),
    )
    assert not [one.spec.name for one in all_services(plan) if "HEALTH_PORT" in one.spec.env]


def test_no_voice_is_an_option_of_up(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "STUDIO_STATE": str(tmp_path / "a state"),
        "API_PORT": str(free_port()),
        "TOYS": "store=",
        "LIVEKIT_SERVER_BIN": "/nowhere",
    }
    words = (sys.executable, "-m", "tests.support.local_toys", "up", "--no-voice", "--detach")
    up = subprocess.run(
        words, check=False, env=environ, cwd=REPOSITORY, capture_output=True, text=True
    )
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert "voice calls: off, because of --no-voice\n" in up.stdout
    finally:
        if record := StateDir(Path(environ["STUDIO_STATE"])).running_record():
            os_processes.terminate(record.pid, signal.SIGTERM, 30)


@pytest.mark.parametrize(("ci", "code", "counted"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_a_test_that_needs_livekit_is_skipped_locally_and_fails_in_ci(
    bare: dict[str, str], ci: str, code: int, counted: str
) -> None:
    name = "test_it_serves_only_clients_that_have_the_key"
    command = (sys.executable, "-m", "pytest", f"tests/local/test_local_livekit.py::{name}")
    given = {name: value for name, value in os.environ.items() if name != "LIVEKIT_SERVER_BIN"}
    ran = subprocess.run(
        command,
        check=False,
        env={**given, **bare, "CI": ci},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stdout
    assert counted in ran.stdout
    assert f"VOICE CALLS ARE NOT TESTED: {ABSENT.removeprefix('off; ')}\n" in ran.stderr


@dataclass(frozen=True)
class Build:
    """Replaces Go; its build takes until the test lets it end."""

    folder: Path

    def install(self, tools: Path, server: Path | None) -> None:
        then = f'cp "{server}" "$GOBIN/server"' if server else "echo no such host >&2; exit 1"
        shell = (
            *("#!/bin/sh", "[ $1 = version ] && echo go1.26.8 && exit", f"echo > {self.begun}"),
            *(f"while [ ! -e {self.may_end} ]; do sleep 0.05; done", then, ""),
        )
        (tools / "go").write_text("\n".join(shell))
        (tools / "go").chmod(0o755)
        for tool in ("cp", "sleep"):
            (tools / tool).symlink_to(shutil.which(tool) or "")

    @property
    def begun(self) -> Path:
        return self.folder / "begun"

    @property
    def may_end(self) -> Path:
        return self.folder / "may-end"

    def left(self) -> list[Path]:
        return list((self.folder / "cache" / "agent-studio" / "bin").glob(".build-*"))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def until_voice_is(here: Studio, description: str) -> None:
    until = time.monotonic() + 60
    while not here.facts()["voice"].startswith(description):
        assert time.monotonic() < until, here("logs").stdout
        time.sleep(0.1)


def talk_by_voice(here: Studio, wav: Path) -> tuple[int, str, list[dict[str, Any]]]:
    talked = here("talk", "--voice", "--wav", str(wav), "--json")
    return talked.returncode, talked.stderr, list(map(json.loads, talked.stdout.splitlines()))


def speech(file: Path) -> Path:
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(24_000)
        opened.writeframes(synthetic_speech(1.0, 24_000))
    return file


@pytest.mark.usefixtures("livekit")
def test_text_is_served_while_livekit_is_built_and_voice_follows_without_a_restart(
    studio: Callable[..., Studio], bare: dict[str, str], build: Build, tmp_path: Path
) -> None:
    build.install(tmp_path / "tools", livekit_binary.find_or_build(os.environ, print))
    here, wav = studio(**bare), speech(tmp_path / "caller.wav")
    up = here("up", "--detach", "--emulators")
    assert up.returncode == 0, up.stdout + up.stderr
    assert (
        f"  Voice     voice calls: {PREPARING}; with EMULATORS, not the real Deepgram" in up.stdout
    )
    assert not build.may_end.exists()
    said = here("talk", "--say", "hello").stdout
    assert "\nreception  " in said
    refused = talk_by_voice(here, wav)
    assert refused == (1, f"Voice calls are {PREPARING}.\n", [])
    config = httpx.get(f"{here.url}/talk/config.json", timeout=60).json()
    assert config["voiceNotice"] == f"Voice calls are {PREPARING}."
    before = here.processes()
    states = {name: before[name]["state"] for name in ("livekit-build", "livekit")}
    assert states == {"livekit-build": "starting", "livekit": "waiting"}

    build.may_end.touch()
    until_voice_is(here, "ready; with EMULATORS")
    code, complaints, events = talk_by_voice(here, wav)
    assert (code, complaints) == (0, "")
    assert "AgentTurn" in {event["__typename"] for event in events}
    assert httpx.get(f"{here.url}/talk/config.json", timeout=60).json()["voiceNotice"] == ""
    after = here.processes()
    for name in ("api", "worker", "keeper"):
        assert (after[name]["pid"], after[name]["restarts"]) == (before[name]["pid"], 0)
    assert "\nstopped in " in here("down").stdout
    said = here("logs", "studio", "-n", "1000").stdout
    assert "livekit-build | building livekit-server " in said
    assert "\nvoice calls: ready; with EMULATORS" in said
    assert "did not stop" not in said


def test_a_build_that_fails_leaves_text_calls_and_says_where_the_reason_is(
    studio: Callable[..., Studio], bare: dict[str, str], build: Build, tmp_path: Path
) -> None:
    build.install(tmp_path / "tools", server=None)
    here = studio(**bare)
    up = here("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    build.may_end.touch()
    off = (
        "off: livekit-build failed; `./studio logs livekit-build` shows why,"
        " and the next `./studio up` tries again"
    )
    until_voice_is(here, off)
    assert "livekit-build failed: livekit-build exited with code 1\n" in here("status").stdout
    assert "could not be built: no such host" in here("logs", "livekit-build").stdout
    config = httpx.get(f"{here.url}/talk/config.json", timeout=60).json()
    assert config["voiceNotice"] == f"Voice calls are {off}."
    assert "\nstopped in " in here("down").stdout


def test_stopping_ends_a_build(
    studio: Callable[..., Studio], bare: dict[str, str], build: Build, tmp_path: Path
) -> None:
    build.install(tmp_path / "tools", server=None)
    here = studio(**bare)
    assert here("up", "--detach").returncode == 0
    until = time.monotonic() + 60
    while not build.begun.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    compilers = os_processes.children(here.processes()["livekit-build"]["pid"])
    assert compilers
    assert "\nstopped in " in here("down").stdout
    assert os_processes.wait_until_gone(compilers, 60)
    assert build.left() == []
    assert "did not stop" not in here("logs", "studio", "-n", "1000").stdout
