"""A process whose network is gone: it is stopped, and the packets that arrive for it are lost. Without
that they would wait in its sockets, and it would play them when it continues."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from domain.common.tasks import background_task

SYS_PIDFD_GETFD = 438
DRAIN_INTERVAL_SECONDS = 0.02


@asynccontextmanager
async def without_network(pid: int) -> AsyncIterator[None]:
    """Take the network away from a child process for the duration of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            sockets = [stack.enter_context(each) for each in _udp_sockets(pid)]
            async with background_task(_drain(sockets)):
                yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _drain(sockets: list[socket.socket]) -> None:
    while True:
        for each in sockets:
            with suppress(BlockingIOError):
                while each.recv(65_536, socket.MSG_DONTWAIT):
                    pass
        await asyncio.sleep(DRAIN_INTERVAL_SECONDS)


def _udp_sockets(pid: int) -> Iterator[socket.socket]:
    """Duplicates of the process's UDP sockets."""
    inodes = {
        line.split()[9]
        for table in ("udp", "udp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    }
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            if target.removeprefix("socket:[").removesuffix("]") not in inodes:
                continue
            fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(link.name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            yield socket.socket(fileno=fd)
    finally:
        os.close(pidfd)
