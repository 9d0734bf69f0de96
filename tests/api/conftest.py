"""Fixtures for tests of the API."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.npm import PACKAGE_FILES, install
from tests.support.paths import JS


@pytest.fixture(scope="session")
def js_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of tests/js, with its packages."""
    folder = tmp_path_factory.mktemp("js")
    ignored = shutil.ignore_patterns("node_modules", *PACKAGE_FILES)
    shutil.copytree(JS, folder, ignore=ignored, dirs_exist_ok=True)
    install(JS, folder)
    return folder
