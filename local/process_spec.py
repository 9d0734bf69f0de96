"""A program to run beside us: what it is, how it starts, how one knows that it answers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

from local.log_alerts import format_line, is_routine

SIGNAL_INTERVAL_SECONDS = 0.3  # so that they do not arrive as one


class StartupError(Exception):
    """A program could not be started; the message says which, why, and what to do."""


async def ready_immediately(pid: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[int], Awaitable[bool]] = ready_immediately
    stop_signal: Signals = Signals.SIGTERM
    # How many times it has to be asked: a first request may only keep newcomers out.
    stop_attempts: int = 1
    grace_seconds: float = 10.0
    ready_timeout: float = 30.0
    # What the kernel sends when whoever started the program is gone (Linux only).
    orphan_signal: Signals = Signals.SIGKILL
    # Whether what it started goes on when it dies, until it is ready again.
    children_outlive: bool = False


async def spawn(program: ProcessSpec, log: Path) -> asyncio.subprocess.Process:
    """Start in a session of its own, so that a Ctrl-C in the terminal reaches only us."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *parent_death_prefix(program.orphan_signal),
            *program.argv,
            env=dict(program.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def wait_until_ready(
    program: ProcessSpec, process: asyncio.subprocess.Process, log: Path, since: int = 0
) -> None:
    """Raises `CannotStart` with what it logged behind the position `since`."""
    try:
        async with asyncio.timeout(program.ready_timeout):
            while not await program.ready(process.pid):
                if process.returncode is not None:
                    how = describe_exit(process.returncode)
                    raise StartupError(
                        f"{program.name} {how} before it was ready\n{tail(log, since)}"
                    )
                await asyncio.sleep(0.02)
    except TimeoutError:
        late = f"{program.name} was not ready in {program.ready_timeout:g} s"
        raise StartupError(f"{late}\n{tail(log, since)}") from None


async def stop(
    process: asyncio.subprocess.Process, how: Signals, grace_seconds: float, attempts: int = 1
) -> bool:
    """Ask, wait, then insist; answers whether asking was enough."""
    for _ in range(attempts):
        if process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        if attempts > 1:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), SIGNAL_INTERVAL_SECONDS)
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
        return True
    except TimeoutError:
        kill_group(process.pid)
        await process.wait()
        return False


def kill_group(pid: int) -> None:
    """Kill a program of ours together with what it started itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def describe_exit(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    return f"was ended by {Signals(-returncode).name}"


def tail(log: Path, since: int = 0, lines: int = 10) -> str:
    """The last lines of a log, indented, to be shown under an error: what a program says of its
    usual work, as of requests that it answered, is left out."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, os.SEEK_END) - 64 * 1024))
            said = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    last = [format_line(line) for line in said if not is_routine(line)][-lines:]
    return "\n".join(f"    {line}" for line in (*last, f"(all of it: {log})"))


def log_size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


@functools.cache
def parent_death_prefix(orphan: Signals) -> tuple[str, ...]:
    """What to put before a command so that it does not outlive us, even when we are killed."""
    command = ("setpriv", "--pdeathsig", orphan.name.removeprefix("SIG"), "--")
    return command if can_run(command) else ()


def can_run(prefix: tuple[str, ...]) -> bool:
    """Whether commands can be run behind the prefix on this machine."""
    try:
        probe = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return probe.returncode == 0
