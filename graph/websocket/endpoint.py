"""GraphQL over WebSocket: who is let in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from domain.common.errors import RateLimited
from graph.http.protocols import CUT
from graph.requests.errors import shown, told
from graph.requests.operations import Api
from graph.requests.rate_limit import COST_OF_ONE
from graph.requests.responses import encode
from graph.websocket.connection import Connection

PROTOCOL = "graphql-transport-ws"
COST_OF_CUT = 9 * COST_OF_ONE
"""For the address of a flood: it would go on with the next connection."""


class GraphQLOverWebSocket:
    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not self._welcome(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})  # answered as HTTP 403
            return
        api: Api = scope["state"]["api"]
        stranger = api.throttle.stranger(scope["client"][0] if scope.get("client") else "")
        with ExitStack() as held:
            try:
                await api.throttle.check(stranger)
                held.enter_context(api.quotas.address_sockets.held(stranger.key))
            except RateLimited as limited:
                await _refuse(send, told(limited))
                return
            except GraphQLError as full:
                await _refuse(send, full)
                return
            connection = Connection(scope, receive, send)
            await self._serve(connection, offered=PROTOCOL in scope["subprotocols"])
        if connection.viewer is None or scope["state"].get(CUT):
            with suppress(RateLimited):
                await api.throttle.spend(stranger, COST_OF_CUT if scope["state"].get(CUT) else 0)

    async def _serve(self, connection: Connection, *, offered: bool) -> None:
        subprotocol = PROTOCOL if offered else None
        await connection.raw_send({"type": "websocket.accept", "subprotocol": subprotocol})
        if not offered:
            await connection.close(4406, "Subprotocol not acceptable")
            return
        with connection.api.connections.watching(connection):
            await connection.serve()

    def _welcome(self, headers: Headers) -> bool:
        """Pages of other origins are let in by name; programs send no Origin."""
        origin = headers.get("origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return True
        return urlsplit(origin).netloc == headers.get("host")


async def _refuse(send: Send, error: GraphQLError) -> None:
    """As the answer to the HTTP request that asks for the connection."""
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    body = encode({"errors": shown([error])})
    await send({"type": "websocket.http.response.body", "body": body})
