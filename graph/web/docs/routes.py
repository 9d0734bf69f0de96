"""The documentation of this release at `/docs/`, for installations without access to the internet."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from graph.web.docs.catalog import INDEX_URL, PREFIX, product_root
from graph.web.docs.library import HTML, Document, Library
from graph.web.static_assets import COMMON_HEADERS, has_etag

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    **COMMON_HEADERS,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    # Pages change with a release, under the same URL; browsers ask whether one did.
    "Cache-Control": "no-cache",
}


def docs_routes(root: Path | None = None) -> list[BaseRoute]:
    library = Library(root or product_root())

    async def index(_: Request) -> Response:
        return RedirectResponse(INDEX_URL)

    async def document(request: Request) -> Response:
        url = f"{PREFIX}/{request.path_params['path']}"
        if found := await library.find(url):
            return _response(request, found)
        if moved := library.moved(url):
            return RedirectResponse(moved)
        return Response(library.not_found(), 404, HEADERS, HTML)

    return [Route(PREFIX, index), Route(f"{PREFIX}/{{path:path}}", document)]


def _response(request: Request, document: Document) -> Response:
    headers = {**HEADERS, "ETag": document.etag}
    if has_etag(request, document.etag):
        return Response(None, 304, headers)
    return Response(document.body, 200, headers, document.media_type)
