"""Callers on hold: a lobby process answers their phones while all workers are busy, until a worker claims
the call, the caller hangs up, or they have waited for too long.

A lobby does not hold the call: the call stays in the queue, and workers claim it as they would without a
lobby. So a lobby that dies costs a moment of silence and no call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.calls.events import CallEvent
from domain.calls.model import Call, CallId, EndReason
from domain.telephony.hold import HoldPolicy
from domain.tenants.credentials import DecryptedCredentials
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.workflows.model import Version

HOLD_LEASE_SECONDS = 4.0
"""A lobby that has not renewed for this long has lost its callers to other lobbies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCall:
    """A call whose caller this lobby puts on hold, and what it needs for that."""

    call: Call
    version: Version
    policy: HoldPolicy
    epoch: int
    """Increases with each lobby that takes the caller over."""
    held_seconds: float
    """How long the caller has been on hold already, with another lobby."""
    was_answered: bool
    """Whether another lobby has answered the phone, which therefore does not ring any more."""
    position: int = 1
    trunk: str | None = None
    """The name of the inbound trunk; None if it was deleted."""
    settings: TenantSettings = NO_SETTINGS
    credentials: DecryptedCredentials = field(default_factory=DecryptedCredentials, repr=False)


@dataclass(frozen=True, slots=True)
class HeldState:
    """A call that this lobby still has on hold."""

    call_id: CallId
    epoch: int
    is_waiting: bool
    """Whether no worker has claimed the call yet."""
    position: int


class HeldCalls(Protocol):
    async def note_waiting(self) -> None:
        """Record in the log of each call that waits for a worker that its caller hears ringing."""
        ...

    async def take(self, lobby: UUID, limit: int) -> Sequence[HeldCall]:
        """Take up to `limit` callers who have heard ringing for long enough, or whose lobby was lost,
        oldest first. None while no worker is registered: then no agent could greet them later."""
        ...

    async def renew(self, lobby: UUID) -> Sequence[HeldState]:
        """Renew the lease of this lobby for its callers, and return them. One that is missing has
        ended, or was taken over by another lobby."""
        ...

    async def record(self, held: HeldCall, event: CallEvent) -> bool:
        """Append the event to the log of a call that no worker holds. False: a worker does, or the
        call has ended."""
        ...

    async def end(self, held: HeldCall, reason: EndReason) -> bool:
        """End the call unless a worker holds it. False: one does, or the call has ended."""
        ...

    async def leave(self, lobby: UUID, call: CallId) -> None:
        """Forget the caller, who talks to an agent now, or whose call has ended."""
        ...

    async def release(self, lobby: UUID, call: CallId | None = None) -> None:
        """Let other lobbies take over the caller of that call, or all of this lobby, at once."""
        ...
