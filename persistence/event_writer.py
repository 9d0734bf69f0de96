"""Writes the logs of the calls that a worker process holds.

`emit` never waits. A single flusher takes the pending events of all calls, stores them in one
statement, notifies watchers, and continues with the events that were emitted meanwhile, so batches
grow with the load. A batch whose outcome is unknown is sent again unchanged; the log recognises
duplicates."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.events import (
    AgentTurn,
    CallEvent,
    CommandApplied,
    CommandRefused,
    EphemeralPayload,
    HandedOff,
    NodeEntered,
    StateChanged,
    UserTurn,
    cost_of_event,
)
from domain.calls.lease import Claim
from domain.calls.model import CallState
from persistence import notifications
from persistence.codec import encode_ephemeral_message, encode_event, encode_message
from persistence.database import short_transaction
from persistence.db_errors import is_outage, translate_outages
from persistence.leases import WorkerLeases
from persistence.pubsub import Channels

log = logging.getLogger(__name__)

MAX_BATCH_EVENTS = 2_000
PARTIAL_INTERVAL_SECONDS = 0.05

APPEND_EVENTS = "select * from append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
MARK_COMMANDS_DONE = "update call_command set done_at = now() where id = any($1)"
# One statement for the check and the renewal: the worker cannot be declared dead in between.
RENEW_LEASE = """
    with worker as (
        update worker_process set heartbeat_at = now() where id = $3 returning id)
    select true from call_log l join worker on worker.id = l.worker_id
     where l.call_id = $1 and l.epoch = $2 and l.ended_at is null
"""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An encoded event that is not stored yet."""

    at: datetime
    event: CallEvent
    body: str


@dataclass(slots=True)
class CallBuffer:
    """The pending events of one call, and the number of the next one."""

    claim: Claim
    next_seq: int = 1
    pending: list[PendingEvent] = field(default_factory=list)
    fenced: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Event = field(default_factory=asyncio.Event)


STORED_STATUSES = ("ok", "dup")

Batch = list[tuple[CallBuffer, Sequence[PendingEvent]]]


@dataclass(frozen=True, slots=True)
class AppendResult:
    """The status that the log returned for a batch of events of one call."""

    status: str
    first: int | None
    entries: Sequence[PendingEvent]


