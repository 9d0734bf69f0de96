"""Calls that a carrier has sent into a room of LiveKit: what becomes a call, and what does not.

A room of an inbound call exists before the call does. A keeper that finds it opens the call, and from
there on it is claimed like every other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.calls.model import CallId

SIP_HEADERS_KEY = "sip_headers"
"""The key of the user context that has the SIP headers which the trunk allows."""
EARLIER_CALLS_KEY = "earlier_calls"
"""The key of the user context that has earlier calls with the same number, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLeg:
    """A caller who rings, as LiveKit shows them."""

    room_name: str
    identity: str
    number_id: UUID
    """The number that was called."""
    caller_number: str | None
    """None if the caller withholds it."""
    headers: Mapping[str, str] = field(default_factory=dict)


class InboundCalls(Protocol):
    async def rooms_without_call(self, rooms: Sequence[str]) -> Sequence[str]:
        """Return those of the rooms for which no call was opened yet."""
        ...

    async def open(self, leg: InboundLeg) -> CallId | None:
        """Store a pending call for the leg; None if another keeper has done so. Raises
        `QuotaExceeded` when a budget of the tenant is exhausted, and `NotFound` when nothing
        answers the number any more."""
        ...

    def room_notifications(self) -> AsyncIterator[None]:
        """Yield whenever the rooms should be checked: when LiveKit has reported a change, and at
        least once per poll interval."""
        ...


class RoomWebhooks(Protocol):
    """What LiveKit reports about rooms. Reports may be lost, repeated or late, so they only say when
    to look."""

    async def accept(self, body: bytes, authorization: str) -> None:
        """Raises `Unauthenticated` unless LiveKit has signed the report."""
        ...
