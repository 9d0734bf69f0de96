"""The pool of worker processes on one machine. When a process dies, its calls are released
immediately so that the remaining workers can resume them, and a new process is started.

Importing the voice stack takes several CPU-seconds; a fork server pays that once. A replacement
therefore starts at once and takes no CPU time from the processes that resume the calls.

Parent and child share a socket. On it the child sends its worker id, and DRAINING when it starts to
drain: it then keeps its calls and claims no more, and a replacement is started. When either process
dies, the other one sees the socket close."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.context import ForkServerProcess
from typing import Any
from uuid import UUID

from domain.calls.lease import WorkerRegistry
from domain.common.tasks import cancel_and_wait
from worker.common.retry import retry_while_unavailable
from worker.process.entrypoint import DRAINING

log = logging.getLogger(__name__)

STOP_TIMEOUT_SECONDS = 23.0
MIN_UPTIME_SECONDS = 5.0
"""A process that died sooner is replaced after a delay, because the next is likely to die, too."""
RESTART_DELAY_SECONDS = 1.0
DRAIN_GRACE_SECONDS = 300.0
"""Time that a draining process has in addition to the maximum duration of its last call, for the
caller to join and for the call to be closed."""
DIED = "worker process died"


@dataclass(frozen=True, slots=True, eq=False)
class WorkerProcess:
    process: ForkServerProcess
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send_signal(self, signum: signal.Signals) -> None:
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signum)

    async def wait_for_exit(self) -> None:
        await self.reader.read()


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    worker_id: UUID | None = None
    draining: bool = False


class WorkerPool:
    def __init__(
        self,
        registry: WorkerRegistry,
        environ: Mapping[str, str],
        size: int,
        max_call_seconds: float,
    ) -> None:
        """`size`: the number of processes; 0 means one per CPU core."""
        self._registry = registry
        self._environ = dict(environ)
        self.size = size or os.cpu_count() or 1
        self._starts: set[asyncio.Task[WorkerProcess]] = set()
        self._children: set[WorkerProcess] = set()
        self._active: set[WorkerProcess] = set()
        self._max_call_seconds = max_call_seconds
        self._draining: set[asyncio.Task[None]] = set()
        self._fork_context = multiprocessing.get_context("forkserver")
        self._fork_context.set_forkserver_preload(["worker.process.worker_process"])
        self._fork_lock = asyncio.Lock()

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Keep `size` processes running until `stop` is set. Calls `ready` when the first one is."""
        is_ready = False

        def on_ready() -> None:
            nonlocal is_ready
            if not is_ready:
                is_ready = True
                ready()

        supervisors = [asyncio.create_task(self._supervise_one(on_ready)) for _ in range(self.size)]
        try:
            await stop.wait()
            log.info("worker stopping: its processes release their calls")
        finally:
            await cancel_and_wait(*supervisors, *self._draining)
            if self._starts:  # processes that are still starting are stopped with the others
                await asyncio.wait(self._starts, timeout=STOP_TIMEOUT_SECONDS)
            await asyncio.gather(*(_stop(child) for child in self._children))

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether any process claims calls, and how many do out of how many."""
        active = len(self._active)
        return active > 0, {"processes": active, "wanted": self.size}

    async def _supervise_one(self, ready: Callable[[], None]) -> None:
        while True:
            try:
                await self._run_worker(ready)
            except Exception:  # any failure of the process is followed by a restart
                log.exception("failed to supervise a worker process")
                await asyncio.sleep(RESTART_DELAY_SECONDS)

    async def _run_worker(self, ready: Callable[[], None]) -> None:
        child = await self._spawn_shielded()
        started_at = time.monotonic()
        status = await self._follow_status(child, ready)
        if status.draining:
            draining = asyncio.create_task(self._wait_until_drained(child, status))
            self._draining.add(draining)
            draining.add_done_callback(self._draining.discard)
            return
        log.error(DIED, extra={"pid": child.process.pid})
        await self._deregister(child, status)
        if time.monotonic() - started_at < MIN_UPTIME_SECONDS:
            await asyncio.sleep(RESTART_DELAY_SECONDS)

    async def _follow_status(self, child: WorkerProcess, ready: Callable[[], None]) -> WorkerStatus:
        """Read the child's messages until it dies or starts to drain."""
        status = WorkerStatus()
        try:
            async for line in child.reader:
                message = line.decode().strip()
                if message == DRAINING:
                    self._active.discard(child)
                    return replace(status, draining=True)
                status = WorkerStatus(worker_id=UUID(message))
                self._active.add(child)
                ready()
        except Exception:
            child.send_signal(signal.SIGKILL)
            self._forget(child)
            raise
        return status

    async def _wait_until_drained(self, child: WorkerProcess, status: WorkerStatus) -> None:
        """Wait for a draining child to exit; kill it when it takes too long."""
        try:
            async with asyncio.timeout(self._max_call_seconds + DRAIN_GRACE_SECONDS):
                await child.wait_for_exit()
        except (TimeoutError, ConnectionError):
            child.send_signal(signal.SIGKILL)
        await self._deregister(child, status)
        await asyncio.to_thread(child.process.join, STOP_TIMEOUT_SECONDS)
        if child.process.exitcode != 0:
            log.error(DIED, extra={"pid": child.process.pid})

    async def _deregister(self, child: WorkerProcess, status: WorkerStatus) -> None:
        self._forget(child)
        if status.worker_id is not None:
            await retry_while_unavailable(
                partial(self._registry.deregister_worker, status.worker_id)
            )

    def _forget(self, child: WorkerProcess) -> None:
        self._children.discard(child)
        self._active.discard(child)
        child.writer.close()

    async def _spawn_shielded(self) -> WorkerProcess:
        """Spawn a process, shielded because a fork cannot be cancelled; `serve` stops the process
        if the caller is cancelled meanwhile."""
        start = asyncio.create_task(self._spawn())
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return await asyncio.shield(start)

    async def _spawn(self) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        process = self._fork_context.Process(
            target=child_main, args=(theirs, self._environ), daemon=True
        )
        try:
            async with self._fork_lock:  # the first fork waits until the preload is done
                await asyncio.to_thread(process.start)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = WorkerProcess(process, *await asyncio.open_connection(sock=ours))
        self._children.add(child)
        return child


def child_main(parent: socket.socket, environ: Mapping[str, str]) -> None:
    """The entry point of a child. Its module is imported here so that the parent need not load it."""
    from worker.process.worker_process import main

    main(parent, environ)


async def _stop(child: WorkerProcess) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await child.wait_for_exit()
    except TimeoutError:
        child.send_signal(signal.SIGKILL)
        await child.wait_for_exit()
