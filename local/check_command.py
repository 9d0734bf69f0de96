"""`./studio test`: run every check of the project in order, in a temporary state directory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import IO

from domain.common.settings import Settings
from local.state_dir import REPOSITORY

TOOLS = Path(sys.executable).parent
CHECKS: Mapping[str, tuple[str, ...]] = {
    "lint": ("ruff", "check", ".", "studio"),
    "format": ("ruff", "format", "--check", ".", "studio"),
    "types": ("mypy",),
    "imports": ("lint-imports",),
}
VOICE_NICENESS, OTHER_NICENESS = -10, 5
"""Calls in real time cannot wait for the processor, as other tests can. Only root may lower the niceness;
other users raise that of the other tests."""
# Most tests wait, for example for a process to start, so two cores suffice for five tests at once.
VOICE_TESTS = ("pytest", "-m", "voice", "-n", "2", "--dist", "worksteal")
OTHER_TESTS = ("pytest", "-m", "not voice", "-n", "3", "--dist", "worksteal")


def run_checks(pytest_arguments: Sequence[str]) -> int:
    started = time.monotonic()
    if pytest_arguments:
        code = _run_in_order({**CHECKS, "tests": ("pytest", *pytest_arguments)})
    else:
        code = _run_everything()
    if not code:
        print(f"\nAll checks passed in {time.monotonic() - started:.1f} s")
    return code


def _run_everything() -> int:
    """Run the voice tests concurrently with all other checks, because voice calls run in real time and
    mostly wait. Their output is printed at the end."""
    with ExitStack() as stack:
        output = stack.enter_context(tempfile.TemporaryFile("w+"))
        voice = _start(VOICE_TESTS, stack, output)
        stack.callback(voice.kill)
        _give_priority(voice.pid)
        if code := _run_in_order(CHECKS):
            return code
        code = _run("tests without voice", OTHER_TESTS)
        print(f"── voice tests: {' '.join(VOICE_TESTS)}", flush=True)
        voice_code = voice.wait()
        output.seek(0)
        print(output.read(), flush=True)
        return code or _report_failure("voice tests", voice_code)


def _run_in_order(checks: Mapping[str, Sequence[str]]) -> int:
    """Run the checks until one fails, and return its exit code."""
    return next((code for check in checks.items() if (code := _run(*check))), 0)


def _give_priority(pid: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, pid, VOICE_NICENESS)
    except PermissionError:
        os.nice(OTHER_NICENESS)


def _run(name: str, command: Sequence[str]) -> int:
    print(f"── {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    with ExitStack() as stack:
        code = _report_failure(name, _start(command, stack).wait())
    if not code:
        print(f"   ok in {time.monotonic() - started:.1f} s", flush=True)
    return code


def _report_failure(name: str, code: int) -> int:
    if code:
        print(f"\nFAILED: {name} (exit code {code})", flush=True)
    return code


def _start(
    command: Sequence[str],
    stack: ExitStack,
    output: IO[str] | None = None,
) -> subprocess.Popen[bytes]:
    state = stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-test-"))
    # The user's API keys, servers and ports must not affect the tests.
    settings = {field.name.upper() for field in fields(Settings)}
    environ = {name: value for name, value in os.environ.items() if name not in settings}
    return subprocess.Popen(
        (str(TOOLS / command[0]), *command[1:]),
        cwd=REPOSITORY,
        # Tests need only one worker process.
        env={**environ, "STUDIO_STATE": state, "WORKER_PROCESSES": "1"},
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )
