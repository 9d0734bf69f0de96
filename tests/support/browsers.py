"""What tests of pages need: npm, Chromium, and scripts that use the page as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.npm import install_packages, skip_or_fail
from tests.support.paths import ROOT

SCRIPTS = ROOT / "tests" / "browser"
SCRIPT_SECONDS = 500.0
"""The longest that a script takes on a slow machine; tests of long scripts allow for it."""
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

Visit = Callable[..., dict[str, Any]]


def script_runner(folder: Path) -> Visit:
    """A function that runs a script of tests/browser and returns the JSON that it prints."""
    if not Path(CHROMIUM).exists():
        skip_or_fail(f"{CHROMIUM} does not exist; set CHROMIUM to the path of Chromium")
    shutil.copytree(
        SCRIPTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    install_packages(folder)

    def visit(script: str, *arguments: str | Path) -> dict[str, Any]:
        command = ["node", str(folder / script), *map(str, arguments)]
        try:
            completed = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=SCRIPT_SECONDS
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stderr or b"").decode(errors="replace")
            raise AssertionError(f"{script} took longer than {SCRIPT_SECONDS} s: {said}") from late
        assert completed.returncode == 0, completed.stderr
        output: dict[str, Any] = json.loads(completed.stdout)
        return output

    return visit