class SqlEventWriter:
    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], leases: WorkerLeases
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._leases = leases
        self._buffers: dict[UUID, CallBuffer] = {}
        self._partials: dict[tuple[UUID, str], tuple[Claim, EphemeralPayload]] = {}
        self._partials_timer: asyncio.TimerHandle | None = None
        self._has_pending = asyncio.Event()

    def open(self, claim: Claim) -> None:
        buffer = self._buffers.get(claim.call.id)
        if buffer is not None and buffer.claim.epoch >= claim.epoch:
            return
        if buffer is not None:
            self.close(buffer.claim)
        self._buffers[claim.call.id] = CallBuffer(claim)

    def emit(self, claim: Claim, event: CallEvent) -> None:
        buffer = self._buffer(claim)
        if buffer is not None and not buffer.fenced.is_set():
            buffer.pending.append(PendingEvent(datetime.now(UTC), event, encode_event(event)))
            if isinstance(event, AgentTurn):
                self._partials.pop((claim.call.id, event.turn_id), None)
            buffer.stored.clear()
            self._has_pending.set()

    def publish_partial(self, claim: Claim, event: EphemeralPayload) -> None:
        if self.is_fenced(claim):
            return
        # The newest revision of a turn replaces one that has not been sent yet.
        self._partials[claim.call.id, event.turn_id] = (claim, event)
        if self._partials_timer is None:
            loop = asyncio.get_running_loop()
            self._partials_timer = loop.call_later(PARTIAL_INTERVAL_SECONDS, self._flush_partials)

    def _flush_partials(self) -> None:
        self._partials_timer = None
        self._has_pending.set()

    async def wait_until_stored(self, claim: Claim) -> None:
        buffer = self._buffer(claim)
        if buffer is not None and buffer.pending and not buffer.fenced.is_set():
            await buffer.stored.wait()

    def is_fenced(self, claim: Claim) -> bool:
        buffer = self._buffer(claim)
        return buffer is None or buffer.fenced.is_set()

    @translate_outages
    async def holds_lease(self, claim: Claim) -> bool:
        buffer = self._buffer(claim)
        while buffer is not None and not buffer.fenced.is_set():
            if self._leases.is_fresh(claim.worker_id):
                return True
            if not await self._renew_lease(claim):
                self._fence(buffer, "fenced")
            elif self._leases.is_valid(claim.worker_id):
                return True
            # Else the renewal took longer than the lease, so its result is outdated.
        return False

    async def _renew_lease(self, claim: Claim) -> bool:
        requested_at = time.monotonic()
        async with self._pool.acquire(timeout=5) as connection:
            is_held = await connection.fetchval(
                RENEW_LEASE, claim.call.id, claim.epoch, claim.worker_id
            )
        if is_held and claim.worker_id is not None:
            self._leases.mark_renewed(claim.worker_id, requested_at)
        return bool(is_held)

    async def wait_until_fenced(self, claim: Claim) -> None:
        buffer = self._buffer(claim)
        if buffer is not None:
            await buffer.fenced.wait()

    def close(self, claim: Claim) -> None:
        buffer = self._buffer(claim)
        if buffer is not None:
            del self._buffers[claim.call.id]
            buffer.fenced.set()
            buffer.stored.set()

    def _buffer(self, claim: Claim) -> CallBuffer | None:
        """None if this process does not hold the call, or holds it under another epoch."""
        buffer = self._buffers.get(claim.call.id)
        return buffer if buffer is not None and buffer.claim.epoch == claim.epoch else None

    async def run_flusher(self) -> None:
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            batch = self._take_batch()
            ephemeral = self._take_partials() if self._partials_timer is None else []
            results = await self._append_with_retries(batch) if batch else []
            stored = [
                notification
                for buffer, result in results
                for notification in self._apply_result(buffer, result)
            ]
            await self._channels.publish_many(ephemeral + stored)

    def _take_partials(self) -> list[notifications.Notification]:
        partials, self._partials = self._partials, {}
        return [
            (
                notifications.call_channel(claim.call.tenant_id, claim.call.id),
                encode_ephemeral_message(event),
            )
            for claim, event in partials.values()
        ]

    def _take_batch(self) -> Batch:
        buffers = [
            buffer
            for buffer in self._buffers.values()
            if buffer.pending and not buffer.fenced.is_set()
        ]
        # All writers lock logs in the same order, which prevents deadlocks.
        buffers.sort(key=lambda buffer: buffer.claim.call.id)
        batch: Batch = []
        capacity = MAX_BATCH_EVENTS
        for buffer in buffers:
            entries = buffer.pending[:capacity]
            capacity -= len(entries)
            if entries:
                batch.append((buffer, entries))
            if len(entries) < len(buffer.pending):
                self._has_pending.set()
        return batch

    async def _append_with_retries(self, batch: Batch) -> list[tuple[CallBuffer, AppendResult]]:
        delay = 0.05
        while True:
            try:
                rows = await self._append(batch)
                break
            except Exception as error:  # noqa: BLE001 - retried, or attributed to one call
                if not is_outage(error):
                    return await self._append_separately(batch, error)
                log.warning(
                    "failed to store events; trying again", extra={"error": type(error).__name__}
                )
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)
        return [
            (buffer, AppendResult(row["status"], row["first_seq"], entries))
            for (buffer, entries), row in zip(batch, rows, strict=True)
        ]

    async def _append_separately(
        self, batch: Batch, error: Exception
    ) -> list[tuple[CallBuffer, AppendResult]]:
        """The database rejected the batch: append each call separately to find the one at fault."""
        if len(batch) > 1:
            return [result for one in batch for result in await self._append_with_retries([one])]
        [(buffer, entries)] = batch
        log.error("the database rejected an event", exc_info=error)
        return [(buffer, AppendResult("refused", None, entries))]

    async def _append(self, batch: Batch) -> list[asyncpg.Record]:
        arguments = _append_arguments(batch)
        acknowledges = any(_acknowledged_command(e.event) for _, entries in batch for e in entries)
        async with self._pool.acquire(timeout=5) as connection:
            if not acknowledges:
                return await connection.fetch(APPEND_EVENTS, *arguments)
            async with short_transaction(connection):
                rows = await connection.fetch(APPEND_EVENTS, *arguments)
                # Only commands whose acknowledgement is in the log are done.
                done = [
                    id
                    for (_, entries), row in zip(batch, rows, strict=True)
                    if row["status"] in STORED_STATUSES
                    for entry in entries
                    if (id := _acknowledged_command(entry.event))
                ]
                await connection.execute(MARK_COMMANDS_DONE, done)
                return rows

    def _apply_result(
        self, buffer: CallBuffer, result: AppendResult
    ) -> list[notifications.Notification]:
        status, first, entries = result.status, result.first, result.entries
        if status not in STORED_STATUSES:
            self._fence(buffer, status)
            return []
        buffer.next_seq += len(entries)
        del buffer.pending[: len(entries)]
        if not buffer.pending:
            buffer.stored.set()
        return _notifications_for(buffer, first, entries) if status == "ok" and first else []

    def _fence(self, buffer: CallBuffer, status: str) -> None:
        log.warning(
            "this worker can no longer write to the log of a call",
            extra={"call_id": str(buffer.claim.call.id), "status": status},
        )
        buffer.fenced.set()
        buffer.pending.clear()
        buffer.stored.set()


