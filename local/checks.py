"""`./studio test`: every check of the project in order, with a state of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from domain.settings import Settings
from local.state import REPOSITORY

TOOLS = Path(sys.executable).parent
CHECKS: Mapping[str, tuple[str, ...]] = {
    "lint": ("ruff", "check", ".", "studio"),
    "format": ("ruff", "format", "--check", ".", "studio"),
    "types": ("mypy",),
    "imports": ("lint-imports",),
    "tests": ("pytest",),
}


def check(pytest_arguments: Sequence[str]) -> int:
    began = time.monotonic()
    settings = {field.name.upper() for field in fields(Settings)}
    with tempfile.TemporaryDirectory(prefix="studio-test-") as state:
        # No key, server or port of the user's gets into the tests.
        environ = {name: value for name, value in os.environ.items() if name not in settings}
        environ["STUDIO_STATE"] = state
        for name, command in CHECKS.items():
            arguments = pytest_arguments if command == ("pytest",) else ()
            print(f"── {name}: {' '.join((*command, *arguments))}", flush=True)
            started = time.monotonic()
            argv = (str(TOOLS / command[0]), *command[1:], *arguments)
            code = subprocess.run(argv, check=False, cwd=REPOSITORY, env=environ).returncode
            if code:
                print(f"\nFAILED: {name} (exit code {code})", flush=True)
                return code
            print(f"   ok in {time.monotonic() - started:.1f} s", flush=True)
    print(f"\nAll checks passed in {time.monotonic() - began:.1f} s")
    return 0
