"""A directory of ours: private, locked by whoever uses it, with the facts it keeps in files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from socket import SOCK_STREAM, SocketKind

from local.process_spec import StartupError

# Below the ports that systems hand out for outgoing connections, so nobody takes it meanwhile.
PORT_RANGE = range(15_000, 32_000)


def private_dir(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartupError(f"cannot make the directory {path}: {error.strerror}") from None
    return path.resolve()


def write_private(path: Path, text: str) -> None:
    """Replace the file as a whole, readable by its owner alone from its first moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def load_or_create_secret(path: Path) -> str:
    """The secret in the file; made on the first call."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def load_or_pick_port(path: Path, kind: SocketKind = SOCK_STREAM) -> int:
    """The port used last time while it is free, else another one, remembered."""
    if path.exists() and (port := int(path.read_text())) and is_free(port, kind=kind):
        return port
    port = free_port(kind)
    write_private(path, str(port))
    return port


def is_free(port: int, host: str = "127.0.0.1", kind: SocketKind = SOCK_STREAM) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        if kind is SOCK_STREAM:
            # As servers do: a port that only waits for old connections to fade counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise StartupError(f"cannot use port {port} of {host}: {error.strerror}") from None
        except OverflowError:
            raise StartupError(f"{port} is no port: choose one from 1 to 65535") from None
    return True


def free_port(kind: SocketKind = SOCK_STREAM) -> int:
    for port in random.sample(PORT_RANGE, 200):
        if is_free(port, kind=kind):
            return port
    raise StartupError(f"no free port found between {PORT_RANGE.start} and {PORT_RANGE.stop}")


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file for the length of the block; refuse at once when another holds it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(f"{path.parent} is in use by another process") from None
        yield
