"""`python -m worker.main`: the processes that talk, one for each core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from domain.settings import Settings
from persistence.wiring import worker_services
from worker.pool import Pool
from worker.process import run

DATABASE_CONNECTIONS = 2
"""This process only tells of the deaths of others."""


async def work(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings, DATABASE_CONNECTIONS) as services:
        size, longest = settings.worker_processes, settings.max_call_seconds
        await Pool(services.queue, os.environ, size, longest).serve(stop, ready)


if __name__ == "__main__":
    run(work, os.environ)
