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

from local.complaints import is_routine, readable

BETWEEN_ASKS = 0.3  # so that they do not arrive as one


class CannotStart(Exception):
    """A program could not be started; the message says which, why, and what to do."""


async def at_once(pid: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[int], Awaitable[bool]] = at_once
    stop: Signals = Signals.SIGTERM
    # How many times it has to be asked: a first request may only keep newcomers out.
    asks: int = 1
    grace: float = 10.0
    patience: float = 30.0
    # What the kernel sends when whoever started the program is gone (Linux only).
    orphan: Signals = Signals.SIGKILL
    # Whether what it started goes on when it dies, until it is ready again.
    children_outlive: bool = False


async def spawn(program: Program, log: Path) -> asyncio.subprocess.Process:
    """Start in a session of its own, so that a Ctrl-C in the terminal reaches only us."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *leash(program.orphan),
            *program.argv,
            env=dict(program.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def until_ready(
    program: Program, process: asyncio.subprocess.Process, log: Path, since: int = 0
) -> None:
    """Raises `CannotStart` with what it logged behind the position `since`."""
    try:
        async with asyncio.timeout(program.patience):
            while not await program.ready(process.pid):
                if process.returncode is not None:
                    how = ending(process.returncode)
                    raise CannotStart(
                        f"{program.name} {how} before it was ready\n{tail(log, since)}"
                    )
                await asyncio.sleep(0.02)
    except TimeoutError:
        late = f"{program.name} was not ready in {program.patience:g} s"
        raise CannotStart(f"{late}\n{tail(log, since)}") from None


async def stop(
    process: asyncio.subprocess.Process, how: Signals, grace: float, asks: int = 1
) -> bool:
    """Ask, wait, then insist; answers whether asking was enough."""
    for _ in range(asks):
        if process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        if asks > 1:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), BETWEEN_ASKS)
    try:
        await asyncio.wait_for(process.wait(), grace)
        return True
    except TimeoutError:
        kill_group(process.pid)
        await process.wait()
        return False


def kill_group(pid: int) -> None:
    """Kill a program of ours together with what it started itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def ending(returncode: int) -> str:
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
    last = [readable(line) for line in said if not is_routine(line)][-lines:]
    return "\n".join(f"    {line}" for line in (*last, f"(all of it: {log})"))


def size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


@functools.cache
def leash(orphan: Signals) -> tuple[str, ...]:
    """What to put before a command so that it does not outlive us, even when we are killed."""
    command = ("setpriv", "--pdeathsig", orphan.name.removeprefix("SIG"), "--")
    return command if works(command) else ()


def works(prefix: tuple[str, ...]) -> bool:
    """Whether commands can be run behind the prefix on this machine."""
    try:
        probe = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return probe.returncode == 0
