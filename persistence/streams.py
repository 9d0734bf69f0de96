"""Calls while they happen: a cursor loop over the log, woken by hints.

The only thing ever yielded is the next number, then the one after. Messages, reconnects, overflow
and a regular look at the heads of watched logs are reasons to read, so nothing is missing, twice
or out of order, whatever Redis does. `tests/persistence/test_stream_model.py` checks every interleaving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.calls.events import CallEnded, CallUpdate, EphemeralEvent, StoredEvent
from domain.calls.model import CallId
from domain.common.access import TenantId
from domain.common.errors import CursorExpired, Unavailable
from persistence.codec import decode_message, parse_cursor, stored_event
from persistence.db_errors import database_unavailable, is_outage
from persistence.notifications import call_channel
from persistence.pubsub import Channels, Lagged, Mailbox

log = logging.getLogger(__name__)

PAGE_SIZE = 500
POLL_INTERVAL_SECONDS = 1.0
POLL_INTERVAL_SECONDS_WITHOUT_REDIS = 0.1
MAX_READS = 8
"""At once. The others wait here, for as long as it takes, rather than for a connection, which is an
outage when it takes long: a thousand subscriptions may come back at the same moment."""

SELECT_EVENTS = """
    select seq, at, body::text from call_event
     where call_id = $1 and seq > $2 order by seq limit $3
"""


def decode_notification(channel: str, message: str) -> object:
    """What is heard on a channel: an update of a call, or the id of a call that changed."""
    if channel.startswith("studio:call:"):
        return decode_message(UUID(channel.rsplit(":", 1)[1]), message)
    return CallId(UUID(message)) if message else None


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription: how far it has come, and where it is told to look again."""

    tenant: TenantId
    mailbox: Mailbox[object]
    last_seq: int


class EventStreams:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[object]) -> None:
        self._pool = pool
        self._channels = channels
        self._subscriptions: dict[CallId, set[Subscription]] = {}
        self._read_slots = asyncio.Semaphore(MAX_READS)

    async def follow(
        self, tenant: TenantId, id: CallId, after: str | None
    ) -> AsyncGenerator[CallUpdate]:
        seen = await self.resolve_cursor(tenant, id, after)
        # Listening begins before the first read, so nothing falls between history and live.
        async with self._channels.listen(call_channel(tenant, id)) as box:
            follower = Subscription(tenant, box, seen)
            with self._registered(id, follower):
                async with aclosing(self._deliver(id, follower)) as updates:
                    async for update in updates:
                        yield update

    async def _deliver(self, id: CallId, follower: Subscription) -> AsyncGenerator[CallUpdate]:
        box = follower.mailbox
        while True:
            box.clear_lag()
            async with aclosing(
                self._stored_events(follower.tenant, id, follower.last_seq)
            ) as stored:
                async for event in stored:
                    yield event
                    follower.last_seq = event.seq
                    if isinstance(event.event, CallEnded):
                        return
            while True:
                item = await box.get()
                if isinstance(item, Lagged):
                    break
                if isinstance(item, EphemeralEvent):
                    yield item
                    continue
                assert isinstance(item, StoredEvent)
                if item.seq <= follower.last_seq:
                    continue
                if item.seq > follower.last_seq + 1:
                    break  # committed before it was told, so the log has what is missing
                yield item
                follower.last_seq = item.seq
                if isinstance(item.event, CallEnded):
                    return

    async def resolve_cursor(self, tenant: TenantId, id: CallId, after: str | None) -> int:
        if after is None:
            return 0
        seq, cursor = parse_cursor(id, after)
        rows = await self._read_page(tenant, id, seq - 1, 1)
        if not rows or rows[0].cursor != cursor:
            raise CursorExpired(
                "The history this cursor points into was rewound; follow again without `after`.",
                ("after",),
            )
        return seq

    async def _stored_events(
        self, tenant: TenantId, id: CallId, seen: int
    ) -> AsyncGenerator[StoredEvent]:
        while True:
            try:
                rows = await self._read_page(tenant, id, seen, PAGE_SIZE)
            except Unavailable:
                # The stream outlives an outage of the database: it is late, never wrong.
                await asyncio.sleep(POLL_INTERVAL_SECONDS_WITHOUT_REDIS)
                continue
            for event in rows:
                assert event.seq == seen + 1
                yield event
                seen = event.seq
            if len(rows) < PAGE_SIZE:
                return

    async def _read_page(
        self, tenant: TenantId, id: CallId, seen: int, most: int
    ) -> list[StoredEvent]:
        try:
            async with (
                self._read_slots,
                self._pool.acquire(timeout=5) as connection,
                connection.transaction(),
            ):
                await connection.execute("select set_config('app.tenant', $1, true)", str(tenant))
                rows = await connection.fetch(SELECT_EVENTS, id, seen, most)
        except Exception as error:
            if is_outage(error):
                raise database_unavailable() from error
            raise
        return [stored_event(id, row["seq"], row["at"], row["body"]) for row in rows]

    @contextmanager
    def _registered(self, id: CallId, follower: Subscription) -> Iterator[None]:
        followers = self._subscriptions.setdefault(id, set())
        followers.add(follower)
        try:
            yield
        finally:
            followers.discard(follower)
            if not followers:
                self._subscriptions.pop(id, None)

    async def run_head_check(self) -> None:
        """The safety net: one query for all watched calls finds what no hint told of."""
        while True:
            await asyncio.sleep(
                POLL_INTERVAL_SECONDS
                if self._channels.is_connected
                else POLL_INTERVAL_SECONDS_WITHOUT_REDIS
            )
            try:
                await self._check_heads()
            except Exception as error:
                if not is_outage(error):
                    raise

    async def _check_heads(self) -> None:
        if not self._subscriptions:
            return
        rows = await self._pool.fetch("select * from log_heads($1)", list(self._subscriptions))
        for row in rows:
            for follower in self._subscriptions.get(CallId(row["call_id"]), ()):
                if follower.last_seq < row["head"]:
                    follower.mailbox.mark_lagged()
