"""The LiveKit room of a voice call: its name, its participants, and the caller's access to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.calls.model import Call, CallId

CALLER_IDENTITY = "caller"
"""The identity of the one participant that agents listen to, unless the call has another."""

ROOM_PREFIX = "call-"
AGENT_PREFIX = "agent-"
LOBBY_PREFIX = "lobby-"

COLLEAGUE_PREFIX = "colleague-"

EMPTY_TIMEOUT_SECONDS = 120
"""The server closes a room that no participant has joined for this long."""
DEPARTURE_TIMEOUT_SECONDS = 60
"""The server closes a room that all participants but agents left this long ago. The worker ends
the call well before."""


def room_name(call: CallId) -> str:
    """The name of the call's room, unless the call has another."""
    return f"{ROOM_PREFIX}{call}"


def room_of(call: Call) -> str:
    return call.room_name or room_name(call.id)


def call_of_room(room: str) -> CallId | None:
    """The call after which the room is named; None if it is named after none."""
    prefix, _, id = room.partition("-")
    try:
        return CallId(UUID(id)) if f"{prefix}-" == ROOM_PREFIX else None
    except ValueError:
        return None


def caller_of(call: Call) -> str:
    return call.caller_identity or CALLER_IDENTITY


def colleague_of(transfer_id: str) -> str:
    """The identity of the person that this transfer calls, in the room of the call."""
    return f"{COLLEAGUE_PREFIX}{transfer_id}"


def agent_identity(call: CallId, epoch: int) -> str:
    """Different in every epoch, so that removing a stale agent cannot remove its successor."""
    return f"{AGENT_PREFIX}{call}-{epoch}"


def lobby_identity(call: CallId, epoch: int) -> str:
    """`epoch` is that of the hold, which increases with each lobby that takes the caller over."""
    return f"{LOBBY_PREFIX}{call}-{epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomAccess:
    """Admits one caller to one room, with permission to publish a microphone and nothing else."""

    url: str
    token: str = field(repr=False)
    room: str
    expires_at: datetime


class RoomAccessIssuer(Protocol):
    def require_server(self) -> None:
        """Raise `Unavailable` while it is known that there is no LiveKit server yet."""
        ...

    def issue(self, call: CallId, now: datetime) -> RoomAccess: ...
