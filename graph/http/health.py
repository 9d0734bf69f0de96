"""Liveness and readiness endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from graph.http.lame_duck import LameDuck
from graph.requests.operations import GraphQLService


async def live(request: Request) -> JSONResponse:
    return JSONResponse({"live": True})


def health_routes(lame_duck: LameDuck) -> list[BaseRoute]:
    async def ready(request: Request) -> JSONResponse:
        """Ready while the database answers and the process is not about to stop.

        Redis does not count: without it everything works, only with a delay."""
        api: GraphQLService = request.state.api
        state = await api.services.ready()
        is_ready = state["database"] and not lame_duck.started
        body = {"ready": is_ready, "stopping": lame_duck.started, **state}
        return JSONResponse(body, status_code=200 if is_ready else 503)

    return [Route("/health/live", live), Route("/health/ready", ready)]
