"""Holding calls: what a worker needs of the outside. Adapters live in persistence/."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.calls.commands import Command
from domain.calls.events import CallEvent, EphemeralPayload, StoredEvent
from domain.calls.model import Call, CallId, EndReason
from domain.common.access import TenantId
from domain.tenants.credentials import DecryptedCredentials
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.workflows.model import Version


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that this worker holds until it ends it or loses it."""

    call: Call
    version: Version
    epoch: int
    is_takeover: bool
    """Another worker held it before."""
    settings: TenantSettings = NO_SETTINGS
    credentials: DecryptedCredentials = field(default_factory=DecryptedCredentials, repr=False)
    """The tenant's own keys and secrets."""
    worker_id: UUID | None = None
    """The worker process that holds it; None where nothing is stored."""


class CallQueue(Protocol):
    """The call table as the queue that workers claim from. Every change is fenced by epoch."""

    async def register_worker(self, capacity: int) -> UUID:
        """Become a worker others can see; the id is good until it is reaped."""
        ...

    async def heartbeat(self, worker: UUID) -> bool:
        """False: taken for dead, every call is lost."""
        ...

    async def claim(
        self, worker: UUID, limit: int, *, include_voice: bool = True
    ) -> Sequence[Claim]:
        """So many of the calls that nobody holds, the oldest first. Without `voice`: text calls,
        and those that lost their worker and are left alone by everybody."""
        ...

    async def inbox(self, worker: UUID) -> Sequence[Command]:
        """What is asked of this worker's calls and not acknowledged yet, oldest first."""
        ...

    async def log_page(self, call: Call, after: int, limit: int) -> Iterable[StoredEvent]:
        """The events behind that number, at most so many, decoded as they are taken."""
        ...

    async def reset_takeovers(self, claim: Claim) -> None:
        """The call goes on: that its former workers died was not its doing."""
        ...

    async def is_over_budget(self, tenant: TenantId) -> bool:
        """The tenant's month allows no more, by its budgets as they are now."""
        ...

    async def end(self, claim: Claim, reason: EndReason) -> bool:
        """The one end of the call; False when it had ended or was fenced."""
        ...

    async def release(self, claim: Claim) -> None:
        """Give the call back so that another worker goes on with it."""
        ...

    async def reconcile(self, worker: UUID, held: Sequence[CallId]) -> None:
        """Give back every call of this worker but these: a claim whose answer was lost."""
        ...

    async def deregister_worker(self, worker: UUID) -> None:
        """The worker is gone, and whatever it still holds is given back."""
        ...

    async def has_waiting(self) -> bool:
        """A call waits for a worker."""
        ...

    def queue_notifications(self) -> AsyncIterator[bool]:
        """One item whenever it is worth looking at the queue: True when a call was said to wait,
        False when it is only time to look again."""
        ...

    def inbox_notifications(self, worker: UUID) -> AsyncIterator[bool]:
        """The same for the inbox of this worker's calls."""
        ...


class EventWriter(Protocol):
    """Writes the logs of the calls that this process holds. What it was not told to open, or has
    forgotten, counts as fenced."""

    def open(self, claim: Claim) -> None:
        """From now on this process holds the call, and no longer under an older epoch."""
        ...

    def emit(self, claim: Claim, event: CallEvent) -> None:
        """Never waits. Events of a call are stored in the order of emission."""
        ...

    def publish_partial(self, claim: Claim, event: EphemeralPayload) -> None:
        """Never waits; may be dropped."""
        ...

    async def wait_until_stored(self, claim: Claim) -> None:
        """Returns once everything emitted for the call is stored, or it is fenced."""
        ...

    def is_fenced(self, claim: Claim) -> bool:
        """Somebody else holds the call, or it has ended: nothing more can be stored."""
        ...

    async def holds_lease(self, claim: Claim) -> bool:
        """Whether nobody else can hold the call at this moment. Where the lease does not answer for
        it, the log is asked: raises `Unavailable` while it does not answer."""
        ...

    async def wait_until_fenced(self, claim: Claim) -> None:
        """Returns when the call is fenced."""
        ...

    def close(self, claim: Claim) -> None:
        """Done with this call."""
        ...
