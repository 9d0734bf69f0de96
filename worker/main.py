"""`python -m worker.main`: the pool of worker processes, one per CPU core by default."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from urllib.parse import urlsplit

from domain.common.settings import Settings
from persistence.worker_wiring import worker_services
from worker.common.health import health_server
from worker.process.entrypoint import run
from worker.process.pool import WorkerPool

log = logging.getLogger(__name__)

DATABASE_CONNECTIONS = 2
"""This process uses the database only to deregister worker processes that died."""


async def run_worker(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings, DATABASE_CONNECTIONS) as services:
        pool = WorkerPool(
            services.queue, os.environ, settings.worker_processes, settings.max_call_seconds
        )
        facts = {
            "processes": pool.size,
            "calls_per_process": settings.worker_capacity,
            "voice_calls_per_process": settings.worker_voice_capacity,
            "livekit": urlsplit(settings.livekit_url).hostname,
        }
        log.info("worker starting", extra=facts)

        def first_is_ready() -> None:
            log.info("worker is ready: it accepts calls", extra=facts)
            ready()

        async with health_server(settings, pool.report):
            await pool.serve(stop, first_is_ready)
        log.info("worker stopped")


if __name__ == "__main__":
    run(run_worker, os.environ)
