"""Exports of audit logs, sent to holders of a link: `GET /audit-exports/<token>`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from domain.common.errors import Forbidden, NotFound, TenantSuspended, Unavailable
from domain.use_cases.audit import read_export
from graph.requests.operations import GraphQLService

EXPORT_TIMEOUT_SECONDS = 600.0
"""How long a client may take to read an export. It may export shorter ranges."""
MEDIA_TYPE = "application/x-ndjson"
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Disposition": 'attachment; filename="audit-log.ndjson"',
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def audit_export_routes() -> list[BaseRoute]:
    return [Route("/audit-exports/{token}", get_export)]


async def get_export(request: Request) -> Response:
    api: GraphQLService = request.state.api
    try:
        lines = cast(AsyncGenerator[str], read_export(api.services, request.path_params["token"]))
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=MEDIA_TYPE)
        # Read the first line before the status is sent: there may be no free slot.
        first = await anext(lines)
    except (Forbidden, TenantSuspended) as forbidden:
        return _error_response(403, forbidden.message)
    except NotFound as error:
        return _error_response(404, error.message)
    except Unavailable:
        return _error_response(503, "The audit log cannot be read now; try again.")
    return StreamingResponse(_body(first, lines), headers=HEADERS, media_type=MEDIA_TYPE)


async def _body(first: str, rest: AsyncGenerator[str]) -> AsyncIterator[str]:
    """An export that takes too long or fails has no signature, so that it is known to be incomplete."""
    async with aclosing(cast(Any, rest)):
        yield first
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(EXPORT_TIMEOUT_SECONDS):
                async for line in rest:
                    yield line


def _error_response(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status, HEADERS)
