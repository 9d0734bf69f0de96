"""Packages of the npm registry, for tests that run tools and clients of others."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
PACKAGE_FILES = (".npmrc", "package.json", "package-lock.json")


def skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def install(source: Path, folder: Path, *scripts: str) -> None:
    """Copy scripts to the folder, and install the packages that they need."""
    for file in (*PACKAGE_FILES, *scripts):
        shutil.copy(source / file, folder)
    install_packages(folder)


def install_packages(folder: Path) -> None:
    run_npm(folder, "ci")


def run_npm(folder: Path, *arguments: str) -> None:
    """Run npm without scripts of packages and without a terminal."""
    if not (npm := shutil.which("npm")):
        skip_or_fail("npm is not installed")
    command = [npm, *arguments]
    completed = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, env=npm_environment()
    )
    if completed.returncode and any(reason in completed.stderr for reason in UNREACHABLE):
        skip_or_fail("npm cannot reach its registry")
    assert completed.returncode == 0, completed.stderr


def npm_environment() -> dict[str, str]:
    options = ("ignore_scripts", "prefer_offline", "yes")
    without = ("audit", "fund", "update_notifier")
    return {
        **os.environ,
        **{f"npm_config_{option}": "true" for option in options},
        **{f"npm_config_{option}": "false" for option in without},
    }
