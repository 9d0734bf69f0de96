"""How a process notices that credentials must be looked up again: keys are revoked, sessions end, roles
change.

Triggers write each change to a table, which every process reads a few times a second, and at once after
a notification from Redis. A read starts with the oldest transaction that was still running at the
previous one, so nothing that is committed late is missed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import asyncpg

from domain.common.access import AccessChanges, ApiKeyId, PersonId, SessionId, TenantId
from persistence.db_errors import is_outage
from persistence.notifications import ACCESS_CHANNEL
from persistence.pubsub import Channels

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.25
MIN_INTERVAL_SECONDS = 0.02
"""At most so often are changes read because of notifications."""
READ_TIMEOUT_SECONDS = 2.0
MAX_AGE_SECONDS = 1.0
"""How long after a read the cached credentials may be used without another read or a lookup."""
MAX_GAP_SECONDS = 1_800.0
"""After so long without a read, changes may have been deleted, so everything is looked up again."""
MAX_CHANGES = 10_000

SELECT_CHANGES = "select * from access_changes($1)"

Listener = Callable[[AccessChanges], None]


class AccessChangeReader:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[object]) -> None:
        self._pool = pool
        self._channels = channels
        self._listeners: list[Listener] = []
        self._since: str | None = None
        self._read_at = float("-inf")
        self._known_ids: frozenset[int] = frozenset()
        self.generation = 0
        """Grows with each change, so that a lookup detects the changes during it."""

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """The listeners are called in the order in which they were added."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def is_current(self, looked_up_at: float) -> bool:
        """Whether a result from then (`time.monotonic()`) is known to be less than a second old."""
        return max(looked_up_at, self._read_at) > time.monotonic() - MAX_AGE_SECONDS

    async def run(self) -> None:
        async with self._channels.listen(ACCESS_CHANNEL) as mailbox:
            while True:
                await self._read_if_available()
                await asyncio.sleep(MIN_INTERVAL_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_INTERVAL_SECONDS - MIN_INTERVAL_SECONDS):
                        await mailbox.get()

    async def _read_if_available(self) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS):
                await self.read()
        except Exception as error:  # noqa: BLE001 - the next read may succeed
            # Meanwhile credentials are looked up every second, which reports the outage.
            if not is_outage(error):
                log.error("failed to read changes", extra={"error": type(error).__qualname__})

    async def read(self) -> None:
        started_at = time.monotonic()
        rows = await self._pool.fetch(SELECT_CHANGES, self._since)
        is_gapless = self._since is not None and started_at - self._read_at < MAX_GAP_SECONDS
        self._since, self._read_at = rows[0]["next"], started_at
        changes = [row for row in rows if row["id"] is not None]
        new = [row for row in changes if row["id"] not in self._known_ids]
        self._known_ids = frozenset(row["id"] for row in changes)
        if not is_gapless or len(changes) > MAX_CHANGES:
            self._publish(AccessChanges(everything=True))
        elif new:
            self._publish(_changes_from_rows(new))

    def _publish(self, changes: AccessChanges) -> None:
        self.generation += 1
        for listener in self._listeners:
            listener(changes)


def _changes_from_rows(rows: Sequence[asyncpg.Record]) -> AccessChanges:
    tenants, members, sessions, keys = set(), set(), set(), set()
    for row in rows:
        if row["tenant_id"] is None:
            return AccessChanges(everything=True)
        tenant = TenantId(row["tenant_id"])
        if row["session_id"] is not None:
            sessions.add(SessionId(row["session_id"]))
        elif row["key_id"] is not None:
            keys.add(ApiKeyId(row["key_id"]))
        elif row["person_id"] is not None:
            members.add((tenant, PersonId(row["person_id"])))
        else:
            tenants.add(tenant)
    return AccessChanges(
        tenants=frozenset(tenants),
        members=frozenset(members),
        sessions=frozenset(sessions),
        keys=frozenset(keys),
    )