def _append_arguments(batch: Batch) -> tuple[list[Any], ...]:
    entries = [entry for _, call_events in batch for entry in call_events]
    changes = [_state_change(call_events) for _, call_events in batch]
    return (
        [buffer.claim.call.id for buffer, _ in batch],
        [buffer.claim.epoch for buffer, _ in batch],
        [buffer.next_seq for buffer, _ in batch],
        [len(call_events) for _, call_events in batch],
        [before for before, _, _ in changes],
        [state for _, state, _ in changes],
        [node for _, _, node in changes],
        [entry.at for entry in entries],
        [entry.event.kind for entry in entries],
        [entry.body for entry in entries],
        [sum(cost_of_event(entry.event) for entry in call_events) for _, call_events in batch],
    )


def _state_change(
    entries: Sequence[PendingEvent],
) -> tuple[CallState | None, CallState | None, str | None]:
    """The state before and after these events, and the node they lead to."""
    before: CallState | None = None
    state: CallState | None = None
    node: str | None = None
    for entry in entries:
        match entry.event:
            case StateChanged():
                before = before or entry.event.before
                state = entry.event.state
            case NodeEntered():
                node = entry.event.node
            case HandedOff():
                node = entry.event.to_node
    return before, state, node


def _acknowledged_command(event: CallEvent) -> UUID | None:
    """The id of the command that this event acknowledges, if any."""
    match event:
        case CommandApplied(command_id=id) | CommandRefused(command_id=id):
            return UUID(id)
        case UserTurn(message_id=str(id)):
            return UUID(id)
    return None


def _notifications_for(
    buffer: CallBuffer, first: int, entries: Sequence[PendingEvent]
) -> list[notifications.Notification]:
    tenant, id = buffer.claim.call.tenant_id, buffer.claim.call.id
    channel = notifications.call_channel(tenant, id)
    messages = [
        (channel, encode_message(id, first + n, e.at, e.body)) for n, e in enumerate(entries)
    ]
    if any(isinstance(e.event, StateChanged | NodeEntered) for e in entries):
        messages.append(notifications.call_changed(tenant, id))
    return messages
