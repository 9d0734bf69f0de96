"""Where livekit-server comes from: named, installed, kept from an earlier build, or built by Go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from signal import SIGKILL

from local.process_spec import StartupError, kill_group, parent_death_prefix

VERSION = "1.13.5"
GO_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
MIN_GO_VERSION = (1, 26)
BUILD_TIMEOUT_SECONDS = 900.0
# Of the user's own work: they would make Go build something else, or put it elsewhere.
IGNORED_GO_VARIABLES = ("GOFLAGS", "GOOS", "GOARCH", "GOBIN", "GOEXPERIMENT", "GO111MODULE")

Echo = Callable[[str], None]


class LivekitUnavailable(StartupError):
    """There is no livekit-server to be had here; the message is one line that says why."""


def find_or_build(
    environ: Mapping[str, str], echo: Echo, *, timeout: float = BUILD_TIMEOUT_SECONDS
) -> Path:
    """The program; built on the first call where Go is there, which takes minutes."""
    if named := environ.get("LIVEKIT_SERVER_BIN"):
        return _binary_from_env(Path(named))
    path = environ.get("PATH", os.defpath)
    if (installed := shutil.which("livekit-server", path=path)) and _works(Path(installed)):
        return Path(installed)
    cached = cache_dir(environ) / f"livekit-server-{VERSION}"
    if _works(cached):
        return cached
    go = shutil.which("go", path=path)
    if go is None or _version(go, environ) < MIN_GO_VERSION:
        raise LivekitUnavailable(
            "there is no livekit-server: put one on PATH (https://github.com/livekit/livekit),"
            " or Go 1.26 to have it built, or set LIVEKIT_SERVER_BIN or LIVEKIT_URL"
        )
    with _build_lock(cached, echo, timeout):
        if not _works(cached):  # else somebody built it while we waited
            _build(go, cached, environ, echo, timeout)
    return cached


def cache_dir(environ: Mapping[str, str]) -> Path:
    given = Path(environ.get("XDG_CACHE_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    return (given if given.is_absolute() else home / ".cache") / "agent-studio" / "bin"


def _binary_from_env(binary: Path) -> Path:
    if not _works(binary):
        raise StartupError(f"LIVEKIT_SERVER_BIN: {binary} does not run as a livekit-server")
    return binary.absolute()


def _works(binary: Path) -> bool:
    """Whether it says its version, as a program for another machine or half a file cannot."""
    try:
        said = subprocess.run(
            (str(binary.absolute()), "--version"), check=False, capture_output=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and said.stdout.startswith(b"livekit-server version ")


def _version(go: str, environ: Mapping[str, str]) -> tuple[int, int]:
    try:
        said = subprocess.run(
            (go, "version"),
            check=False,
            capture_output=True,
            timeout=20,
            env=_go_environment(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(rb"\bgo(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@contextlib.contextmanager
def _build_lock(target: Path, say: Echo, deadline: float) -> Iterator[None]:
    """One builder at a time; a second one waits and finds the work done."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.with_name(f".{target.name}.lock").open("a")
    except OSError as error:
        raise LivekitUnavailable(f"cannot write {target.parent}: {error.strerror}") from None
    with file:
        began, told = time.monotonic(), False
        while not _try_lock(file.fileno()):
            if not told:
                say("waiting for another process that builds livekit-server …")
                told = True
            if time.monotonic() - began > deadline:
                raise LivekitUnavailable(
                    f"another process builds livekit-server since {deadline:g} s"
                )
            time.sleep(0.1)
        yield


def _try_lock(number: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _build(go: str, target: Path, environ: Mapping[str, str], say: Echo, deadline: float) -> None:
    for left in target.parent.glob(".build-*"):  # of a builder that was killed: we have the lock
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as place:
        settings = {**_go_environment(environ), "CGO_ENABLED": "0", "GOBIN": place}
        command = (*parent_death_prefix(SIGKILL), go, "install", "-trimpath", GO_PACKAGE)
        say(f"building livekit-server {VERSION} for voice calls; once, some minutes …")
        log, made = Path(place) / "log", Path(place) / "server"
        returncode = _run(command, settings, log, say, deadline)
        if returncode or not _works(made):
            lines = log.read_text(errors="replace").strip().splitlines()[-5:]
            for line in lines:
                say(f"    {line}")
            why = lines[-1].strip() if lines else f"exit code {returncode}"
            raise LivekitUnavailable(f"livekit-server could not be built: {why}")
        made.replace(target)


def _run(
    command: tuple[str, ...], environ: Mapping[str, str], log: Path, say: Echo, deadline: float
) -> int:
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while (spent := time.monotonic() - began) < deadline:
            try:
                return process.wait(min(10, deadline - spent))
            except subprocess.TimeoutExpired:
                say(f"building livekit-server {VERSION}: {time.monotonic() - began:.0f} s")
        raise LivekitUnavailable(f"livekit-server could not be built in {deadline:g} s")
    finally:
        kill_group(process.pid)  # with the compilers it started, also on Ctrl-C
        process.wait()


def _go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in IGNORED_GO_VARIABLES}
    return {**kept, "GOTOOLCHAIN": "local"}
