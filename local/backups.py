"""`./studio backup FOLDER` and `./studio restore FOLDER`: all that this machine keeps, in one folder."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local import postgres, postgres_user, private_files
from local.process_spec import StartupError
from local.state_dir import REPOSITORY, StateDir

DUMP, KEY, RECORDINGS = "studio.dump", "secret.key", "recordings"


def backup(state: StateDir, folder: Path, environ: Mapping[str, str]) -> int:
    """While the studio runs. What the user keeps elsewhere is not ours to copy."""
    own = (
        {} if environ.get("DATABASE_URL") else _database_environment(postgres.load_url(state.root))
    )
    if folder.exists():
        raise StartupError(f"{folder} exists already; name another folder")
    private_files.private_dir(folder)
    code = _run_backup_module("dump", folder, {**environ, **own})
    if code:
        folder.rmdir()
        return code
    if not environ.get("SECRET_KEY"):
        private_files.write_private(folder / KEY, state.secret_key.read_text())
    if not environ.get("RECORDINGS_URL") and state.recordings.exists():
        shutil.copytree(state.recordings, folder / RECORDINGS)
    print(
        f"{folder} holds the database, its key and the recordings: keep it where nobody else reads"
    )
    return 0


def restore(state: StateDir, folder: Path, environ: Mapping[str, str]) -> int:
    """Into a place where there is nothing yet."""
    if environ.get("DATABASE_URL"):
        raise StartupError("DATABASE_URL is set: use `python -m persistence.backup restore` there")
    if not (folder / DUMP).exists():
        raise StartupError(f"{folder} holds no {DUMP}")
    key = _read_key(folder)
    with private_files.exclusive_lock(state.lock):
        if (state.root / "postgres").exists():
            raise StartupError(
                f"{state.root} holds a database already: ./studio reset deletes it, "
                "and STUDIO_STATE=… names another place"
            )
        if key and state.secret_key.exists() and state.secret_key.read_text().strip() != key:
            raise StartupError(
                f"{state.secret_key} is not the key in {folder}: move it away if nothing needs it, "
                "or name another place with STUDIO_STATE=…"
            )
        code = 1
        try:
            code = asyncio.run(_restore(state, folder, key, environ))
        finally:
            if code:  # it can be tried again
                postgres_user.delete_data(state.root / "postgres")
    return code


def _read_key(folder: Path) -> str | None:
    """None where the user keeps it elsewhere."""
    return (folder / KEY).read_text().strip() if (folder / KEY).exists() else None


async def _restore(
    state: StateDir, folder: Path, key: str | None, environ: Mapping[str, str]
) -> int:
    if (folder / RECORDINGS).exists():
        shutil.copytree(folder / RECORDINGS, state.recordings, dirs_exist_ok=True)
    own = {"RECORDINGS_URL": state.recordings.as_uri()}
    if key or state.secret_key.exists():
        own["SECRET_KEY"] = key or state.secret_key.read_text().strip()
    async with postgres.running(state.root) as url:
        code = await asyncio.to_thread(
            _run_backup_module, "restore", folder, {**own, **environ, **_database_environment(url)}
        )
    if key and not code:
        private_files.write_private(state.secret_key, key)
    return code


def _database_environment(url: str) -> Mapping[str, str]:
    """The built-in server has one user."""
    return {"DATABASE_URL": url, "MIGRATE_DATABASE_URL": ""}


def _run_backup_module(command: str, folder: Path, environ: Mapping[str, str]) -> int:
    argv = (sys.executable, "-m", "persistence.backup", command, str(folder / DUMP))
    env = {"LOG_LEVEL": "WARNING", **environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(argv, check=False, env=env).returncode
