"""`./studio backup` and `./studio restore` move the data of one machine to another."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from local import postgres, private_files
from local.backups import backup, restore
from local.process_spec import StartupError
from local.state_dir import StateDir
from persistence.migrate import upgrade
from tests.conftest import SECRET

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if name not in ("DATABASE_URL", "SECRET_KEY", "RECORDINGS_URL")
}


async def test_a_backup_folder_moves_database_key_and_recordings_to_another_machine(
    tmp_path: Path,
) -> None:
    old, new, folder = StateDir(tmp_path / "old"), StateDir(tmp_path / "new"), tmp_path / "kept"
    private_files.private_dir(new.root)
    async with postgres.running(old.root, durable=False) as url:
        await asyncio.to_thread(upgrade, url)
        db = await asyncpg.connect(url)
        await db.execute("insert into tenant values (gen_random_uuid(), 'acme', 'Acme')")
        await db.close()
        private_files.write_private(old.secret_key, SECRET)
        private_files.private_dir(old.recordings / "tenant")
        (old.recordings / "tenant" / "whole.ogg").write_bytes(b"sound")
        assert await asyncio.to_thread(backup, old, folder, ENVIRON) == 0
    assert await asyncio.to_thread(restore, new, folder, ENVIRON) == 0
    assert new.secret_key.read_text() == SECRET
    assert (new.recordings / "tenant" / "whole.ogg").read_bytes() == b"sound"
    async with postgres.running(new.root, durable=False) as url:
        db = await asyncpg.connect(url)
        assert await db.fetchval("select slug from tenant") == "acme"
        await db.close()
    with pytest.raises(StartupError, match="already contains a database"):
        await asyncio.to_thread(restore, new, folder, ENVIRON)
    with pytest.raises(StartupError, match="already exists"):
        await asyncio.to_thread(backup, new, folder, ENVIRON)


async def test_a_failed_or_refused_restore_keeps_the_existing_key(
    tmp_path: Path,
) -> None:
    state, folder = StateDir(tmp_path / "state"), tmp_path / "kept"
    for place in (state.root, folder):
        private_files.private_dir(place)
    (folder / "studio.dump").write_text("no dump at all")
    private_files.write_private(folder / "secret.key", SECRET)
    assert await asyncio.to_thread(restore, state, folder, ENVIRON) != 0
    assert not state.secret_key.exists()
    private_files.write_private(state.secret_key, "another")
    with pytest.raises(StartupError, match="differs from the key"):
        await asyncio.to_thread(restore, state, folder, ENVIRON)
    assert state.secret_key.read_text() == "another"
