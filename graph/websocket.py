"""GraphQL over WebSocket: who is let in."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from graph.conversation import Connection

PROTOCOL = "graphql-transport-ws"


class GraphQLOverWebSocket:
    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not self._welcome(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})  # answered as HTTP 403
            return
        offered = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        connection = Connection(scope, receive, send)
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
