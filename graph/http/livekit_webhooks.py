"""Webhooks of LiveKit: `POST /webhooks/livekit`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from domain.common.errors import DomainError, InvalidInput, Unauthenticated
from graph.requests.operations import GraphQLService

WEBHOOK_PATH = "/webhooks/livekit"
MAX_BODY_BYTES = 262_144
STATUSES: dict[type[DomainError], int] = {Unauthenticated: 401, InvalidInput: 400}


def livekit_webhook_routes() -> list[BaseRoute]:
    return [Route(WEBHOOK_PATH, accept_webhook, methods=["POST"])]


async def accept_webhook(request: Request) -> Response:
    api: GraphQLService = request.state.api
    webhooks = api.services.room_webhooks
    if webhooks is None:
        return PlainTextResponse("LiveKit is not configured.", 404)
    body = await _read(request)
    if body is None:
        return PlainTextResponse(f"A webhook has at most {MAX_BODY_BYTES} bytes.", 413)
    try:
        await webhooks.accept(body, request.headers.get("authorization", ""))
    except (Unauthenticated, InvalidInput) as error:
        return PlainTextResponse(error.message, STATUSES[type(error)])
    return Response(status_code=204)


async def _read(request: Request) -> bytes | None:
    """The body; None if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
