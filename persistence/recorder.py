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
    Ephemeral,
    HandedOff,
    NodeEntered,
    StateChanged,
    UserTurn,
    spent_in,
)
from domain.calls.lease import Claim
from domain.calls.model import CallState
from persistence import hints
from persistence.channels import Channels
from persistence.codec import announce, announce_passing, encode
from persistence.database import brief
from persistence.leases import Leases
from persistence.outages import is_outage, told_as_unavailable

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2_000
SHOW_SECONDS = 0.05

APPEND = "select * from append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
DONE = "update call_command set done_at = now() where id = any($1)"
# Asks and renews in one: the worker cannot be taken for dead between the two.
HOLDS = """
    with worker as (
        update worker_process set heartbeat_at = now() where id = $3 returning id)
    select true from call_log l join worker on worker.id = l.worker_id
     where l.call_id = $1 and l.epoch = $2 and l.ended_at is null
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, ready to be stored."""

    at: datetime
    event: CallEvent
    body: str


@dataclass(slots=True)
class Line:
    """What is still to be stored of one call."""

    claim: Claim
    next: int = 1
    waiting: list[Entry] = field(default_factory=list)
    fenced: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)


STORED = ("ok", "dup")

Batch = list[tuple[Line, Sequence[Entry]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log said to the events of one call."""

    status: str
    first: int | None
    entries: Sequence[Entry]


class LogRecorder:
    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[Any], leases: Leases
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._leases = leases
        self._lines: dict[UUID, Line] = {}
        self._passing: dict[tuple[UUID, str], tuple[Claim, Ephemeral]] = {}
        self._showing: asyncio.TimerHandle | None = None
        self._work = asyncio.Event()

    def open(self, claim: Claim) -> None:
        line = self._lines.get(claim.call.id)
        if line is not None and line.claim.epoch >= claim.epoch:
            return
        if line is not None:
            self.forget(line.claim)
        self._lines[claim.call.id] = Line(claim)

    def emit(self, claim: Claim, event: CallEvent) -> None:
        line = self._line(claim)
        if line is not None and not line.fenced.is_set():
            line.waiting.append(Entry(datetime.now(UTC), event, encode(event)))
            if isinstance(event, AgentTurn):
                self._passing.pop((claim.call.id, event.turn_id), None)
            line.settled.clear()
            self._work.set()

    def show(self, claim: Claim, event: Ephemeral) -> None:
        if self.fenced(claim):
            return
        # The newest revision of a turn replaces one that has not been sent yet.
        self._passing[claim.call.id, event.turn_id] = (claim, event)
        if self._showing is None:
            loop = asyncio.get_running_loop()
            self._showing = loop.call_later(SHOW_SECONDS, self._show_now)

    def _show_now(self) -> None:
        self._showing = None
        self._work.set()

    async def settled(self, claim: Claim) -> None:
        line = self._line(claim)
        if line is not None and line.waiting and not line.fenced.is_set():
            await line.settled.wait()

    def fenced(self, claim: Claim) -> bool:
        line = self._line(claim)
        return line is None or line.fenced.is_set()

    @told_as_unavailable
    async def held(self, claim: Claim) -> bool:
        line = self._line(claim)
        while line is not None and not line.fenced.is_set():
            if self._leases.is_fresh(claim.worker):
                return True
            if not await self._renew(claim):
                self._fence(line, "fenced")
            elif self._leases.lasts(claim.worker):
                return True
            # Else the answer took as long as the lease: it tells of what was.
        return False

    async def _renew(self, claim: Claim) -> bool:
        asked_at = time.monotonic()
        async with self._pool.acquire(timeout=5) as connection:
            held = await connection.fetchval(HOLDS, claim.call.id, claim.epoch, claim.worker)
        if held and claim.worker is not None:
            self._leases.renewed(claim.worker, asked_at)
        return bool(held)

    async def lost(self, claim: Claim) -> None:
        line = self._line(claim)
        if line is not None:
            await line.fenced.wait()

    def forget(self, claim: Claim) -> None:
        line = self._line(claim)
        if line is not None:
            del self._lines[claim.call.id]
            line.fenced.set()
            line.settled.set()

    def _line(self, claim: Claim) -> Line | None:
        """None: this process does not hold the call, or holds it under another epoch."""
        line = self._lines.get(claim.call.id)
        return line if line is not None and line.claim.epoch == claim.epoch else None

    async def flush_for_ever(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            batch = self._take()
            passing = self._take_passing() if self._showing is None else []
            answers = await self._store_surely(batch) if batch else []
            told = [hint for line, answer in answers for hint in self._settle(line, answer)]
            await self._channels.publish_many(passing + told)

    def _take_passing(self) -> list[hints.Hint]:
        passing, self._passing = self._passing, {}
        return [
            (hints.call_channel(claim.call.tenant_id, claim.call.id), announce_passing(event))
            for claim, event in passing.values()
        ]

    def _take(self) -> Batch:
        lines = [line for line in self._lines.values() if line.waiting and not line.fenced.is_set()]
        # Always in one order: two writers that lock the same logs never wait in a circle.
        lines.sort(key=lambda line: line.claim.call.id)
        batch: Batch = []
        room = MOST_AT_ONCE
        for line in lines:
            entries = line.waiting[:room]
            room -= len(entries)
            if entries:
                batch.append((line, entries))
            if len(entries) < len(line.waiting):
                self._work.set()
        return batch

    async def _store_surely(self, batch: Batch) -> list[tuple[Line, Answer]]:
        delay = 0.05
        while True:
            try:
                rows = await self._store(batch)
                break
            except Exception as error:  # noqa: BLE001 - waited out, or put down to its call
                if not is_outage(error):
                    return await self._store_apart(batch, error)
                log.warning("events not stored yet", extra={"error": type(error).__name__})
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)
        return [
            (line, Answer(row["status"], row["first_seq"], entries))
            for (line, entries), row in zip(batch, rows, strict=True)
        ]

    async def _store_apart(self, batch: Batch, error: Exception) -> list[tuple[Line, Answer]]:
        """The store refused: find out for which call, so that the others do not suffer."""
        if len(batch) > 1:
            return [answer for one in batch for answer in await self._store_surely([one])]
        [(line, entries)] = batch
        log.error("event refused by the store", exc_info=error)
        return [(line, Answer("refused", None, entries))]

    async def _store(self, batch: Batch) -> list[asyncpg.Record]:
        arguments = _columns(batch)
        acknowledges = any(_acknowledged(e.event) for _, entries in batch for e in entries)
        async with self._pool.acquire(timeout=5) as connection:
            if not acknowledges:
                return await connection.fetch(APPEND, *arguments)
            async with brief(connection):
                rows = await connection.fetch(APPEND, *arguments)
                # Only what is in the log has been obeyed.
                done = [
                    id
                    for (_, entries), row in zip(batch, rows, strict=True)
                    if row["status"] in STORED
                    for entry in entries
                    if (id := _acknowledged(entry.event))
                ]
                await connection.execute(DONE, done)
                return rows

    def _settle(self, line: Line, answer: Answer) -> list[hints.Hint]:
        status, first, entries = answer.status, answer.first, answer.entries
        if status not in STORED:
            self._fence(line, status)
            return []
        line.next += len(entries)
        del line.waiting[: len(entries)]
        if not line.waiting:
            line.settled.set()
        return _announcements(line, first, entries) if status == "ok" and first else []

    def _fence(self, line: Line, status: str) -> None:
        log.warning(
            "call is no longer ours",
            extra={"call_id": str(line.claim.call.id), "status": status},
        )
        line.fenced.set()
        line.waiting.clear()
        line.settled.set()


def _columns(batch: Batch) -> tuple[list[Any], ...]:
    entries = [entry for _, of_call in batch for entry in of_call]
    moves = [_moved(of_call) for _, of_call in batch]
    return (
        [line.claim.call.id for line, _ in batch],
        [line.claim.epoch for line, _ in batch],
        [line.next for line, _ in batch],
        [len(of_call) for _, of_call in batch],
        [before for before, _, _ in moves],
        [state for _, state, _ in moves],
        [node for _, _, node in moves],
        [entry.at for entry in entries],
        [entry.event.kind for entry in entries],
        [entry.body for entry in entries],
        [sum(spent_in(entry.event) for entry in of_call) for _, of_call in batch],
    )


def _moved(entries: Sequence[Entry]) -> tuple[CallState | None, CallState | None, str | None]:
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


def _acknowledged(event: CallEvent) -> UUID | None:
    """The command that this event answers."""
    match event:
        case CommandApplied(command_id=id) | CommandRefused(command_id=id):
            return UUID(id)
        case UserTurn(message_id=str(id)):
            return UUID(id)
    return None


def _announcements(line: Line, first: int, entries: Sequence[Entry]) -> list[hints.Hint]:
    tenant, id = line.claim.call.tenant_id, line.claim.call.id
    channel = hints.call_channel(tenant, id)
    told = [(channel, announce(id, first + n, e.at, e.body)) for n, e in enumerate(entries)]
    if any(isinstance(e.event, StateChanged | NodeEntered) for e in entries):
        told.append(hints.changed(tenant, id))
    return told
