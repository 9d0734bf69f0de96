"""`python -m worker.main`: the processes that talk, one for each core."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from urllib.parse import urlsplit

from domain.settings import Settings
from persistence.worker_wiring import worker_services
from worker.health import health_served
from worker.pool import Pool
from worker.process import run

log = logging.getLogger(__name__)

DATABASE_CONNECTIONS = 2
"""This process only tells of the deaths of others."""


async def work(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings, DATABASE_CONNECTIONS) as services:
        size, longest = settings.worker_processes, settings.max_call_seconds
        pool = Pool(services.queue, os.environ, size, longest)
        facts = {
            "processes": pool.size,
            "calls_per_process": settings.worker_capacity,
            "voice_calls_per_process": settings.worker_voice_capacity,
            "livekit": urlsplit(settings.livekit_url).hostname,
        }
        log.info("worker starts", extra=facts)

        def first_is_ready() -> None:
            log.info("worker is ready: it takes calls", extra=facts)
            ready()

        async with health_served(settings, pool.report):
            await pool.serve(stop, first_is_ready)
        log.info("worker stopped")


if __name__ == "__main__":
    run(work, os.environ)
