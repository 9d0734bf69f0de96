"""Is the process alive, and is it worth sending requests to."""

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
        """Without Redis everything still works, later: only the database decides, and whether
        the process is about to stop."""
        api: GraphQLService = request.state.api
        state = await api.services.ready()
        is_ready = state["database"] and not lame_duck.started
        told = {"ready": is_ready, "stopping": lame_duck.started, **state}
        return JSONResponse(told, status_code=200 if is_ready else 503)

    return [Route("/health/live", live), Route("/health/ready", ready)]
