"""`/health/live` and `/health/ready` of a worker or a keeper, for process supervisors.

Live: the event loop responds. Ready: the process does its work, or would if its stores were
available. Neither checks a store: restarting processes in an outage only makes it longer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from domain.common.settings import Settings

HealthReport = Callable[[], tuple[bool, Mapping[str, Any]]]
"""Returns whether the process is ready, and the facts behind that."""


@asynccontextmanager
async def health_server(settings: Settings, report: HealthReport) -> AsyncGenerator[None]:
    """Serve on HEALTH_HOST and HEALTH_PORT while the block runs; do nothing if no port is set."""
    if not settings.health_port:
        yield
        return
    # Imported here because it takes 7 MB, which a process without health checks can save.
    from aiohttp import web

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        is_ready, facts = report()
        return web.json_response({"ready": is_ready, **facts}, status=200 if is_ready else 503)

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.health_host, settings.health_port).start()
        yield
    finally:
        await runner.cleanup()
