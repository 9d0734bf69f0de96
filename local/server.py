"""One server of ours and its process, to be started, stopped, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, Signals

from local import os_processes, private_files
from local.process_spec import ProcessSpec, spawn, stop, wait_until_ready


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
        """Start on the same port as ever, and return when it answers."""
        self.process = await spawn(self.spec, self.log)
        await wait_until_ready(self.spec, self.process, self.log)

    async def stop(self, how: Signals | None = None) -> None:
        """An orderly stop, unless another signal is given (SIGQUIT: PostgreSQL's immediate)."""
        if self.process is not None:
            program = self.spec
            await stop(
                self.process,
                how or program.stop_signal,
                program.grace_seconds,
                program.stop_attempts,
            )

    async def kill(self) -> None:
        """End like a crash, and return when nothing of it is left."""
        children = os_processes.children(self.pid)
        os.kill(self.pid, SIGKILL)
        assert self.process is not None
        await self.process.wait()
        await asyncio.to_thread(os_processes.wait_until_gone, children, 10)


@contextlib.asynccontextmanager
async def run_exclusively(
    place: Path, prepare: Callable[[], Awaitable[Server]]
) -> AsyncIterator[Server]:
    """Prepare and run a server for the length of the block, alone in its directory."""
    with private_files.exclusive_lock(private_files.private_dir(place) / "lock"):
        server = await prepare()
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
