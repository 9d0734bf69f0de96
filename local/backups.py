"""`./studio backup FOLDER` and `./studio restore FOLDER`: all that this machine keeps, in one folder."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local import home, postgres, unprivileged
from local.program import CannotStart
from local.state import REPOSITORY, State

DUMP, KEY, RECORDINGS = "studio.dump", "secret.key", "recordings"


def backup(state: State, folder: Path, environ: Mapping[str, str]) -> int:
    """While the studio runs. What the user keeps elsewhere is not ours to copy."""
    own = {} if environ.get("DATABASE_URL") else _own(postgres.url_in(state.root))
    if folder.exists():
        raise CannotStart(f"{folder} exists already; name another folder")
    home.private_dir(folder)
    code = _persistence("dump", folder, {**environ, **own})
    if code:
        folder.rmdir()
        return code
    if not environ.get("SECRET_KEY"):
        home.write_private(folder / KEY, state.secret_key.read_text())
    if not environ.get("RECORDINGS_URL") and state.recordings.exists():
        shutil.copytree(state.recordings, folder / RECORDINGS)
    print(
        f"{folder} holds the database, its key and the recordings: keep it where nobody else reads"
    )
    return 0


def restore(state: State, folder: Path, environ: Mapping[str, str]) -> int:
    """Into a place where there is nothing yet."""
    if environ.get("DATABASE_URL"):
        raise CannotStart("DATABASE_URL is set: use `python -m persistence.backup restore` there")
    if not (folder / DUMP).exists():
        raise CannotStart(f"{folder} holds no {DUMP}")
    key = _key_in(folder)
    with home.locked(state.lock):
        if (state.root / "postgres").exists():
            raise CannotStart(
                f"{state.root} holds a database already: ./studio reset deletes it, "
                "and STUDIO_STATE=… names another place"
            )
        if key and state.secret_key.exists() and state.secret_key.read_text().strip() != key:
            raise CannotStart(
                f"{state.secret_key} is not the key in {folder}: move it away if nothing needs it, "
                "or name another place with STUDIO_STATE=…"
            )
        code = 1
        try:
            code = asyncio.run(_restored(state, folder, key, environ))
        finally:
            if code:  # it can be tried again
                unprivileged.remove(state.root / "postgres")
    return code


def _key_in(folder: Path) -> str | None:
    """None where the user keeps it elsewhere."""
    return (folder / KEY).read_text().strip() if (folder / KEY).exists() else None


async def _restored(state: State, folder: Path, key: str | None, environ: Mapping[str, str]) -> int:
    if (folder / RECORDINGS).exists():
        shutil.copytree(folder / RECORDINGS, state.recordings, dirs_exist_ok=True)
    own = {"RECORDINGS_URL": state.recordings.as_uri()}
    if key or state.secret_key.exists():
        own["SECRET_KEY"] = key or state.secret_key.read_text().strip()
    async with postgres.running(state.root) as url:
        code = await asyncio.to_thread(
            _persistence, "restore", folder, {**own, **environ, **_own(url)}
        )
    if key and not code:
        home.write_private(state.secret_key, key)
    return code


def _own(url: str) -> Mapping[str, str]:
    """The built-in server has one user."""
    return {"DATABASE_URL": url, "MIGRATE_DATABASE_URL": ""}


def _persistence(command: str, folder: Path, environ: Mapping[str, str]) -> int:
    argv = (sys.executable, "-m", "persistence.backup", command, str(folder / DUMP))
    env = {"LOG_LEVEL": "WARNING", **environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(argv, check=False, env=env).returncode
