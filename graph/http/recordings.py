"""Recordings stored in a local folder, served to holders of a link: `GET /recordings/<token>`."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from domain.calls.recordings import CONTENT_TYPE, AudioStore
from domain.common.errors import Forbidden, NotFound, Unavailable
from domain.ports import Services
from graph.requests.operations import GraphQLService

HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-store",
    "Content-Disposition": 'inline; filename="recording.ogg"',
    # A browser that opens the link shows the audio in a page that it generates itself.
    "Content-Security-Policy": "default-src 'none'; media-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
RANGE_PATTERN = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def recording_routes() -> list[BaseRoute]:
    return [Route("/recordings/{token}", get_recording)]


async def get_recording(request: Request) -> Response:
    api: GraphQLService = request.state.api
    services = api.services
    try:
        return await _respond(services, request)
    except Forbidden as forbidden:
        return _error_response(403, forbidden.message)
    except NotFound:
        return _error_response(404, "There is no such recording.")
    except Unavailable:
        return _error_response(503, "The recording store is not responding; try again.")


async def _respond(services: Services, request: Request) -> Response:
    key = services.signed_links.verify(request.path_params["token"], services.clock())
    store = services.audio_store
    size = await store.size(key) if store is not None else None
    if store is None or size is None:
        raise NotFound("There is no such recording.")
    try:
        requested = parse_range(request.headers.get("range"), size)
    except ValueError:
        return _error_response(
            416,
            "The requested range is outside of the recording.",
            {"Content-Range": f"bytes */{size}"},
        )
    start, end = requested or (0, size)
    headers = {**HEADERS, "Content-Length": str(end - start)}
    if requested is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 200 if requested is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=CONTENT_TYPE)
    body = _read_range(store, key, start, end)
    # Read the first bytes before the status is sent: the recording may have been deleted.
    first = await anext(body, b"")
    return StreamingResponse(_stream_body(first, body), status, headers, CONTENT_TYPE)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The requested byte range, end excluded.

    None means the whole file: without a header, for several ranges, and for a header that cannot be
    parsed. Raises `ValueError` when the range holds no byte of the file."""
    match = RANGE_PATTERN.fullmatch(header.replace(" ", "")) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= end:
        raise ValueError(header)
    return start, end


async def _read_range(store: AudioStore, key: str, start: int, end: int) -> AsyncGenerator[bytes]:
    async for chunk in store.read(key, start, end):
        yield chunk


async def _stream_body(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(cast(Any, rest)):
        yield first
        async for chunk in rest:
            yield chunk


def _error_response(status: int, why: str, more: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{why}\n", status, {**HEADERS, **(more or {})})
