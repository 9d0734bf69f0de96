"""The command line: help, errors and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.state_dir import REPOSITORY


def studio(state: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "local.cli", *words),
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "STUDIO_STATE": str(state), **environ},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_help_shows_the_first_steps(tmp_path: Path) -> None:
    shown = studio(tmp_path, "--help")
    assert shown.returncode == 0
    served = ("up", "down", "status", "logs", "reset", "talk")
    for command in (*served, "verify", "export", "import", "test", "bench"):
        assert f"\n    {command} " in shown.stdout
    assert "./studio talk            have a conversation" in shown.stdout


@pytest.mark.parametrize("command", ["test", "bench", "talk", "up"])
def test_every_command_explains_itself_and_starts_nothing(tmp_path: Path, command: str) -> None:
    shown = studio(tmp_path, command, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"usage: ./studio {command}")


def test_an_invalid_setting_is_named(tmp_path: Path) -> None:
    refused = studio(tmp_path, "up", API_PORT="eight")
    assert (refused.returncode, refused.stderr) == (1, "API_PORT must be a number, not 'eight'\n")


def test_talk_needs_a_running_studio(tmp_path: Path) -> None:
    refused = studio(tmp_path, "talk", STUDIO_URL="")
    assert refused.returncode == 1
    assert refused.stderr == "not running; start it with ./studio up, or set STUDIO_URL\n"


def test_an_unknown_benchmark_is_refused_and_the_existing_ones_are_listed(tmp_path: Path) -> None:
    refused = studio(tmp_path, "bench", "luck")
    assert refused.returncode == 2
    assert refused.stderr.startswith("no benchmark named luck; available: ")
    names = [path.stem for path in sorted((REPOSITORY / "bench").glob("[a-z]*.py"))]
    listed = studio(tmp_path, "bench").stdout.splitlines()
    assert [line.split()[0] for line in listed] == names


def test_status_without_a_running_studio_exits_with_an_error(tmp_path: Path) -> None:
    status = studio(tmp_path, "status", "--json")
    assert (status.returncode, status.stdout) == (
        1,
        '{\n  "running": false,\n  "processes": []\n}\n',
    )
