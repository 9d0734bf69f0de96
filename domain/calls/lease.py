"""The ports through which a worker claims calls and writes their logs. The adapters live in
persistence/."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.calls.commands import Command
from domain.calls.events import CallEvent, EphemeralPayload, StoredEvent
from domain.calls.model import Call, CallId, EndReason
from domain.common.access import TenantId
from domain.telephony.trunks import DialTrunk
from domain.tenants.credentials import DecryptedCredentials
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.tools.transfers import TransferMode
from domain.workflows.model import Version


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that this worker holds until the call ends or the worker loses or releases it."""

    call: Call
    version: Version
    epoch: int
    is_takeover: bool
    """Another worker held the call before."""
    settings: TenantSettings = NO_SETTINGS
    credentials: DecryptedCredentials = field(default_factory=DecryptedCredentials, repr=False)
    """The tenant's own keys and secrets."""
    dial_trunk: DialTrunk | None = field(default=None, repr=False)
    """The trunk to dial over; None for a call that is not dialled, or whose trunk was deleted."""
    inbound_trunk: str | None = None
    """The name of the trunk from which the call came; None for other calls, or when it was deleted."""
    worker_id: UUID | None = None
    """The worker process that holds the call; None in simulations, where nothing is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReservation:
    """What a transfer needs of a trunk. `id` is that of the transfer: the same one is counted once."""

    id: UUID
    number: str
    mode: TransferMode
    trunk: str | None
    """The name of the trunk; None: that of the call, or the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLine:
    """The trunk that a transfer may use."""

    trunk: DialTrunk
    from_number: str
    """The number that the colleague sees; empty in a cold transfer."""
    wait_seconds: float
    """In how many seconds the trunk may dial."""


class WorkerRegistry(Protocol):
    """The worker processes that may hold calls."""

    async def register_worker(self, capacity: int, voice_capacity: int | None = None) -> UUID:
        """Register a worker that holds up to `capacity` calls, and up to `voice_capacity` voice calls
        among them. The id is valid until the worker is deregistered or declared dead."""
        ...

    async def heartbeat(self, worker: UUID) -> bool:
        """Renew the worker's lease. False: it was declared dead and has lost every call."""
        ...

    async def deregister_worker(self, worker: UUID) -> None:
        """Remove the worker, and release the calls it still holds."""
        ...


class ClaimedCalls(Protocol):
    """What a worker does with the calls that it holds. Every change is fenced by epoch."""

    async def log_page(self, call: Call, after: int, limit: int) -> Iterable[StoredEvent]:
        """The events after that number, at most `limit`, decoded lazily."""
        ...

    async def reset_takeovers(self, claim: Claim) -> None:
        """Reset the count of failed takeovers: the call runs, so it did not kill its workers."""
        ...

    async def is_over_budget(self, tenant: TenantId) -> bool:
        """Whether a monthly budget of the tenant, as currently set, is exhausted."""
        ...

    async def reserve_dial(self, claim: Claim) -> float:
        """Reserve the next moment at which the call may be dialled over its trunk; return in how many
        seconds it comes. Raises `QuotaExceeded` when a monthly budget of the tenant is exhausted, which
        may have happened since the call was started, and `DialRefused` when the trunk leads to a
        private address or its name does not resolve."""
        ...

    async def reserve_transfer(self, claim: Claim, transfer: TransferReservation) -> TransferLine:
        """Count the transfer against the limits of its trunk, which a warm one occupies until
        `release_transfer` or the end of the call. Raises `DialRefused`."""
        ...

    async def release_transfer(self, transfer: UUID) -> None:
        """The colleague's leg is gone, so the transfer occupies its trunk no longer."""
        ...

    async def end(self, claim: Claim, reason: EndReason) -> bool:
        """End the call. False: it has already ended, or the claim is fenced."""
        ...

    async def release(self, claim: Claim) -> None:
        """Release the call so that another worker can continue it."""
        ...


class WorkerQueue(WorkerRegistry, ClaimedCalls, Protocol):
    """The call table as the queue from which workers claim."""

    async def claim(
        self, worker: UUID, limit: int, *, include_voice: bool = True
    ) -> Sequence[Claim]:
        """Claim up to `limit` calls that no worker holds, oldest first. Without `include_voice`,
        claim text calls, and voice calls that lost their worker and that no other has taken over
        for a while."""
        ...

    async def reconcile(self, worker: UUID, held: Sequence[CallId]) -> None:
        """Release every call of this worker except these: claims whose response was lost."""
        ...

    async def inbox(self, worker: UUID) -> Sequence[Command]:
        """The unacknowledged commands to this worker's calls, oldest first."""
        ...

    async def has_waiting(self) -> bool:
        """Whether a call waits for a worker. Those that wait for their trunk do not."""
        ...

    def queue_notifications(self) -> AsyncIterator[bool]:
        """Yield whenever the queue should be checked: True when a call was announced, False when
        the poll interval has passed."""
        ...

    def inbox_notifications(self, worker: UUID) -> AsyncIterator[bool]:
        """Yield like `queue_notifications`, for the inbox of this worker's calls."""
        ...


class EventWriter(Protocol):
    """Writes the logs of the calls that this process holds. A claim that was not opened, or was
    closed, counts as fenced."""

    def open(self, claim: Claim) -> None:
        """Start writing for this claim; older claims of the call are fenced."""
        ...

    def emit(self, claim: Claim, event: CallEvent) -> None:
        """Queue an event without waiting. Events of a call are stored in the order of emission."""
        ...

    def publish_partial(self, claim: Claim, event: EphemeralPayload) -> None:
        """Publish an ephemeral event without waiting; it may be dropped."""
        ...

    async def wait_until_stored(self, claim: Claim) -> None:
        """Return once everything emitted for the call is stored, or the claim is fenced."""
        ...

    def is_fenced(self, claim: Claim) -> bool:
        """Whether another worker holds the call or it has ended: nothing more can be stored."""
        ...

    async def holds_lease(self, claim: Claim) -> bool:
        """Whether no other worker can hold the call at this moment. If the last heartbeat is too
        old to prove it, the lease is renewed in the database; raises `Unavailable` while the
        database does not respond."""
        ...

    async def wait_until_fenced(self, claim: Claim) -> None:
        """Return when the claim is fenced."""
        ...

    def close(self, claim: Claim) -> None:
        """Stop writing for this claim."""
        ...
