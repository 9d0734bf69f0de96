"""What a process loads before anything is asked of it, since that is what it weighs at rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.test_talk import ROOT

HEAVY = {"aiohttp", "av", "livekit", "numpy", "obstore"}


@pytest.mark.parametrize("module", ["graph.app", "worker.keeper"])
def test_heavy_libraries_are_loaded_by_their_first_use(module: str) -> None:
    look = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    command = [sys.executable, "-c", look]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.split() == []
