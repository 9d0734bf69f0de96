"""A built-in server and its process, which can be started, stopped, killed and restarted."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from signal import SIGKILL, Signals

from local import os_processes, private_files
from local.installation import INCOMPLETE
from local.process_spec import ProcessSpec, StartupError, spawn, stop, wait_until_ready
from local.state_dir import IS_CHECKOUT


@dataclass(slots=True)
class Server:
    spec: ProcessSpec
    url: str
    log: Path
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.spec.name} has not been started"
        return self.process.pid

    async def start(self) -> None:
        """Start the process, on the same port every time, and wait until it is ready."""
        self.process = await spawn(self.spec, self.log)
        await wait_until_ready(self.spec, self.process, self.log)

    async def stop(self, how: Signals | None = None) -> None:
        """Stop in an orderly way, or with another signal (SIGQUIT: PostgreSQL's immediate mode)."""
        if self.process is not None:
            spec = self.spec
            await stop(
                self.process, how or spec.stop_signal, spec.grace_seconds, spec.stop_attempts
            )

    async def kill(self) -> None:
        """Kill the process as a crash would, and wait until its children are gone, too."""
        children = os_processes.children(self.pid)
        os.kill(self.pid, SIGKILL)
        assert self.process is not None
        await self.process.wait()
        await asyncio.to_thread(os_processes.wait_until_gone, children, 10)


def find_package(package: str, server: str, variable: str) -> metadata.Distribution:
    """The installed package with the programs of a built-in server."""
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        missing = f"the built-in {server} is not installed"
        if IS_CHECKOUT:  # where pip would install a package of that name from the index
            raise StartupError(f"{missing}. {INCOMPLETE}") from None
        raise StartupError(
            f"{missing}: pip install 'agent-studio[embedded]', or set {variable} to your own server"
        ) from None


@contextlib.asynccontextmanager
async def run_exclusively(
    directory: Path, prepare: Callable[[], Awaitable[Server]]
) -> AsyncIterator[Server]:
    """Prepare and run a server for the duration of the block, with its directory locked."""
    with private_files.exclusive_lock(private_files.private_dir(directory) / "lock"):
        server = await prepare()
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
