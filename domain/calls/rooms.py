"""The room of a voice call: its name, who is in it, and the ticket that lets a caller in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.calls.model import CallId

CALLER_IDENTITY = "caller"
"""The identity of the one participant that agents listen to."""

EMPTY_TIMEOUT_SECONDS = 120
"""A room that nobody has joined is closed by the server after this long."""
DEPARTURE_TIMEOUT_SECONDS = 60
"""So is one that everybody but agents has left. The worker ends the call well before."""


def room_name(call: CallId) -> str:
    return f"call-{call}"


def agent_identity(call: CallId, epoch: int) -> str:
    """New with every epoch: a participant that takes over an identity is thrown out with it."""
    return f"agent-{call}-{epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomAccess:
    """Lets one caller into one room, with a microphone and nothing else."""

    url: str
    token: str = field(repr=False)
    room: str
    expires_at: datetime


class RoomAccessIssuer(Protocol):
    def issue(self, call: CallId, now: datetime) -> RoomAccess: ...
