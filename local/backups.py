"""`./studio backup FOLDER` and `./studio restore FOLDER`: all data of this machine in one folder."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local import postgres, postgres_user, private_files
from local.process_spec import StartupError
from local.state_dir import PROGRAM, REPOSITORY, StateDir

DUMP, KEY, RECORDINGS = "studio.dump", "secret.key", "recordings"


def backup(state: StateDir, folder: Path, environ: Mapping[str, str]) -> int:
    """Back up the database of a running studio, and the key and recordings unless the user stores
    them elsewhere (SECRET_KEY, RECORDINGS_URL)."""
    database = (
        {} if environ.get("DATABASE_URL") else _database_environment(postgres.load_url(state.root))
    )
    if folder.exists():
        raise StartupError(f"{folder} already exists; choose another folder")
    private_files.private_dir(folder)
    code = _run_backup_module("dump", folder, {**environ, **database})
    if code:
        folder.rmdir()
        return code
    if not environ.get("SECRET_KEY"):
        private_files.write_private(folder / KEY, state.secret_key.read_text())
    if not environ.get("RECORDINGS_URL") and state.recordings.exists():
        shutil.copytree(state.recordings, folder / RECORDINGS)
    print(
        f"{folder} contains the database, its encryption key and the recordings: "
        "store it where no one else can read it"
    )
    return 0


def restore(state: StateDir, folder: Path, environ: Mapping[str, str]) -> int:
    """Restore a backup into a state directory that has no database yet."""
    if environ.get("DATABASE_URL"):
        raise StartupError(
            "DATABASE_URL is set: restore to that server with `python -m persistence.backup restore`"
        )
    if not (folder / DUMP).exists():
        raise StartupError(f"{folder} does not contain {DUMP}")
    key = _read_key(folder)
    with private_files.exclusive_lock(state.lock):
        if (state.root / "postgres").exists():
            raise StartupError(
                f"{state.root} already contains a database: delete it with {PROGRAM} reset, "
                "or set STUDIO_STATE to use another directory"
            )
        if key and state.secret_key.exists() and state.secret_key.read_text().strip() != key:
            raise StartupError(
                f"{state.secret_key} differs from the key in {folder}: move it away if nothing "
                "needs it, or set STUDIO_STATE to use another directory"
            )
        code = 1
        try:
            code = asyncio.run(_restore(state, folder, key, environ))
        finally:
            if code:  # leave nothing behind, so that the restore can be repeated
                postgres_user.delete_data(state.root / "postgres")
    return code


def _read_key(folder: Path) -> str | None:
    """None if the backup contains no key because SECRET_KEY was set."""
    return (folder / KEY).read_text().strip() if (folder / KEY).exists() else None


async def _restore(
    state: StateDir, folder: Path, key: str | None, environ: Mapping[str, str]
) -> int:
    if (folder / RECORDINGS).exists():
        shutil.copytree(folder / RECORDINGS, state.recordings, dirs_exist_ok=True)
    defaults = {"RECORDINGS_URL": state.recordings.as_uri()}
    if key or state.secret_key.exists():
        defaults["SECRET_KEY"] = key or state.secret_key.read_text().strip()
    async with postgres.running(state.root) as url:
        settings = {**defaults, **environ, **_database_environment(url)}
        code = await asyncio.to_thread(_run_backup_module, "restore", folder, settings)
    if key and not code:
        private_files.write_private(state.secret_key, key)
    return code


def _database_environment(url: str) -> Mapping[str, str]:
    """The built-in server has one user, so there is no separate login for migrations."""
    return {"DATABASE_URL": url, "MIGRATE_DATABASE_URL": ""}


def _run_backup_module(command: str, folder: Path, environ: Mapping[str, str]) -> int:
    argv = (sys.executable, "-m", "persistence.backup", command, str(folder / DUMP))
    env = {"LOG_LEVEL": "WARNING", **environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(argv, check=False, env=env).returncode
