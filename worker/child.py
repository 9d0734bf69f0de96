"""One worker process of a pool: hosts calls, and tells its parent under which name.

Loaded once in the fork server, so that another one is there within a moment."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection

import uvloop

from domain.logs import log_to_stderr
from domain.settings import Settings
from persistence.wiring import worker_services
from worker.hearing import warm_up
from worker.host import Host


def hold_calls(environ: Mapping[str, str], parent: Connection) -> None:
    """Until SIGTERM, or until the parent is gone: then the calls are given back."""
    os.environ.clear()
    os.environ.update(environ)
    uvloop.run(_hold_calls(Settings.from_env(environ), parent))


async def _hold_calls(settings: Settings, parent: Connection) -> None:
    log_to_stderr(settings.log_level)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    # Ctrl-C reaches a whole process group; whoever started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def gone() -> None:
        loop.remove_reader(parent.fileno())
        stop.set()

    loop.add_reader(parent.fileno(), gone)
    if settings.livekit_url:
        await asyncio.to_thread(warm_up)
    async with worker_services(settings) as services:
        host = Host(services.queue, services.recorder, services.outbound, settings)
        await host.serve(stop, parent.send)
