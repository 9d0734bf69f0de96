"""`python -m worker.main`: the processes that talk, one for each core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from domain.settings import Settings
from persistence.wiring import worker_services
from worker.health import health_served
from worker.pool import Pool
from worker.process import run


async def work(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings) as services:
        size, longest = settings.worker_processes, settings.max_call_seconds
        pool = Pool(services.queue, os.environ, size, longest)
        async with health_served(settings, pool.report):
            await pool.serve(stop, ready)


if __name__ == "__main__":
    run(work, os.environ)
