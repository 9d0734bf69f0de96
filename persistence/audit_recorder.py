"""Adds entries to audit logs in the background, for what must not wait for them: refusals, which may come
in floods, and failed sign-ins, whose duration must not reveal whether the user exists."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.audit.model import AuditKind, AuditNote
from domain.audit.origin import Origin, acting_as, current_origin
from domain.common.access import TenantId
from domain.common.errors import SecondFactorRequired, Unavailable
from domain.ports import Store
from persistence.db_errors import translate_outages

log = logging.getLogger(__name__)

MAX_QUEUED, MAX_QUEUED_OF_TENANT = 1_000, 200
WORKERS = 8
"""How many notes are added at once, each for another tenant: one whose database connections are all in use
delays no other."""
MAX_REMEMBERED = 10_000
"""How many combinations of actor, action, kind and target are remembered in order to add each once a minute."""
DISTINGUISHING_DETAILS = ("code", "factor", "subject", "base_url")
"""Details in which notes differ that do not repeat each other."""
INTERVAL_SECONDS = 60.0
UNFINISHED_SECONDS, MAX_UNFINISHED = 600.0, 10_000
"""How long a user has for the code of their second factor until a note says that it is missing."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How much the clocks of this process and of the database may differ."""
MAX_ATTEMPTS, RETRY_SECONDS = 5, 2.0
FLUSH_SECONDS = 2.0
FIND_MEMBERS = text("select tenant_id, user_id from find_members(:email, :since, :address)")

Members = list[tuple[TenantId, str]]


@dataclass(frozen=True, slots=True)
class QueuedNote:
    """A note for the log of a tenant, or for those of the tenants of the user with an address."""

    tenant: TenantId | None
    email: str
    note: AuditNote
    origin: Origin | None
    unless_signed_in: tuple[datetime, str] | None = None
    """Drop the note if the user has signed in since then, from this address."""


