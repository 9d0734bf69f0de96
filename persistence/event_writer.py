"""Writes the logs of the calls a worker process holds.

`emit` never waits. One flusher takes whatever has been emitted for all calls, stores it in one
statement, tells watchers, and takes what has come meanwhile: batches grow with load by themselves.
A batch whose fate is unknown is sent again as it was; the log recognises it."""

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
# Asks and renews in one: the worker cannot be taken for dead between the two.
RENEW_LEASE = """
    with worker as (
        update worker_process set heartbeat_at = now() where id = $3 returning id)
    select true from call_log l join worker on worker.id = l.worker_id
     where l.call_id = $1 and l.epoch = $2 and l.ended_at is null
"""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """One event, ready to be stored."""

    at: datetime
    event: CallEvent
    body: str


@dataclass(slots=True)
class CallBuffer:
    """What is still to be stored of one call."""

    claim: Claim
    next_seq: int = 1
    pending: list[PendingEvent] = field(default_factory=list)
    fenced: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Event = field(default_factory=asyncio.Event)


STORED_STATUSES = ("ok", "dup")

Batch = list[tuple[CallBuffer, Sequence[PendingEvent]]]


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What the log said to the events of one call."""

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
        line = self._buffers.get(claim.call.id)
        if line is not None and line.claim.epoch >= claim.epoch:
            return
        if line is not None:
            self.close(line.claim)
        self._buffers[claim.call.id] = CallBuffer(claim)

    def emit(self, claim: Claim, event: CallEvent) -> None:
        line = self._buffer(claim)
        if line is not None and not line.fenced.is_set():
            line.pending.append(PendingEvent(datetime.now(UTC), event, encode_event(event)))
            if isinstance(event, AgentTurn):
                self._partials.pop((claim.call.id, event.turn_id), None)
            line.stored.clear()
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
        line = self._buffer(claim)
        if line is not None and line.pending and not line.fenced.is_set():
            await line.stored.wait()

    def is_fenced(self, claim: Claim) -> bool:
        line = self._buffer(claim)
        return line is None or line.fenced.is_set()

    @translate_outages
    async def holds_lease(self, claim: Claim) -> bool:
        line = self._buffer(claim)
        while line is not None and not line.fenced.is_set():
            if self._leases.is_fresh(claim.worker_id):
                return True
            if not await self._renew_lease(claim):
                self._fence(line, "fenced")
            elif self._leases.is_valid(claim.worker_id):
                return True
            # Else the answer took as long as the lease: it tells of what was.
        return False

    async def _renew_lease(self, claim: Claim) -> bool:
        asked_at = time.monotonic()
        async with self._pool.acquire(timeout=5) as connection:
            held = await connection.fetchval(
                RENEW_LEASE, claim.call.id, claim.epoch, claim.worker_id
            )
        if held and claim.worker_id is not None:
            self._leases.mark_renewed(claim.worker_id, asked_at)
        return bool(held)

    async def wait_until_fenced(self, claim: Claim) -> None:
        line = self._buffer(claim)
        if line is not None:
            await line.fenced.wait()

    def close(self, claim: Claim) -> None:
        line = self._buffer(claim)
        if line is not None:
            del self._buffers[claim.call.id]
            line.fenced.set()
            line.stored.set()

    def _buffer(self, claim: Claim) -> CallBuffer | None:
        """None: this process does not hold the call, or holds it under another epoch."""
        line = self._buffers.get(claim.call.id)
        return line if line is not None and line.claim.epoch == claim.epoch else None

    async def run_flusher(self) -> None:
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            batch = self._take_batch()
            passing = self._take_partials() if self._partials_timer is None else []
            answers = await self._append_with_retries(batch) if batch else []
            told = [hint for line, answer in answers for hint in self._apply_result(line, answer)]
            await self._channels.publish_many(passing + told)

    def _take_partials(self) -> list[notifications.Notification]:
        passing, self._partials = self._partials, {}
        return [
            (
                notifications.call_channel(claim.call.tenant_id, claim.call.id),
                encode_ephemeral_message(event),
            )
            for claim, event in passing.values()
        ]

    def _take_batch(self) -> Batch:
        lines = [
            line for line in self._buffers.values() if line.pending and not line.fenced.is_set()
        ]
        # Always in one order: two writers that lock the same logs never wait in a circle.
        lines.sort(key=lambda line: line.claim.call.id)
        batch: Batch = []
        room = MAX_BATCH_EVENTS
        for line in lines:
            entries = line.pending[:room]
            room -= len(entries)
            if entries:
                batch.append((line, entries))
            if len(entries) < len(line.pending):
                self._has_pending.set()
        return batch

    async def _append_with_retries(self, batch: Batch) -> list[tuple[CallBuffer, AppendResult]]:
        delay = 0.05
        while True:
            try:
                rows = await self._append(batch)
                break
            except Exception as error:  # noqa: BLE001 - waited out, or put down to its call
                if not is_outage(error):
                    return await self._append_separately(batch, error)
                log.warning("events not stored yet", extra={"error": type(error).__name__})
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)
        return [
            (line, AppendResult(row["status"], row["first_seq"], entries))
            for (line, entries), row in zip(batch, rows, strict=True)
        ]

    async def _append_separately(
        self, batch: Batch, error: Exception
    ) -> list[tuple[CallBuffer, AppendResult]]:
        """The store refused: find out for which call, so that the others do not suffer."""
        if len(batch) > 1:
            return [answer for one in batch for answer in await self._append_with_retries([one])]
        [(line, entries)] = batch
        log.error("event refused by the store", exc_info=error)
        return [(line, AppendResult("refused", None, entries))]

    async def _append(self, batch: Batch) -> list[asyncpg.Record]:
        arguments = _append_arguments(batch)
        acknowledges = any(_acknowledged_command(e.event) for _, entries in batch for e in entries)
        async with self._pool.acquire(timeout=5) as connection:
            if not acknowledges:
                return await connection.fetch(APPEND_EVENTS, *arguments)
            async with short_transaction(connection):
                rows = await connection.fetch(APPEND_EVENTS, *arguments)
                # Only what is in the log has been obeyed.
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
        self, line: CallBuffer, answer: AppendResult
    ) -> list[notifications.Notification]:
        status, first, entries = answer.status, answer.first, answer.entries
        if status not in STORED_STATUSES:
            self._fence(line, status)
            return []
        line.next_seq += len(entries)
        del line.pending[: len(entries)]
        if not line.pending:
            line.stored.set()
        return _notifications_for(line, first, entries) if status == "ok" and first else []

    def _fence(self, line: CallBuffer, status: str) -> None:
        log.warning(
            "call is no longer ours",
            extra={"call_id": str(line.claim.call.id), "status": status},
        )
        line.fenced.set()
        line.pending.clear()
        line.stored.set()


def _append_arguments(batch: Batch) -> tuple[list[Any], ...]:
    entries = [entry for _, of_call in batch for entry in of_call]
    moves = [_state_change(of_call) for _, of_call in batch]
    return (
        [line.claim.call.id for line, _ in batch],
        [line.claim.epoch for line, _ in batch],
        [line.next_seq for line, _ in batch],
        [len(of_call) for _, of_call in batch],
        [before for before, _, _ in moves],
        [state for _, state, _ in moves],
        [node for _, _, node in moves],
        [entry.at for entry in entries],
        [entry.event.kind for entry in entries],
        [entry.body for entry in entries],
        [sum(cost_of_event(entry.event) for entry in of_call) for _, of_call in batch],
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
    """The command that this event answers."""
    match event:
        case CommandApplied(command_id=id) | CommandRefused(command_id=id):
            return UUID(id)
        case UserTurn(message_id=str(id)):
            return UUID(id)
    return None


def _notifications_for(
    line: CallBuffer, first: int, entries: Sequence[PendingEvent]
) -> list[notifications.Notification]:
    tenant, id = line.claim.call.tenant_id, line.claim.call.id
    channel = notifications.call_channel(tenant, id)
    told = [(channel, encode_message(id, first + n, e.at, e.body)) for n, e in enumerate(entries)]
    if any(isinstance(e.event, StateChanged | NodeEntered) for e in entries):
        told.append(notifications.call_changed(tenant, id))
    return told
