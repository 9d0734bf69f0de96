"""Fault injection at the wire, per provider."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket


@dataclass(frozen=True, slots=True)
class RejectedConnection:
    """The connection is rejected with an HTTP status: 401, 429, 503, …"""

    status: int = 503


@dataclass(frozen=True, slots=True)
class DelayedResponse:
    """A correct response is sent after a delay in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection is closed in the middle of a response."""


@dataclass(frozen=True, slots=True)
class MalformedMessage:
    """A message that violates the protocol is sent instead of a response."""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """Requests are accepted and never answered."""


Fault = RejectedConnection | DelayedResponse | Disconnect | MalformedMessage | NoResponse
RESPONSE_FAULTS = (DelayedResponse, Disconnect, MalformedMessage, NoResponse)


@dataclass(slots=True)
class Faults:
    """Faults by provider. Each scheduled fault happens once, in order; a persistent one always."""

    scheduled: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    persistent: dict[str, Fault] = field(default_factory=dict)

    def next_fault(self, provider: str, kinds: type | tuple[type, ...]) -> Fault | None:
        """Take the next fault if it is of one of these kinds."""
        persistent = self.persistent.get(provider)
        if persistent is not None:
            return persistent if isinstance(persistent, kinds) else None
        queue = self.scheduled[provider]
        return queue.pop(0) if queue and isinstance(queue[0], kinds) else None

    async def accept(self, provider: str, socket: WebSocket) -> bool:
        """Accept the connection, or reject it if that fault is next. Returns whether it is open."""
        fault = self.next_fault(provider, RejectedConnection)
        if isinstance(fault, RejectedConnection):
            body = {"error": f"refused with {fault.status}"}
            await socket.send_denial_response(JSONResponse(body, status_code=fault.status))
            return False
        await socket.accept()
        return True

    async def http_response(self, provider: str) -> Response | None:
        """What the next fault makes of the response to an HTTP request; None for the correct one."""
        match self.next_fault(provider, (RejectedConnection, *RESPONSE_FAULTS)):
            case RejectedConnection(status=status):
                return JSONResponse({"error": f"refused with {status}"}, status_code=status)
            case DelayedResponse(seconds=seconds):
                await asyncio.sleep(seconds)
            case Disconnect() | MalformedMessage():
                return Response("<html>502 Bad Gateway</html>")
            case NoResponse():
                await asyncio.get_running_loop().create_future()
        return None

    async def inject(self, provider: str, socket: WebSocket, partial_response: list[Any]) -> bool:
        """Inject the next fault, if any. Returns whether it replaces the response;
        `partial_response` is what is sent before a disconnect."""
        match self.next_fault(provider, RESPONSE_FAULTS):
            case DelayedResponse(seconds=seconds):
                await asyncio.sleep(seconds)
                return False
            case Disconnect():
                for message in partial_response:
                    await socket.send_json(message)
                await socket.close(1011)
            case MalformedMessage():
                await socket.send_text("<html>502 Bad Gateway</html>")
            case NoResponse():
                pass
            case _:
                return False
        return True
