"""Pieces that wait on disk. The processes of a machine share it, and one may die or meddle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.access import Viewer
from domain.recordings import Place
from domain.settings import Settings
from tests.emulators.storage import storage
from tests.recordings import keeping
from tests.test_archive import Desk, desk
from tests.test_sound_stores import in_bucket

pytestmark = pytest.mark.anyio


@pytest.fixture
async def the(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[Desk]:
    """A store that is away."""
    async with storage() as bucket:
        bucket.away = True
        async with desk(in_bucket(keeping(settings, tmp_path), bucket), viewer, bucket) as opened:
            yield opened


def some_key() -> str:
    return f"{uuid4()}/{uuid4()}/{Place(1, 0).name}"


async def test_pieces_and_folders_that_go_meanwhile_lose_no_other_piece(
    the: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(the.settings.spool_folder)
    gone, key = place / some_key(), some_key()
    gone.parent.mkdir(parents=True)
    gone.symlink_to(place / "put by another process")
    write, folders = Path.write_bytes, [place / key.rpartition("/")[0]]

    def write_late(file: Path, data: Any) -> int:
        if folders:
            folders.pop().rmdir()
        return write(file, data)

    monkeypatch.setattr(Path, "write_bytes", write_late)
    assert await the.spool.keep(key, b"sound")
    assert (place / key).read_bytes() == b"sound"
