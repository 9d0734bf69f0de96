"""The worker processes of one machine. A process that dies takes its calls along: so its death is
told at once, whoever is left takes them up, and another one is started.

Parent and child talk through the child's standard streams: its output names the worker that it is
known as, and the end of its input tells it that the parent is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID

from domain.holding import CallQueue
from domain.tasks import end
from worker.patience import patiently

log = logging.getLogger(__name__)

STOP_SECONDS = 18.0
SHORT_LIFE_SECONDS = 5.0
"""One that lived no longer is not replaced at once: it would only die again."""
PAUSE_SECONDS = 1.0


class Pool:
    def __init__(self, queue: CallQueue, environ: Mapping[str, str], size: int) -> None:
        self._queue = queue
        self._environ = dict(environ)
        self._size = size or os.cpu_count() or 1
        self._children: set[Process] = set()

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Keep so many at work until told to stop; `ready` once the first of them is."""
        places = [asyncio.create_task(self._keep_one(ready)) for _ in range(self._size)]
        try:
            await stop.wait()
        finally:
            await end(*places)
            await asyncio.gather(*(_stopped(child) for child in self._children))

    async def _keep_one(self, ready: Callable[[], None]) -> None:
        while True:
            began = time.monotonic()
            try:
                await self._one_life(ready)
            except Exception:  # the place stays, whatever became of who had it
                log.exception("a worker process could not be kept")
            if time.monotonic() - began < SHORT_LIFE_SECONDS:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _one_life(self, ready: Callable[[], None]) -> None:
        child = await self._start()
        known_as = await self._watch(child, ready)
        log.error("a worker process died", extra={"pid": child.pid})
        if known_as is not None:
            await patiently(partial(self._queue.dismiss, known_as))

    async def _start(self) -> Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker.child", stdin=PIPE, stdout=PIPE, env=self._environ
        )
        self._children.add(child)
        return child

    async def _watch(self, child: Process, ready: Callable[[], None]) -> UUID | None:
        """Until it is dead; what it was last known as."""
        known_as: UUID | None = None
        assert child.stdout is not None
        while not child.stdout.at_eof():
            with suppress(ValueError):  # a library may print, and at length
                known_as = UUID((await child.stdout.readline()).decode().strip())
                ready()
        await child.wait()
        self._children.discard(child)
        return known_as


async def _stopped(child: Process) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
