"""The worker processes of one machine. A process that dies takes its calls along: so its death is
told at once, whoever is left takes them up, and another one is started.

To load the code of all that a voice call needs takes seconds of a processor. One process does that,
and every worker is a fork of it: so another one is there at once, and takes no time from those who
are just taking up its calls.

Parent and child share a socket. On it the child names the worker that it is known as, and says when
it retires: it then holds the calls that it has, takes no more, and another comes in its place. The
end of the socket tells either that the other is gone."""

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

from domain.calls.lease import CallQueue
from domain.common.tasks import cancel_and_wait
from worker.common.retry import retry_while_unavailable
from worker.process.entrypoint import DRAINING

log = logging.getLogger(__name__)

STOP_TIMEOUT_SECONDS = 18.0
MIN_UPTIME_SECONDS = 5.0
"""One that lived no longer is not replaced at once: it would only die again."""
RESTART_DELAY_SECONDS = 1.0
DRAIN_GRACE_SECONDS = 300.0
"""Of the last call of a process, beside what it may take: its caller comes, and we let go of it."""
DIED = "a worker process died"


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
        self, queue: CallQueue, environ: Mapping[str, str], size: int, max_call_seconds: float
    ) -> None:
        """`longest`: seconds that a call may take, and with it whoever holds it."""
        self._queue = queue
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
        """Keep so many at work until told to stop; `ready` once the first of them is."""
        told = False

        def first_ready() -> None:
            nonlocal told
            if not told:
                told = True
                ready()

        places = [asyncio.create_task(self._supervise_one(first_ready)) for _ in range(self.size)]
        try:
            await stop.wait()
            log.info("worker stops: its processes hand over their calls")
        finally:
            await cancel_and_wait(*places, *self._draining)
            if self._starts:  # whoever is on the way is told to stop with the others
                await asyncio.wait(self._starts, timeout=STOP_TIMEOUT_SECONDS)
            await asyncio.gather(*(_stop(child) for child in self._children))

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether any process holds calls, and how many of how many do."""
        at_work = len(self._active)
        return at_work > 0, {"processes": at_work, "wanted": self.size}

    async def _supervise_one(self, ready: Callable[[], None]) -> None:
        while True:
            try:
                await self._run_worker(ready)
            except Exception:  # the place stays, whatever became of who had it
                log.exception("a worker process could not be kept")
                await asyncio.sleep(RESTART_DELAY_SECONDS)

    async def _run_worker(self, ready: Callable[[], None]) -> None:
        child = await self._spawn_shielded()
        began = time.monotonic()
        life = await self._follow_status(child, ready)
        if life.draining:
            farewell = asyncio.create_task(self._wait_until_drained(child, life))
            self._draining.add(farewell)
            farewell.add_done_callback(self._draining.discard)
            return
        log.error(DIED, extra={"pid": child.process.pid})
        await self._deregister(child, life)
        if time.monotonic() - began < MIN_UPTIME_SECONDS:
            await asyncio.sleep(RESTART_DELAY_SECONDS)

    async def _follow_status(self, child: WorkerProcess, ready: Callable[[], None]) -> WorkerStatus:
        """Until it is dead, or retires."""
        life = WorkerStatus()
        try:
            async for line in child.reader:
                word = line.decode().strip()
                if word == DRAINING:
                    self._active.discard(child)
                    return replace(life, draining=True)
                life = WorkerStatus(worker_id=UUID(word))
                self._active.add(child)
                ready()
        except Exception:
            child.send_signal(signal.SIGKILL)
            self._forget(child)
            raise
        return life

    async def _wait_until_drained(self, child: WorkerProcess, status: WorkerStatus) -> None:
        """It holds its last calls, and is dead when they are over, or before."""
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
            await retry_while_unavailable(partial(self._queue.deregister_worker, status.worker_id))

    def _forget(self, child: WorkerProcess) -> None:
        self._children.discard(child)
        self._active.discard(child)
        child.writer.close()

    async def _spawn_shielded(self) -> WorkerProcess:
        """A fork cannot be called off: whoever no longer waits for it leaves it to `serve`."""
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
            async with self._fork_lock:  # the first waits until everything is loaded
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
    """What a child does. Its module is imported only here: the parent need not load it."""
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
