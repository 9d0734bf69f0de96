"""HTTP and WebSocket protocol classes for uvicorn that limit what one connection may send.

The limits are checked where bytes arrive, after every few kilobytes that are parsed. The application
could only close a connection, and the server would continue to parse what arrives after the close
frame."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from graph.requests.token_buckets import Rate, TokenBucket

log = logging.getLogger("graph.access")

SLICE_BYTES = 4096
"""How many bytes are parsed between two checks of the bounds."""
MAX_PIPELINED = 8
ABORTED = "cut"
"""Key in the scope's state: the connection was aborted because it exceeded a bound."""
MESSAGE_RATE = Rate(per_second=50, burst=250)
"""Allows a client to start a hundred subscriptions at once."""
BYTE_RATE = Rate(per_second=65_536, burst=262_144)
"""Allows four messages of the maximum size at once, then one per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits on what one connection may send."""

    messages: Rate = MESSAGE_RATE
    """The rate of WebSocket frames of any type."""
    bytes: Rate = BYTE_RATE
    """The rate of bytes over WebSocket."""
    header_bytes: int = 32_768
    """The limit for headers, and for chunk headers and trailers of a body."""
    header_lines: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 30.0


class BoundedConfig(uvicorn.Config):
    """A uvicorn configuration that passes the bounds to both protocol classes."""

    def __init__(self, app: ASGIApp, bounds: Bounds, **options: Any) -> None:
        super().__init__(app, http=BoundedHttp, ws=BoundedWebSocket, **options)
        self.bounds = bounds


class RequestPhase(Enum):
    """The part of a request that the connection waits for."""

    FIRST_BYTE = "first byte"
    HEADERS = "headers"
    BODY = "body"
    NOTHING = "nothing"


class HeadersTooLarge(Exception):
    """Raised inside the parser to stop it, after the response has been written."""


class BoundedHttp(HttpToolsProtocol):
    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = config.bounds
        self._phase = RequestPhase.FIRST_BYTE
        self._requests = 0
        self._overhead = 0
        """About how many bytes of the request arrived since the last bytes of its body."""
        self._deadline_for: tuple[int, RequestPhase] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    # ---- received data ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._update_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for piece in _slices(data):
            if self._phase is RequestPhase.NOTHING:
                self._phase = RequestPhase.FIRST_BYTE
            super().data_received(piece)
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            if self._phase in (RequestPhase.HEADERS, RequestPhase.BODY):
                self._overhead += len(piece)
                if self._overhead > self._bounds.header_bytes:
                    self._reject(431)
                    return
        self._update_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = RequestPhase.HEADERS
        self._requests += 1
        self._overhead = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self._bounds.header_lines:
            self._reject(431)
            raise HeadersTooLarge

    def on_headers_complete(self) -> None:
        self._phase = RequestPhase.BODY
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            raise HeadersTooLarge
        super().on_headers_complete()
        self._overhead = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._overhead = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._phase = RequestPhase.NOTHING

    def handle_websocket_upgrade(self) -> None:
        self._cancel_deadline()
        super().handle_websocket_upgrade()
        # The parser refers to this object. uvicorn drops it only when a plain HTTP connection ends.
        self.parser = None  # type: ignore[assignment]

    # ---- rejections ------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _reject(self, status: int) -> None:
        """Send a response if the client still expects one, and close the connection."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._phase is RequestPhase.BODY:
            answering = bool(self.pipeline) or self.cycle.response_started
        if self._phase is not RequestPhase.FIRST_BYTE and not answering:
            closing = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + closing)
        self.transport.close()

    # ---- deadlines -------------------------------------------------------------------------

    def _update_deadline(self) -> None:
        """Each phase of a request has one deadline, in however many packets it arrives."""
        awaited = (self._requests, self._phase)
        if awaited == self._deadline_for:
            return
        self._cancel_deadline()
        self._deadline_for = awaited
        if self._phase is not RequestPhase.NOTHING:
            body = self._phase is RequestPhase.BODY
            seconds = self._bounds.body_seconds if body else self._bounds.header_seconds
            self._deadline = self.loop.call_later(seconds, self._reject, 408)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        now = self.loop.time()
        self._messages = TokenBucket(config.bounds.messages, now)
        self._bytes = TokenBucket(config.bounds.bytes, now)

    def data_received(self, data: bytes) -> None:
        if not self._bytes.take(len(data), self.loop.time()):
            self._abort("bytes")
            return
        for piece in _slices(data):
            super().data_received(piece)
            if self.transport.is_closing():
                return

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # Otherwise uvicorn logs a handshake that was rejected with a response as a server error.
            self.handshake_complete = True

    def handle_events(self) -> None:
        if self._messages.take(len(self.conn.events), self.loop.time()):
            super().handle_events()
        else:
            self._abort("messages")

    def _abort(self, too_many: str) -> None:
        log.info("websocket aborted", extra={"too_many": too_many})
        if self.handshake_initiated:
            self.scope["state"][ABORTED] = True
        self.transport.abort()


def _slices(data: bytes) -> Iterator[bytes]:
    if len(data) <= SLICE_BYTES:
        yield data
        return
    for start in range(0, len(data), SLICE_BYTES):
        yield data[start : start + SLICE_BYTES]
