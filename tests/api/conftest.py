"""Fixtures for tests of the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.npm import install
from tests.support.paths import JS


@pytest.fixture(scope="session")
def js_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything of tests/js, and its packages."""
    folder = tmp_path_factory.mktemp("js")
    scripts = [file.name for file in JS.iterdir() if file.is_file()]
    install(JS, folder, *scripts)
    return folder
