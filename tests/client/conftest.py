"""What the tests of the clients share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.client_kit import install_kit


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of client/typescript, with its packages."""
    return install_kit(tmp_path_factory.mktemp("kit") / "typescript")
