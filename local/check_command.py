"""`./studio test`: every check of the project in order, with a state of its own."""

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
VOICE_TESTS = ("pytest", "-m", "voice")
OTHER_TESTS = ("pytest", "-m", "not voice")


def run_checks(pytest_arguments: Sequence[str]) -> int:
    began = time.monotonic()
    for name, command in CHECKS.items():
        if code := _run(name, command):
            return code
    chosen = ("pytest", *pytest_arguments)
    code = _run("tests", chosen) if pytest_arguments else _run_all_tests()
    if not code:
        print(f"\nAll checks passed in {time.monotonic() - began:.1f} s")
    return code


def _run_all_tests() -> int:
    """Voice calls happen in real time and mostly wait: their tests run beside the others, and what
    they say is shown at the end."""
    with ExitStack() as stack:
        output = stack.enter_context(tempfile.TemporaryFile("w+"))
        voice = _start(VOICE_TESTS, stack, output)
        stack.callback(voice.kill)
        code = _run("tests, but for those of voice", OTHER_TESTS)
        print(f"── tests of voice: {' '.join(VOICE_TESTS)}", flush=True)
        voice_code = voice.wait()
        output.seek(0)
        print(output.read(), flush=True)
        return code or _report_failure("tests of voice", voice_code)


def _run(name: str, command: Sequence[str]) -> int:
    print(f"── {name}: {' '.join(command)}", flush=True)
    began = time.monotonic()
    with ExitStack() as stack:
        code = _report_failure(name, _start(command, stack).wait())
    if not code:
        print(f"   ok in {time.monotonic() - began:.1f} s", flush=True)
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
    # No key, server or port of the user's gets into the tests.
    settings = {field.name.upper() for field in fields(Settings)}
    environ = {name: value for name, value in os.environ.items() if name not in settings}
    return subprocess.Popen(
        (str(TOOLS / command[0]), *command[1:]),
        cwd=REPOSITORY,
        # One worker process is enough to test with.
        env={**environ, "STUDIO_STATE": state, "WORKER_PROCESSES": "1"},
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )
