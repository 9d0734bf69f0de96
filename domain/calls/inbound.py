"""Calls that a carrier has sent into a room of LiveKit: what becomes a call, and what does not.

A room of an inbound call exists before the call does. A keeper that finds it opens the call, and from
there on it is claimed like every other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.calls.model import CallId
from domain.common.errors import CallerRefused
from domain.telephony.attestation import Attestation, attestation_of
from domain.telephony.trunks import PhoneNumberSpec

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
    """The headers that the trunk allows, and those of the attestation, by names that templates can
    read."""

    @property
    def attestation(self) -> Attestation:
        return attestation_of(self.headers)

    def allowed_headers(self, context_headers: Iterable[str]) -> Mapping[str, str]:
        """The headers that agents may read."""
        allowed = {header_key(header) for header in context_headers}
        return {name: value for name, value in self.headers.items() if name in allowed}


@dataclass(frozen=True, slots=True)
class WaitingLeg:
    """The caller of a call that waits for a worker."""

    call_id: CallId
    room_name: str


def header_key(header: str) -> str:
    """The name of a SIP header that templates can read: `x_campaign`."""
    return header.lower().replace("-", "_")


def check_attestation(leg: InboundLeg, number: PhoneNumberSpec) -> None:
    """Raise `CallerRefused` if the number does not take calls that are attested like this."""
    if leg.attestation in number.refused_attestations:
        raise CallerRefused(f"The number refuses calls whose attestation is {leg.attestation}.", ())


class InboundCalls(Protocol):
    async def rooms_without_call(self, rooms: Sequence[str]) -> Sequence[str]:
        """Return those of the rooms for which no call was opened yet."""
        ...

    async def open(self, leg: InboundLeg) -> CallId | None:
        """Store a pending call for the leg; None if another keeper has done so. Raises
        `QuotaExceeded` when a budget of the tenant is exhausted, `CallerRefused` when the number does
        not take such calls, and `NotFound` when nothing answers the number any more."""
        ...

    async def unclaimed(self) -> Sequence[WaitingLeg]:
        """Return the callers who wait for a worker and are not on hold, oldest first; at most 500."""
        ...

    async def end_abandoned(self, id: CallId) -> bool:
        """End a call whose caller has hung up before a worker claimed it. False: one has claimed it, or
        it has ended."""
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
