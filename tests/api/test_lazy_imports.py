"""Libraries that a process imports only when it needs them, which keeps its memory at rest low."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

OUTSIDE = {"aiohttp", "av", "livekit", "numpy", "obstore"}
"""Libraries for HTTP requests and for audio."""
PAGES = {"markdown_it"}
"""Libraries for the pages of the documentation."""
ENGINE = {"sqlalchemy"}
"""Libraries for the repositories of the API."""
MEDIA = {"livekit.agents", "livekit.rtc"}
"""Libraries for participants of a room; managing rooms needs only the server API."""


def loaded(modules: str, heavy: set[str]) -> list[str]:
    look = f"import sys, {modules}; print(*sorted({heavy!r} & sys.modules.keys()))"
    command = [sys.executable, "-c", look]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("module", "heavy"), [("graph.app", OUTSIDE | PAGES), ("worker.keeper.main", OUTSIDE | ENGINE)]
)
def test_heavy_libraries_are_imported_at_their_first_use(module: str, heavy: set[str]) -> None:
    assert loaded(module, heavy) == []


def test_a_keeper_of_voice_calls_imports_only_the_livekit_server_api() -> None:
    modules = "worker.keeper.main, worker.common.livekit_rooms"
    assert loaded(modules, OUTSIDE | ENGINE | MEDIA) == ["aiohttp", "livekit"]


def test_workers_do_not_import_sqlalchemy() -> None:
    assert loaded("worker.main, worker.process.worker_process", ENGINE) == []
