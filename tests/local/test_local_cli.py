"""The command line: help, errors and exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local import os_processes
from local.state_dir import REPOSITORY, StateDir, SupervisorRecord


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


EXPLAINED = {
    "up": "--emulators",
    "down": "stop everything",
    "status": "--json",
    "logs": "--follow",
    "reset": "--yes",
    "backup": "folder",
    "restore": "folder",
    "admin": "verify-deletion",
    "talk": "--wav FILE",
    "phone": "up --phone",
    "doctor": "--networks TRUNK=FILE",
    "verify": "--json",
    "export": "--output FILE",
    "import": "--dry-run",
    "simulate": "--junit FILE",
    "demo": "serve the HTTP API",
    "test": "an argument of pytest",
    "bench": "NAME",
}


@pytest.mark.parametrize("command", EXPLAINED)
def test_every_command_explains_itself_and_starts_nothing(tmp_path: Path, command: str) -> None:
    shown = studio(tmp_path, command, "--help", STUDIO_URL="")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"usage: ./studio {command}")
    assert EXPLAINED[command] in shown.stdout


def test_no_command_is_left_unexplained(tmp_path: Path) -> None:
    listed = studio(tmp_path, "--help").stdout.partition("\n  command\n")[2].partition("\n\n")[0]
    assert re.findall(r"^    (\w+)", listed, re.MULTILINE) == [
        *("up", "down", "status", "logs", "reset", "backup", "restore", "admin"),
        *(
            "talk",
            "phone",
            "doctor",
            "verify",
            "export",
            "import",
            "simulate",
            "demo",
            "test",
            "bench",
        ),
    ]
    assert {*re.findall(r"^    (\w+)", listed, re.MULTILINE)} == {*EXPLAINED}


@pytest.mark.parametrize(
    ("words", "usage", "meant"),
    [
        (("upp",), "./studio", "up"),
        (("up", "--detatch"), "./studio up", "--detach"),
        (("status", "--jsom"), "./studio status", "--json"),
        (("verify", "--jsom", "x"), "./studio verify", "--json"),
        (("talk", "--voise"), "./studio talk", "--voice"),
        (("phone", "dail"), "./studio phone", "dial"),
        (("phone", "answer", "--prot", "1"), "./studio phone answer", "--port"),
        (("doctor", "--jsno"), "./studio doctor", "--json"),
        (("simulate", "--junti=x", "y"), "./studio simulate", "--junit"),
    ],
)
def test_a_mistyped_argument_is_refused_with_a_suggestion(
    tmp_path: Path, words: tuple[str, ...], usage: str, meant: str
) -> None:
    refused = studio(tmp_path, *words, STUDIO_URL="http://127.0.0.1:9", STUDIO_TOKEN="t")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"usage: {usage} ")
    assert refused.stderr.endswith(f"; did you mean {meant}?\n")


def test_an_unknown_option_without_a_similar_one_gets_no_suggestion(tmp_path: Path) -> None:
    refused = studio(tmp_path, "up", "--zzz")
    assert refused.stderr.endswith("./studio up: error: unrecognized arguments: --zzz\n")


def test_a_state_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Root may write everywhere, but not into a file."""
    (tmp_path / "logs").write_text("in the way")
    refused = studio(tmp_path, "up", "--no-voice")
    assert refused.returncode == 1
    assert refused.stderr == f"cannot create the directory {tmp_path / 'logs'}: File exists\n"
    (tmp_path / "logs").unlink()
    (tmp_path / "lock").mkdir()
    refused = studio(tmp_path, "up", "--no-voice")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"{tmp_path / 'lock'}: Is a directory\n"


def test_an_invalid_setting_is_named(tmp_path: Path) -> None:
    refused = studio(tmp_path, "up", API_PORT="eight")
    assert (refused.returncode, refused.stderr) == (1, "API_PORT must be a number, not 'eight'\n")


def test_talk_needs_a_running_studio(tmp_path: Path) -> None:
    refused = studio(tmp_path, "talk", STUDIO_URL="")
    assert refused.returncode == 1
    assert refused.stderr == "not running; start it with ./studio up, or set STUDIO_URL\n"


def test_talk_by_voice_says_first_that_voice_calls_are_off(tmp_path: Path) -> None:
    state = StateDir.from_env({"STUDIO_STATE": str(tmp_path)})
    pid, voice = os.getpid(), "off, because of --no-voice"
    state.write_record(
        SupervisorRecord(pid, os_processes.start_time(pid), "http://127.0.0.1:1", True, (), voice)
    )
    refused = studio(tmp_path, "talk", "--voice", STUDIO_URL="")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "voice calls are off, because of --no-voice\n"


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
