"""Faults to order from a stand-in, by provider: what goes wrong at the wire, and when."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket


@dataclass(frozen=True, slots=True)
class RejectedConnection:
    """At connect, with a status: 401, 429, 503, …"""

    status: int = 503


@dataclass(frozen=True, slots=True)
class DelayedResponse:
    """Answers as it should, so many seconds late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection breaks in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class MalformedMessage:
    """Something that is not of the protocol comes in place of an answer."""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """Takes everything and never answers."""


Fault = RejectedConnection | DelayedResponse | Disconnect | MalformedMessage | NoResponse
RESPONSE_FAULTS = (DelayedResponse, Disconnect, MalformedMessage, NoResponse)


@dataclass(slots=True)
class Faults:
    """Each order is carried out once, first come first served; `lasting` ones every time."""

    scheduled: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    persistent: dict[str, Fault] = field(default_factory=dict)

    def next_fault(self, provider: str, kinds: type | tuple[type, ...]) -> Fault | None:
        """The fault that is due now, if the next one is of these kinds."""
        lasting = self.persistent.get(provider)
        if lasting is not None:
            return lasting if isinstance(lasting, kinds) else None
        queue = self.scheduled[provider]
        return queue.pop(0) if queue and isinstance(queue[0], kinds) else None

    async def accept(self, provider: str, socket: WebSocket) -> bool:
        """Accepts a connection, unless it is to be refused."""
        refused = self.next_fault(provider, RejectedConnection)
        if isinstance(refused, RejectedConnection):
            body = {"error": f"refused with {refused.status}"}
            await socket.send_denial_response(JSONResponse(body, status_code=refused.status))
            return False
        await socket.accept()
        return True

    async def inject(self, provider: str, socket: WebSocket, partial_response: list[Any]) -> bool:
        """Whether something went wrong in place of an answer; `half` is what still comes of it
        before a cut."""
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
