"""What tests of pages need: npm, Chromium, and scripts that use the page as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.support.paths import ROOT

SCRIPTS = ROOT / "tests" / "browser"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")

Visit = Callable[..., dict[str, Any]]


def skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def install_packages(folder: Path) -> None:
    if not (npm := shutil.which("npm")):
        skip_or_fail("npm is not installed")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    completed = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if completed.returncode and any(reason in completed.stderr for reason in UNREACHABLE):
        skip_or_fail("npm cannot reach its registry")
    assert completed.returncode == 0, completed.stderr


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
        completed = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=240
        )
        assert completed.returncode == 0, completed.stderr
        output: dict[str, Any] = json.loads(completed.stdout)
        return output

    return visit
