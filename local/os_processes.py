"""The processes and ports of this machine. The only place that knows psutil."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable

import psutil


def command_line(pid: int) -> tuple[str, ...]:
    """The command line of a living process; empty when there is none."""
    try:
        return tuple(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return ()


def name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a process"


def start_time(pid: int) -> float:
    """When the process was started: with the pid, its identity. 0 when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except (psutil.Error, OSError):
        return 0.0


def children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def find_by_argument(argument: str) -> list[int]:
    """The processes that have this among the arguments of their command line."""
    found = psutil.process_iter(["cmdline"])
    return [one.pid for one in found if argument in (one.info["cmdline"] or ())]


def find_by_variable(name: str) -> dict[int, str]:
    """Of every living process that was started with this variable, its value there."""
    found = psutil.process_iter(["environ", "status"])
    return {
        one.pid: one.info["environ"][name]
        for one in found
        if name in (one.info["environ"] or ()) and one.info["status"] != psutil.STATUS_ZOMBIE
    }


def terminate(pid: int, how: signal.Signals, grace: float) -> None:
    """End a process that is not our child: ask, wait, insist, wait until it is gone."""
    terminate_all([pid], how, grace)


def terminate_all(pids: Collection[int], how: signal.Signals, grace: float) -> None:
    """The same for several at once."""
    for ask, seconds in ((how, grace), (signal.SIGKILL, grace)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, ask)
        if wait_until_gone(pids, seconds):
            return


def wait_until_gone(pids: Iterable[int], timeout: float) -> bool:
    """Wait; answers whether all of them are gone."""
    left, end = set(pids), time.monotonic() + timeout
    while left := {pid for pid in left if is_alive(pid)}:
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def is_alive(pid: int) -> bool:
    """A zombie is dead: whoever should have buried it may never do so."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def listening_addresses(pid: int) -> list[str]:
    """The addresses a process accepts connections on, as `host:port`."""
    connections = psutil.Process(pid).net_connections("tcp")
    listening = (c.laddr for c in connections if c.status == psutil.CONN_LISTEN and c.laddr)
    return [f"{address.ip}:{address.port}" for address in listening]


def owner(pid: int) -> str:
    return psutil.Process(pid).username()


def describe_listener(port: int) -> str:
    """Who listens on the port, for a message: `nginx (pid 812)`."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            here = connection.laddr
            if connection.status == psutil.CONN_LISTEN and here and here.port == port:
                pid = connection.pid
                return f"{name(pid)} (pid {pid})" if pid else "a process of another user"
    return "another process"


def memory_bytes(pid: int) -> int:
    """Bytes held by the process and its children; what they share is counted once."""
    total = 0
    for one in (pid, *children(pid)):
        with contextlib.suppress(psutil.Error):
            total += proportional_memory_bytes(psutil.Process(one))
    return total


def proportional_memory_bytes(process: psutil.Process) -> int:
    """Bytes that are its alone, and where that is known (on Linux), its part of what is shared."""
    told = process.memory_full_info()
    return int(getattr(told, "pss", told.uss))
