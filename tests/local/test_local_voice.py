"""Voice calls in `./studio up`: with the built-in LiveKit, with one of the user, and without."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local import livekit_binary, os_processes
from local.livekit import LivekitCredentials
from local.livekit_availability import LIVEKIT_VARIABLES, LivekitAvailability, check_livekit
from local.private_files import free_port
from local.services import Plan, all_services
from local.state_dir import REPOSITORY, StateDir

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
    decided = check_livekit(environ, enabled=wanted, echo=print)
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


@pytest.fixture
def listening_to_ctrl_c() -> Iterator[None]:
    """Processes that a shell starts in the background ignore SIGINT, as do their children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening_to_ctrl_c")
def test_ctrl_c_ends_a_build_and_starts_nothing(
    studio: Callable[..., Studio], bare: dict[str, str], tmp_path: Path
) -> None:
    go = tmp_path / "tools" / "go"
    go.write_text(
        f"#!/bin/sh\n[ $1 = version ] && echo go1.26.8 && exit\necho > {tmp_path}/begun\n"
        f"exec {shutil.which('sleep')} 60\n"
    )
    go.chmod(0o755)
    here = studio(**bare)
    command = (sys.executable, "-m", "local.cli", "up")
    with subprocess.Popen(
        command, env=here.environ, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as up:
        while not (tmp_path / "begun").exists():
            assert up.poll() is None
            time.sleep(0.02)
        compiler = os_processes.children(up.pid)
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 130
        assert up.stdout is not None
        assert up.stdout.read().startswith("building livekit-server ")
    assert len(compiler) == 1
    assert os_processes.wait_until_gone(compiler, 60)
    assert list((tmp_path / "cache" / "agent-studio" / "bin").glob(".build-*")) == []
    assert here.facts()["running"] is False
