"""The processes and ports of this machine. The only module that imports psutil."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable

import psutil


def command_line(pid: int) -> tuple[str, ...]:
    """The command line of a process; empty if it does not exist."""
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
    """Unix time at which the process started, which with the pid identifies it; 0 if it does not
    exist."""
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
    """The pids of processes whose command line contains this argument."""
    processes = psutil.process_iter(["cmdline"])
    return [process.pid for process in processes if argument in (process.info["cmdline"] or ())]


def find_by_variable(name: str) -> dict[int, str]:
    """The pids of processes started with this environment variable, each with its value."""
    processes = psutil.process_iter(["environ", "status"])
    return {
        process.pid: process.info["environ"][name]
        for process in processes
        if name in (process.info["environ"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    }


def terminate(pid: int, how: signal.Signals, grace: float) -> None:
    """Stop a process that is not a child of this one: send the signal, after `grace` seconds
    SIGKILL, and wait until it is gone."""
    terminate_all([pid], how, grace)


def terminate_all(pids: Collection[int], how: signal.Signals, grace: float) -> None:
    """Like `terminate`, for several processes concurrently."""
    for signal_number, seconds in ((how, grace), (signal.SIGKILL, grace)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        if wait_until_gone(pids, seconds):
            return


def wait_until_gone(pids: Iterable[int], timeout: float) -> bool:
    """Wait until all processes are gone. Returns whether they are, within `timeout` seconds."""
    remaining, deadline = set(pids), time.monotonic() + timeout
    while remaining := {pid for pid in remaining if is_alive(pid)}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie counts as dead, because its parent may never reap it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def listening_addresses(pid: int) -> list[str]:
    """The TCP addresses on which a process listens, as `host:port`."""
    connections = psutil.Process(pid).net_connections("tcp")
    listening = (c.laddr for c in connections if c.status == psutil.CONN_LISTEN and c.laddr)
    return [f"{address.ip}:{address.port}" for address in listening]


def owner(pid: int) -> str:
    return psutil.Process(pid).username()


def describe_listener(port: int) -> str:
    """The process that listens on the port, for a message: `nginx (pid 812)`."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port:
                pid = connection.pid
                return f"{name(pid)} (pid {pid})" if pid else "a process of another user"
    return "another process"


def udp_ports() -> dict[int, str]:
    """The UDP ports that are open on this machine, each with the name of the process that has it;
    empty names belong to processes of other users."""
    with contextlib.suppress(psutil.Error):
        return {
            connection.laddr.port: name(connection.pid) if connection.pid else ""
            for connection in psutil.net_connections("udp")
            if connection.laddr
        }
    return {}


def memory_bytes(pid: int) -> int:
    """Memory of the process and its children in bytes; on Linux shared memory counts once."""
    total = 0
    for member in (pid, *children(pid)):
        with contextlib.suppress(psutil.Error):
            total += proportional_memory_bytes(psutil.Process(member))
    return total


def proportional_memory_bytes(process: psutil.Process) -> int:
    """The PSS on Linux, which includes a proportional share of shared memory; the USS elsewhere."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.uss))
