"""`python -m worker.child`: one process of a pool. It hosts calls, and tells its parent as what."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from uuid import UUID

from domain.settings import Settings
from domain.tasks import beside
from persistence.wiring import worker_services
from worker.hearing import warm_up
from worker.host import Host
from worker.process import run
from worker.recording import Recorders

ORPHAN_SECONDS = 10.0
"""Whoever started the parent starts another: its processes should be there for our calls."""
LAST_SECONDS = 25.0
"""Longer than it takes to give every call back, as long as the store answers."""


async def hold_calls(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Until SIGTERM, or until the parent is gone: then the calls are given back."""
    if settings.livekit_url:
        await asyncio.to_thread(warm_up)
    async with (
        worker_services(settings) as services,
        Recorders.of(settings, services.sounds, services.recordings) as recorders,
        beside(_until_orphaned(stop)),
    ):
        host = Host(services.queue, services.recorder, services.outbound, settings, recorders)
        await host.serve(stop, _tell_parent)


def _tell_parent(worker: UUID) -> None:
    sys.stdout.write(f"{worker}\n")
    sys.stdout.flush()


async def _until_orphaned(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    lifeline = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lifeline), sys.stdin)
    await lifeline.read()
    await asyncio.sleep(ORPHAN_SECONDS)
    loop.call_later(LAST_SECONDS, os._exit, 1)
    stop.set()


if __name__ == "__main__":
    environ = dict(os.environ)
    environ.pop("READY_FILE", None)  # the parent's to touch
    run(hold_calls, environ, on_interrupt=False)
