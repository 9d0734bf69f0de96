"""`./studio test`: every check of the project in order, with a state of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    with tempfile.TemporaryDirectory(prefix="studio-test-") as state:
        for name, command in CHECKS.items():
            arguments = pytest_arguments if command == ("pytest",) else ()
            print(f"── {name}: {' '.join((*command, *arguments))}", flush=True)
            started = time.monotonic()
            argv = (str(TOOLS / command[0]), *command[1:], *arguments)
            environ = {**os.environ, "STUDIO_STATE": state}
            code = subprocess.run(argv, check=False, cwd=REPOSITORY, env=environ).returncode
            if code:
                print(f"\nFAILED: {name} (exit code {code})", flush=True)
                return code
            print(f"   ok in {time.monotonic() - started:.1f} s", flush=True)
    print(f"\nAll checks passed in {time.monotonic() - began:.1f} s")
    return 0
