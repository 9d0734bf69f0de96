from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import psutil
import pytest

from domain.common.processes import running_program
from tests.support.waiting import WAIT_SECONDS, until

pytestmark = pytest.mark.anyio


async def test_a_program_ends_although_its_output_was_not_read() -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        async with running_program("cat", "/dev/zero", stdout=PIPE) as process:
            # asyncio has stopped reading, so it does not notice that the pipe is closed.
            await until(lambda: getattr(process.stdout, "_paused"))  # noqa: B009
        assert process.returncode is not None


async def test_the_processes_of_a_script_end_with_it(tmp_path: Path) -> None:
    script, child = tmp_path / "script", tmp_path / "child"
    script.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {child}\nwait\n")
    script.chmod(0o700)
    async with running_program(str(script), stdout=PIPE):
        await until(lambda: child.exists() and child.read_text().endswith("\n"))
    pid = int(child.read_text())
    await until(lambda: is_gone(pid))


async def test_a_program_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with running_program(str(tmp_path / "nothing")):
            pass


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
