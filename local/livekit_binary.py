"""Finds livekit-server: named by a variable, installed, cached from an earlier build, or built with
Go. `python -m local.livekit_binary` only builds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM

from local.process_spec import StartupError, kill_group, parent_death_prefix

VERSION = "1.13.5"
GO_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
MIN_GO_VERSION = (1, 26)
BUILD_TIMEOUT_SECONDS = 3_600.0  # long, because the build has the lowest priority
# Variables of the user's own projects, which would change what Go builds or where it installs it.
IGNORED_GO_VARIABLES = ("GOFLAGS", "GOOS", "GOARCH", "GOBIN", "GOEXPERIMENT", "GO111MODULE")

Echo = Callable[[str], None]


class LivekitUnavailable(StartupError):
    """No livekit-server was found or built; the message is one line that says why."""


def find_or_build(
    environ: Mapping[str, str], echo: Echo, *, timeout: float = BUILD_TIMEOUT_SECONDS
) -> Path:
    """Return the path of livekit-server. If only Go is installed, the first call builds it, which
    takes minutes. Raises `LivekitUnavailable` if that is impossible."""
    return find(environ) or build(environ, echo, timeout=timeout)


def find(environ: Mapping[str, str]) -> Path | None:
    """Return the path of livekit-server; None if there is none and Go can build it. Raises
    `LivekitUnavailable` if that is impossible."""
    if binary := environ.get("LIVEKIT_SERVER_BIN"):
        return _binary_from_env(Path(binary))
    path = environ.get("PATH", os.defpath)
    if (installed := shutil.which("livekit-server", path=path)) and _works(Path(installed)):
        return Path(installed)
    if _works(cached := cached_binary(environ)):
        return cached
    _find_go(environ)
    return None


def build(
    environ: Mapping[str, str], echo: Echo, *, timeout: float = BUILD_TIMEOUT_SECONDS
) -> Path:
    """Build livekit-server with Go into the cache, and return its path there."""
    cached, go = cached_binary(environ), _find_go(environ)
    with _build_lock(cached, echo, timeout):
        if not _works(cached):  # another process may have built it while this one waited
            _build(go, cached, environ, echo, timeout)
    return cached


def cached_binary(environ: Mapping[str, str]) -> Path:
    """Where a build puts livekit-server."""
    return cache_dir(environ) / f"livekit-server-{VERSION}"


def cache_dir(environ: Mapping[str, str]) -> Path:
    xdg_cache = Path(environ.get("XDG_CACHE_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    return (xdg_cache if xdg_cache.is_absolute() else home / ".cache") / "agent-studio" / "bin"


def _binary_from_env(binary: Path) -> Path:
    if not _works(binary):
        raise StartupError(f"LIVEKIT_SERVER_BIN: {binary} does not run as a livekit-server")
    return binary.absolute()


def _works(binary: Path) -> bool:
    """Whether the program prints its version; a wrong architecture or a partial file cannot."""
    try:
        result = subprocess.run(
            (str(binary.absolute()), "--version"), check=False, capture_output=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0 and result.stdout.startswith(b"livekit-server version ")


def _find_go(environ: Mapping[str, str]) -> str:
    go = shutil.which("go", path=environ.get("PATH", os.defpath))
    if go is None or _version(go, environ) < MIN_GO_VERSION:
        raise LivekitUnavailable(
            "livekit-server was not found: put it on PATH (https://github.com/livekit/livekit),"
            " install Go 1.26 or newer to have it built, or set LIVEKIT_SERVER_BIN or LIVEKIT_URL"
        )
    return go


def _version(go: str, environ: Mapping[str, str]) -> tuple[int, int]:
    try:
        result = subprocess.run(
            (go, "version"),
            check=False,
            capture_output=True,
            timeout=20,
            env=_go_environment(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.search(rb"\bgo(\d+)\.(\d+)", result.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


@contextlib.contextmanager
def _build_lock(target: Path, echo: Echo, timeout: float) -> Iterator[None]:
    """Allow one build at a time; a second process waits and then finds the binary."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.with_name(f".{target.name}.lock").open("a")
    except OSError as error:
        raise LivekitUnavailable(
            f"cannot build livekit-server in {target.parent}: {error.strerror}; set HOME to a"
            " directory that can be written, or LIVEKIT_SERVER_BIN to a livekit-server"
        ) from None
    with file:
        started, announced = time.monotonic(), False
        while not _try_lock(file.fileno()):
            if not announced:
                echo("waiting for another process that is building livekit-server …")
                announced = True
            if time.monotonic() - started > timeout:
                raise LivekitUnavailable(
                    f"another process has been building livekit-server for over {timeout:g} s"
                )
            time.sleep(0.1)
        yield


def _try_lock(fd: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _build(go: str, target: Path, environ: Mapping[str, str], echo: Echo, timeout: float) -> None:
    # This process holds the lock, so these directories are from builds that were killed.
    for abandoned in target.parent.glob(".build-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as directory:
        settings = {**_go_environment(environ), "CGO_ENABLED": "0", "GOBIN": directory}
        command = (*parent_death_prefix(SIGKILL), go, "install", "-trimpath", GO_PACKAGE)
        echo(f"building livekit-server {VERSION} for voice calls (once; takes a few minutes) …")
        log, binary = Path(directory) / "log", Path(directory) / "server"
        returncode = _run(command, settings, log, echo, timeout)
        if returncode or not _works(binary):
            lines = log.read_text(errors="replace").strip().splitlines()[-5:]
            for line in lines:
                echo(f"    {line}")
            reason = lines[-1].strip() if lines else f"exit code {returncode}"
            raise LivekitUnavailable(f"livekit-server could not be built: {reason}")
        binary.replace(target)


def _run(
    command: tuple[str, ...], environ: Mapping[str, str], log: Path, echo: Echo, timeout: float
) -> int:
    started = time.monotonic()
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
        while (elapsed := time.monotonic() - started) < timeout:
            try:
                return process.wait(min(10, timeout - elapsed))
            except subprocess.TimeoutExpired:
                echo(f"building livekit-server {VERSION}: {time.monotonic() - started:.0f} s")
        raise LivekitUnavailable(f"livekit-server could not be built within {timeout:g} s")
    finally:
        kill_group(process.pid)  # including the compilers that it started, also on Ctrl-C
        process.wait()


def _go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in environ.items() if name not in IGNORED_GO_VARIABLES}
    return {**inherited, "GOTOOLCHAIN": "local"}


def main() -> int:
    signal.signal(SIGTERM, lambda *_: sys.exit(128 + SIGTERM))  # `_run` stops the compilers
    os.nice(19)  # compilers use every core, and calls come first
    try:
        build(os.environ, lambda line: print(line, flush=True))
    except StartupError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
