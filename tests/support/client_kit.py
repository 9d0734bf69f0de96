"""The TypeScript client, with the packages that build and test it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.npm import install_packages
from tests.support.paths import ROOT
from tests.support.processes import running_process

SOURCE = ROOT / "client" / "typescript"
SCRIPTS = ROOT / "tests" / "client" / "node"
TIMEOUT_SECONDS = 240


def install_kit(folder: Path) -> Path:
    """A copy of the client, in which the scripts of the tests are."""
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(SOURCE, folder, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(SCRIPTS, folder / "tests")
    install_packages(folder)
    return folder


async def run_node(folder: Path, *command: str, **environment: str) -> str:
    """What a script prints; it must succeed."""
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        running_process(
            *("node", *command),
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            limit=1 << 20,
        ) as process,
    ):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()
