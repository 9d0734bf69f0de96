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
from domain.common.tasks import end
from worker.common.retry import patiently
from worker.process.entrypoint import RETIRES

log = logging.getLogger(__name__)

STOP_SECONDS = 18.0
SHORT_LIFE_SECONDS = 5.0
"""One that lived no longer is not replaced at once: it would only die again."""
PAUSE_SECONDS = 1.0
LAST_SECONDS = 300.0
"""Of the last call of a process, beside what it may take: its caller comes, and we let go of it."""
DIED = "a worker process died"


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    process: ForkServerProcess
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def tell(self, how: signal.Signals) -> None:
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, how)

    async def is_gone(self) -> None:
        await self.reader.read()


@dataclass(frozen=True, slots=True)
class Life:
    known_as: UUID | None = None
    retires: bool = False


class Pool:
    def __init__(
        self, queue: CallQueue, environ: Mapping[str, str], size: int, longest: float
    ) -> None:
        """`longest`: seconds that a call may take, and with it whoever holds it."""
        self._queue = queue
        self._environ = dict(environ)
        self.size = size or os.cpu_count() or 1
        self._starts: set[asyncio.Task[Child]] = set()
        self._children: set[Child] = set()
        self._at_work: set[Child] = set()
        self._longest = longest
        self._farewells: set[asyncio.Task[None]] = set()
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["worker.process.worker_process"])
        self._one_at_a_time = asyncio.Lock()

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Keep so many at work until told to stop; `ready` once the first of them is."""
        told = False

        def first_ready() -> None:
            nonlocal told
            if not told:
                told = True
                ready()

        places = [asyncio.create_task(self._keep_one(first_ready)) for _ in range(self.size)]
        try:
            await stop.wait()
            log.info("worker stops: its processes hand over their calls")
        finally:
            await end(*places, *self._farewells)
            if self._starts:  # whoever is on the way is told to stop with the others
                await asyncio.wait(self._starts, timeout=STOP_SECONDS)
            await asyncio.gather(*(_stopped(child) for child in self._children))

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether any process holds calls, and how many of how many do."""
        at_work = len(self._at_work)
        return at_work > 0, {"processes": at_work, "wanted": self.size}

    async def _keep_one(self, ready: Callable[[], None]) -> None:
        while True:
            try:
                await self._one_life(ready)
            except Exception:  # the place stays, whatever became of who had it
                log.exception("a worker process could not be kept")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _one_life(self, ready: Callable[[], None]) -> None:
        child = await self._started()
        began = time.monotonic()
        life = await self._lived(child, ready)
        if life.retires:
            farewell = asyncio.create_task(self._see_out(child, life))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)
            return
        log.error(DIED, extra={"pid": child.process.pid})
        await self._bury(child, life)
        if time.monotonic() - began < SHORT_LIFE_SECONDS:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _lived(self, child: Child, ready: Callable[[], None]) -> Life:
        """Until it is dead, or retires."""
        life = Life()
        try:
            async for line in child.reader:
                word = line.decode().strip()
                if word == RETIRES:
                    self._at_work.discard(child)
                    return replace(life, retires=True)
                life = Life(known_as=UUID(word))
                self._at_work.add(child)
                ready()
        except Exception:
            child.tell(signal.SIGKILL)
            self._forget(child)
            raise
        return life

    async def _see_out(self, child: Child, life: Life) -> None:
        """It holds its last calls, and is dead when they are over, or before."""
        try:
            async with asyncio.timeout(self._longest + LAST_SECONDS):
                await child.is_gone()
        except (TimeoutError, ConnectionError):
            child.tell(signal.SIGKILL)
        await self._bury(child, life)
        await asyncio.to_thread(child.process.join, STOP_SECONDS)
        if child.process.exitcode != 0:
            log.error(DIED, extra={"pid": child.process.pid})

    async def _bury(self, child: Child, life: Life) -> None:
        self._forget(child)
        if life.known_as is not None:
            await patiently(partial(self._queue.dismiss, life.known_as))

    def _forget(self, child: Child) -> None:
        self._children.discard(child)
        self._at_work.discard(child)
        child.writer.close()

    async def _started(self) -> Child:
        """A fork cannot be called off: whoever no longer waits for it leaves it to `serve`."""
        start = asyncio.create_task(self._start())
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return await asyncio.shield(start)

    async def _start(self) -> Child:
        ours, theirs = socket.socketpair()
        process = self._forks.Process(target=live, args=(theirs, self._environ), daemon=True)
        try:
            async with self._one_at_a_time:  # the first waits until everything is loaded
                await asyncio.to_thread(process.start)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = Child(process, *await asyncio.open_connection(sock=ours))
        self._children.add(child)
        return child


def live(parent: socket.socket, environ: Mapping[str, str]) -> None:
    """What a child does. Its module is imported only here: the parent need not load it."""
    from worker.process.worker_process import main

    main(parent, environ)


async def _stopped(child: Child) -> None:
    child.tell(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.is_gone()
    except TimeoutError:
        child.tell(signal.SIGKILL)
        await child.is_gone()
