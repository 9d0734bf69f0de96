"""Live event streams of calls: a cursor loop over the log, woken by notifications.

A stream only ever yields the event with the next number. Notifications, reconnects, overflows and a
regular check of the heads of watched logs are reasons to read the log. So no event is missing,
repeated or out of order, whatever Redis does. `tests/persistence/test_stream_model.py` checks every
interleaving."""

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
"""How many streams read the log at once. A thousand subscriptions may reconnect at the same moment:
the others wait here without a timeout, because a long wait for a connection counts as an outage."""

SELECT_EVENTS = """
    select seq, at, body::text from call_event
     where call_id = $1 and seq > $2 order by seq limit $3
"""


def decode_notification(channel: str, message: str) -> object:
    """Decode a message of a channel: an update of a call, or the id of a call that changed."""
    if channel.startswith("studio:call:"):
        return decode_message(UUID(channel.rsplit(":", 1)[1]), message)
    return CallId(UUID(message)) if message else None


@dataclass(slots=True, eq=False)
class Subscription:
    """The position of one subscription, and the mailbox that wakes it."""

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
        last_seq = await self.resolve_cursor(tenant, id, after)
        # Listening starts before the first read, so no event is lost between history and live.
        async with self._channels.listen(call_channel(tenant, id)) as mailbox:
            subscription = Subscription(tenant, mailbox, last_seq)
            with self._registered(id, subscription):
                async with aclosing(self._deliver(id, subscription)) as updates:
                    async for update in updates:
                        yield update

    async def _deliver(self, id: CallId, subscription: Subscription) -> AsyncGenerator[CallUpdate]:
        mailbox = subscription.mailbox
        while True:
            mailbox.clear_lag()
            async with aclosing(
                self._stored_events(subscription.tenant, id, subscription.last_seq)
            ) as stored:
                async for event in stored:
                    yield event
                    subscription.last_seq = event.seq
                    if isinstance(event.event, CallEnded):
                        return
            while True:
                item = await mailbox.get()
                if isinstance(item, Lagged):
                    break
                if isinstance(item, EphemeralEvent):
                    yield item
                    continue
                assert isinstance(item, StoredEvent)
                if item.seq <= subscription.last_seq:
                    continue
                if item.seq > subscription.last_seq + 1:
                    break  # events are committed before they are published: read the log
                yield item
                subscription.last_seq = item.seq
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
        self, tenant: TenantId, id: CallId, last_seq: int
    ) -> AsyncGenerator[StoredEvent]:
        while True:
            try:
                rows = await self._read_page(tenant, id, last_seq, PAGE_SIZE)
            except Unavailable:
                # The stream survives an outage of the database: events come late, but none is lost.
                await asyncio.sleep(POLL_INTERVAL_SECONDS_WITHOUT_REDIS)
                continue
            for event in rows:
                assert event.seq == last_seq + 1
                yield event
                last_seq = event.seq
            if len(rows) < PAGE_SIZE:
                return

    async def _read_page(
        self, tenant: TenantId, id: CallId, after: int, limit: int
    ) -> list[StoredEvent]:
        try:
            async with (
                self._read_slots,
                self._pool.acquire(timeout=5) as connection,
                connection.transaction(),
            ):
                await connection.execute("select set_config('app.tenant', $1, true)", str(tenant))
                rows = await connection.fetch(SELECT_EVENTS, id, after, limit)
        except Exception as error:
            if is_outage(error):
                raise database_unavailable() from error
            raise
        return [stored_event(id, row["seq"], row["at"], row["body"]) for row in rows]

    @contextmanager
    def _registered(self, id: CallId, subscription: Subscription) -> Iterator[None]:
        subscriptions = self._subscriptions.setdefault(id, set())
        subscriptions.add(subscription)
        try:
            yield
        finally:
            subscriptions.discard(subscription)
            if not subscriptions:
                self._subscriptions.pop(id, None)

    async def run_head_check(self) -> None:
        """Find events whose notification was lost, with one query for all watched calls."""
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
            for subscription in self._subscriptions.get(CallId(row["call_id"]), ()):
                if subscription.last_seq < row["head"]:
                    subscription.mailbox.mark_lagged()
