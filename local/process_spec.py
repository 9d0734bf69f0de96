"""A child process: its command, how to start and stop it, and how to detect that it is ready."""

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

SIGNAL_INTERVAL_SECONDS = 0.3  # pending signals of the same number would be merged into one


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
    # How many times to send the stop signal: a server may only stop accepting clients at first.
    stop_attempts: int = 1
    # Seconds after the stop signal until the process is killed.
    grace_seconds: float = 10.0
    ready_timeout: float = 30.0
    # The signal that the kernel sends when the parent process dies (Linux only).
    orphan_signal: Signals = Signals.SIGKILL
    # Whether its child processes keep running when it dies, until it is ready again.
    children_outlive: bool = False


async def spawn(spec: ProcessSpec, log: Path) -> asyncio.subprocess.Process:
    """Start the process in its own session, so that Ctrl-C in the terminal does not reach it."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *parent_death_prefix(spec.orphan_signal),
            *spec.argv,
            env=dict(spec.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def wait_until_ready(
    spec: ProcessSpec, process: asyncio.subprocess.Process, log: Path, since: int = 0
) -> None:
    """Raises `StartupError`, with the log from offset `since`, if the process exits or times out."""
    try:
        async with asyncio.timeout(spec.ready_timeout):
            while not await spec.ready(process.pid):
                if process.returncode is not None:
                    how = describe_exit(process.returncode)
                    raise StartupError(f"{spec.name} {how} before it was ready\n{tail(log, since)}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        late = f"{spec.name} was not ready within {spec.ready_timeout:g} s"
        raise StartupError(f"{late}\n{tail(log, since)}") from None


async def stop(
    process: asyncio.subprocess.Process, how: Signals, grace_seconds: float, attempts: int = 1
) -> bool:
    """Send the signal, wait, then kill the process group. Returns whether the signal sufficed."""
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
    """Kill a process started by `spawn` together with its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def describe_exit(returncode: int) -> str:
    if returncode >= 0:
        return f"exited with code {returncode}"
    return f"was terminated by {Signals(-returncode).name}"


def tail(log: Path, since: int = 0, lines: int = 10) -> str:
    """The last lines of a log from offset `since`, indented for display under an error message.
    Lines of level debug and info, such as access logs, are left out."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, os.SEEK_END) - 64 * 1024))
            logged = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    last = [format_line(line) for line in logged if not is_routine(line)][-lines:]
    return "\n".join(f"    {line}" for line in (*last, f"(full log: {log})"))


def log_size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


@functools.cache
def parent_death_prefix(orphan: Signals) -> tuple[str, ...]:
    """The prefix that makes a command receive this signal when its parent dies, even by SIGKILL;
    empty where the operating system does not support that."""
    command = ("setpriv", "--pdeathsig", orphan.name.removeprefix("SIG"), "--")
    return command if can_run(command) else ()


def can_run(prefix: tuple[str, ...]) -> bool:
    """Whether this machine can run commands with the prefix."""
    try:
        probe = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return probe.returncode == 0
