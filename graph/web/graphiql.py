"""GraphiQL, for whoever opens the API in a browser."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from graph.web.static_assets import EVERYWHERE, STATIC, files_of, own_sockets

POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; connect-src 'self'"
)


def ide_routes(local_token: str) -> list[BaseRoute]:
    return [Route("/graphiql", ide_page), *files_of("graphiql", local_token)]


async def ide_page(request: Request) -> Response:
    """Also what GET /graphql answers to a browser, hence `Vary`."""
    headers = {
        **EVERYWHERE,
        "Content-Security-Policy": POLICY + own_sockets(request),
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    return FileResponse(STATIC / "graphiql" / "index.html", headers=headers)
