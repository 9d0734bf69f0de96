"""GraphiQL, the page that the API shows in a browser."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from graph.web.static_assets import COMMON_HEADERS, STATIC_FOLDER, asset_routes, websocket_sources

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; connect-src 'self'"
)


def graphiql_routes(local_token: str) -> list[BaseRoute]:
    return [Route("/graphiql", graphiql_page), *asset_routes("graphiql", local_token)]


async def graphiql_page(request: Request) -> Response:
    """The page. GET /graphql also returns it to browsers, hence `Vary`."""
    headers = {
        **COMMON_HEADERS,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY + websocket_sources(request),
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    return FileResponse(STATIC_FOLDER / "graphiql" / "index.html", headers=headers)
