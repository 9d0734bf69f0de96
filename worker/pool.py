"""The worker processes of one machine. A process that dies takes its calls along: so its death is
told at once, whoever is left takes them up, and another one is started."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from uuid import UUID

from domain.holding import CallQueue
from domain.tasks import end
from worker.patience import patiently

log = logging.getLogger(__name__)

STOP_SECONDS = 18.0
SHORT_LIFE_SECONDS = 5.0
"""One that lived no longer is not replaced at once: it would only die again."""
PAUSE_SECONDS = 1.0


@dataclass(slots=True)
class Child:
    process: ForkServerProcess
    pipe: Connection
    began: float = field(default_factory=time.monotonic)
    worker: UUID | None = None
    enlisted: asyncio.Event = field(default_factory=asyncio.Event)
    died: asyncio.Event = field(default_factory=asyncio.Event)


class Pool:
    def __init__(self, queue: CallQueue, environ: Mapping[str, str], size: int) -> None:
        self._queue = queue
        self._environ = dict(environ)
        self._size = size or os.cpu_count() or 1
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["worker.child"])

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Keep so many at work until told to stop; `ready` once the first of them is."""
        places = [asyncio.create_task(self._keep_one(ready)) for _ in range(self._size)]
        try:
            await stop.wait()
        finally:
            await end(*places)

    async def _keep_one(self, ready: Callable[[], None]) -> None:
        while True:
            child = await asyncio.to_thread(self._start)
            try:
                self._watch(child)
                await _first(child.enlisted, child.died)
                if child.enlisted.is_set():
                    ready()
                await child.died.wait()
            except asyncio.CancelledError:
                await self._stop(child)
                raise
            log.error("a worker died", extra={"pid": child.process.pid})
            if child.worker is not None:
                await patiently(partial(self._queue.dismiss, child.worker))
            if time.monotonic() - child.began < SHORT_LIFE_SECONDS:
                await asyncio.sleep(PAUSE_SECONDS)

    def _start(self) -> Child:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_hold_calls, args=(self._environ, theirs), daemon=True
        )
        process.start()
        # Only theirs may be left open, or they would not see us die.
        theirs.close()
        return Child(process, ours)

    def _watch(self, child: Child) -> None:
        loop = asyncio.get_running_loop()

        def told() -> None:
            try:
                child.worker = child.pipe.recv()
                child.enlisted.set()
            except (EOFError, OSError):
                loop.remove_reader(child.pipe.fileno())

        def died() -> None:
            loop.remove_reader(child.process.sentinel)
            loop.remove_reader(child.pipe.fileno())
            child.died.set()

        loop.add_reader(child.pipe.fileno(), told)
        loop.add_reader(child.process.sentinel, died)

    async def _stop(self, child: Child) -> None:
        child.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await child.died.wait()
        except TimeoutError:
            child.process.kill()


def _hold_calls(environ: Mapping[str, str], parent: Connection) -> None:
    # Only there: the parent has no use for all that a call needs.
    from worker.child import hold_calls

    hold_calls(environ, parent)


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*waits)
