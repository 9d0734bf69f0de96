"""Programs that run for the duration of a block."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 65_536
END_SECONDS = 5.0


@asynccontextmanager
async def running_program(
    *command: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
) -> AsyncGenerator[Process]:
    """Run a program, and kill it at the end of the block with all processes that it started: it may be a
    script. Raises `OSError` if it does not start."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=stdin, stdout=stdout, stderr=stderr, env=env, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await _wait_until_closed(process)


async def _wait_until_closed(process: Process) -> None:
    """Read the rest of the output: `wait` does not return before the pipes are closed, which asyncio does
    not notice while it has stopped reading them because they were not consumed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            for pipe in (process.stdout, process.stderr):
                while pipe is not None and await pipe.read(CHUNK_BYTES):
                    pass
            await process.wait()
