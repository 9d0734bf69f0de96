"""`./studio up` with the real services: crashes of the database and of a worker, `status`, `down`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import os_processes
from local.private_files import free_port
from local.state_dir import READY_FILE, REPOSITORY, StateDir


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    mine = {"STUDIO_STATE": str(tmp_path / "a state"), "API_PORT": str(free_port())}
    yield {**os.environ, **mine}
    if record := StateDir(Path(mine["STUDIO_STATE"])).running_record():
        os_processes.terminate(record.pid, signal.SIGTERM, 30)


def studio(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "local.cli", *words)
    return subprocess.run(
        command, check=False, env=environ, cwd=REPOSITORY, capture_output=True, text=True
    )


def processes(environ: dict[str, str]) -> dict[str, dict[str, Any]]:
    facts = json.loads(studio(environ, "status", "--json").stdout)
    return {one["name"]: one for one in facts["processes"]}


@pytest.mark.timeout(300)
def test_everything_starts_survives_crashes_and_stops(environ: dict[str, str]) -> None:
    up = studio(environ, "up", "--detach", "--no-voice")
    assert up.returncode == 0, up.stdout + up.stderr
    state = environ["STUDIO_STATE"]
    url, token = f"http://127.0.0.1:{environ['API_PORT']}", _token(environ)
    assert f"{url}/graphql" in up.stdout
    assert token in up.stdout
    link = studio(environ, "admin", "password-link", "--email", "owner@demo.local").stdout
    assert f" {url}/studio/account/#reset=" in link

    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        answer = client.post("/graphql", json={"query": "{ __typename }"}).json()
        assert answer["data"] == {"__typename": "Query"}
        before = processes(environ)
        os.kill(before["postgres"]["pid"], signal.SIGKILL)
        until = time.monotonic() + 60
        while not (
            (after := processes(environ))["postgres"]["restarts"] == 1
            and after["postgres"]["state"] == "ready"
            and client.get("/health/ready").status_code == 200
        ):
            assert time.monotonic() < until, studio(environ, "logs").stdout
    assert {name: one["restarts"] for name, one in after.items()} == {
        **dict.fromkeys(before, 0),
        "postgres": 1,
    }

    holding = os_processes.children(after["worker"]["pid"])
    os.kill(after["worker"]["pid"], signal.SIGKILL)
    until = time.monotonic() + 90
    while (after := processes(environ))["worker"]["restarts"] == 0:
        assert time.monotonic() < until
    # Processes that hold calls continue until others can take the calls over.
    assert [pid for pid in holding if os_processes.is_alive(pid)]
    while (after := processes(environ))["worker"]["state"] != "ready":
        assert time.monotonic() < until, studio(environ, "logs").stdout
    assert os_processes.wait_until_gone(holding, 60)

    assert "\nstopped in " in studio(environ, "down").stdout
    assert [
        file for file in os_processes.find_by_variable(READY_FILE).values() if state in file
    ] == []
    alive = [
        name for name, one in after.items() if one["pid"] and os_processes.is_alive(one["pid"])
    ]
    assert alive == []
    said = studio(environ, "logs", "studio", "-n", "1000").stdout
    assert "postgres was terminated by SIGKILL; restarting it in 0.2 s\n" in said
    assert "postgres is ready again\n" in said
    assert "did not stop" not in said
    assert "Traceback" not in said


def _token(environ: dict[str, str]) -> str:
    return StateDir(Path(environ["STUDIO_STATE"])).token.read_text().strip()
