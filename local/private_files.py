"""Private directories and files: secrets, remembered ports and lock files."""

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

# Below the ephemeral ports, so that no outgoing connection takes the port in the meantime.
PORT_RANGE = range(15_000, 32_000)


def private_dir(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartupError(f"cannot create the directory {path}: {error.strerror}") from None
    return path.resolve()


def write_private(path: Path, text: str) -> None:
    """Replace the file atomically; at no moment can other users read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def load_or_create_secret(path: Path) -> str:
    """Return the secret in the file; the first call generates it."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def load_or_pick_port(path: Path, kind: SocketKind = SOCK_STREAM) -> int:
    """Return the port in the file if it is free; otherwise pick a free one and save it."""
    if path.exists() and (port := int(path.read_text())) and is_free(port, kind=kind):
        return port
    port = free_port(kind)
    write_private(path, str(port))
    return port


def is_free(port: int, host: str = "127.0.0.1", kind: SocketKind = SOCK_STREAM) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        if kind is SOCK_STREAM:
            # As servers do, so that a port with connections in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise StartupError(f"cannot use port {port} on {host}: {error.strerror}") from None
        except OverflowError:
            raise StartupError(f"{port} is not a port: choose one from 1 to 65535") from None
    return True


def free_port(kind: SocketKind = SOCK_STREAM) -> int:
    for port in random.sample(PORT_RANGE, 200):
        if is_free(port, kind=kind):
            return port
    raise StartupError(f"no free port found between {PORT_RANGE.start} and {PORT_RANGE.stop}")


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock for the duration of the block. Raises `StartupError` if it is already held."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(f"{path.parent} is in use by another process") from None
        yield
