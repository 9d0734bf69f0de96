"""Is the process alive, and is it worth sending requests to."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from graph.operations import Api


async def live(request: Request) -> JSONResponse:
    return JSONResponse({"live": True})


async def ready(request: Request) -> JSONResponse:
    """Without Redis everything still works, later: only the database decides."""
    api: Api = request.state.api
    state = await api.services.ready()
    return JSONResponse(
        {"ready": state["database"], **state}, status_code=200 if state["database"] else 503
    )


def health_routes() -> list[BaseRoute]:
    return [Route("/health/live", live), Route("/health/ready", ready)]
