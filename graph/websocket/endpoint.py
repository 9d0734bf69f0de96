"""GraphQL over WebSocket: accepts or rejects connections."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from domain.common.errors import RateLimited
from graph.http.protocols import ABORTED
from graph.requests.errors import format_errors, from_domain_error
from graph.requests.operations import GraphQLService
from graph.requests.rate_limit import COST_PER_UNIT
from graph.requests.responses import encode
from graph.websocket.connection import ClientConnection

SUBPROTOCOL = "graphql-transport-ws"
ABORTED_CONNECTION_COST = 9 * COST_PER_UNIT
"""Charged to the address of an aborted connection, which would continue on its next one."""


class GraphQLOverWebSocket:
    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not self._is_allowed_origin(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})  # answered as HTTP 403
            return
        api: GraphQLService = scope["state"]["api"]
        bucket = api.rate_limiter.anonymous_socket_bucket(
            scope["client"][0] if scope.get("client") else ""
        )
        with ExitStack() as quota:
            try:
                await api.rate_limiter.check(bucket)
                quota.enter_context(api.quotas.address_sockets.acquire(bucket.key))
            except RateLimited as limited:
                await _reject(send, from_domain_error(limited))
                return
            except GraphQLError as over_quota:
                await _reject(send, over_quota)
                return
            connection = ClientConnection(scope, receive, send)
            await self._serve(connection, offered=SUBPROTOCOL in scope["subprotocols"])
        if connection.viewer is None or scope["state"].get(ABORTED):
            with suppress(RateLimited):
                await api.rate_limiter.spend(
                    bucket, ABORTED_CONNECTION_COST if scope["state"].get(ABORTED) else 0
                )

    async def _serve(self, connection: ClientConnection, *, offered: bool) -> None:
        subprotocol = SUBPROTOCOL if offered else None
        await connection.raw_send({"type": "websocket.accept", "subprotocol": subprotocol})
        if not offered:
            await connection.close(4406, "Subprotocol not acceptable")
            return
        with connection.api.connections.register(connection):
            await connection.serve()

    def _is_allowed_origin(self, headers: Headers) -> bool:
        """Pages of other origins need to be listed; clients that are no browsers send no Origin."""
        origin = headers.get("origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return True
        return urlsplit(origin).netloc == headers.get("host")


async def _reject(send: Send, error: GraphQLError) -> None:
    """Reject the handshake with an HTTP response."""
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    body = encode({"errors": format_errors([error])})
    await send({"type": "websocket.http.response.body", "body": body})
