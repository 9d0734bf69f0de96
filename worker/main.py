"""`python -m worker.main`: the process that talks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from domain.settings import Settings
from persistence.wiring import worker_services
from worker.hearing import warm_up
from worker.host import Host
from worker.process import run


async def work(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    if settings.livekit_url:
        await asyncio.to_thread(warm_up)
    async with worker_services(settings) as services:
        host = Host(services.queue, services.recorder, services.outbound, settings)
        await host.serve(stop, ready)


if __name__ == "__main__":
    run(work, os.environ)
