"""`/health/live` and `/health/ready` of a worker or a keeper, for whoever watches the process.

Live: its event loop answers. Ready: it does its work, or would if a store were not away. Neither asks a
store: a process that is restarted because a store is away only makes the outage longer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from domain.common.settings import Settings

HealthReport = Callable[[], tuple[bool, Mapping[str, Any]]]
"""Whether the process is ready, and facts that say why or why not."""


@asynccontextmanager
async def health_server(settings: Settings, report: HealthReport) -> AsyncGenerator[None]:
    """While the block runs, on HEALTH_HOST and HEALTH_PORT; nothing where no port is set."""
    if not settings.health_port:
        yield
        return
    # Takes 7 MB, which a process that nobody watches does without.
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