class AuditRecorder:
    def __init__(
        self, store: Store, engine: AsyncEngine, unfinished_seconds: float = UNFINISHED_SECONDS
    ) -> None:
        self._store = store
        self._unfinished_seconds = unfinished_seconds
        self._unfinished: asyncio.Queue[tuple[float, QueuedNote]] = asyncio.Queue(MAX_UNFINISHED)
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        # Failed sign-ins wait under None until the tenants of their users are known.
        self._waiting: dict[TenantId | None, deque[QueuedNote]] = {}
        # A tenant is here once, while notes of it wait and no worker adds one.
        self._ready: asyncio.Queue[TenantId | None] = asyncio.Queue()
        self._queued = 0
        self._recent: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()
        self._dropped = 0

    def put(self, tenant: TenantId, note: AuditNote) -> None:
        self._put(QueuedNote(tenant, "", note, current_origin()))

    def put_failed_sign_in(self, email: str, factor: str) -> None:
        note = AuditNote(
            kind=AuditKind.SIGN_IN_FAILED, target_kind="person", details={"factor": factor}
        )
        self._put(QueuedNote(None, email, note, current_origin()))

    def put_unfinished_sign_in(self, email: str, address: str) -> None:
        details = {"factor": "code", "code": SecondFactorRequired.code}
        note = AuditNote(kind=AuditKind.SIGN_IN_FAILED, target_kind="person", details=details)
        since = datetime.now(UTC) - CLOCK_TOLERANCE
        queued = QueuedNote(None, email, note, current_origin(), (since, address))
        try:
            due = time.monotonic() + self._unfinished_seconds
            self._unfinished.put_nowait((due, queued))
        except asyncio.QueueFull:
            self._dropped += 1

    def _put(self, queued: QueuedNote) -> None:
        repeated = self._count_repetition(queued)
        if repeated is None:
            return
        if repeated:
            details = {**queued.note.details, "repeated": repeated}
            queued = replace(queued, note=replace(queued.note, details=details))
        self._enqueue(queued)

    def _enqueue(self, queued: QueuedNote) -> None:
        waiting = self._waiting.get(queued.tenant)
        if self._queued >= MAX_QUEUED or (waiting and len(waiting) >= MAX_QUEUED_OF_TENANT):
            self._dropped += 1
            return
        if waiting is None:
            waiting = self._waiting[queued.tenant] = deque()
            self._ready.put_nowait(queued.tenant)
        waiting.append(queued)
        self._queued += 1

    def _count_repetition(self, queued: QueuedNote) -> int | None:
        """None if such a note was added within the last minute; otherwise how many were left out
        since then."""
        note, now = queued.note, time.monotonic()
        origin = queued.origin or Origin(actor="")
        actor = note.actor or origin.actor
        about = (note.details.get(name) for name in DISTINGUISHING_DETAILS)
        target = note.target, note.target_name
        # A note that may be dropped stands for no other one.
        address = queued.unless_signed_in[1] if queued.unless_signed_in else None
        person = queued.tenant, queued.email, address
        key = (*person, actor, origin.action, note.kind, *target, *about)
        until, left_out = self._recent.get(key, (0.0, 0))
        if now < until:
            self._recent[key] = until, left_out + 1
            return None
        self._recent[key] = now + INTERVAL_SECONDS, 0
        self._recent.move_to_end(key)
        if len(self._recent) > MAX_REMEMBERED:
            self._recent.popitem(last=False)
        return left_out

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._put_unfinished())
            for _ in range(WORKERS):
                tasks.create_task(self._work())

    async def _put_unfinished(self) -> None:
        """All wait equally long, so they are due in the order in which they came."""
        while True:
            due, queued = await self._unfinished.get()
            await asyncio.sleep(due - time.monotonic())
            self._put(queued)

    async def _work(self) -> None:
        while True:
            tenant = await self._ready.get()
            try:
                await self._record(self._waiting[tenant][0])
            finally:
                self._finish(tenant)
            self._report_dropped()

    def _finish(self, tenant: TenantId | None) -> None:
        waiting = self._waiting[tenant]
        waiting.popleft()
        self._queued -= 1
        if waiting:
            self._ready.put_nowait(tenant)
        else:
            del self._waiting[tenant]
        self._ready.task_done()

    async def flush(self) -> None:
        """Wait until all notes are recorded, for at most two seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._ready.join()

    async def _record(self, queued: QueuedNote) -> None:
        try:
            with acting_as(queued.origin):
                await _with_retries(lambda: self._record_once(queued))
        except Exception as error:  # noqa: BLE001 - other notes must still be recorded
            self._dropped += 1
            log.error(
                "failed to record a note in the audit log",
                extra={"kind": queued.note.kind.value, "error": type(error).__qualname__},
            )

    async def _record_once(self, queued: QueuedNote) -> None:
        if queued.tenant is not None:
            await self._add(queued.tenant, queued.note)
            return
        for tenant, user in await self._members(queued):
            self._enqueue(replace(queued, tenant=tenant, note=replace(queued.note, target=user)))

    async def _add(self, tenant: TenantId, note: AuditNote) -> None:
        async with self._store.transaction(tenant) as work:
            await work.audit.note(note)

    @translate_outages
    async def _members(self, queued: QueuedNote) -> Members:
        since, address = queued.unless_signed_in or (None, None)
        facts = {"email": queued.email, "since": since, "address": address or None}
        async with self._lookups.connect() as db:
            rows = await db.execute(FIND_MEMBERS, facts)
            return [(TenantId(row.tenant_id), str(row.user_id)) for row in rows]

    def _report_dropped(self) -> None:
        if self._dropped and self._ready.empty():
            log.error("notes are missing in audit logs", extra={"dropped": self._dropped})
            self._dropped = 0


async def _with_retries(record: Callable[[], Awaitable[None]]) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        with suppress(Unavailable):
            return await record()
        await asyncio.sleep(RETRY_SECONDS)
    await record()
