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

from domain.calls.events import CallEnded, CallUpdate, Passing, Recorded
from domain.calls.model import CallId
from domain.common.access import TenantId
from domain.common.errors import CursorExpired, Unavailable
from persistence.channels import Channels, Lagged, Mailbox
from persistence.codec import heard, read_cursor, recorded
from persistence.hints import call_channel
from persistence.outages import is_outage, unavailable

log = logging.getLogger(__name__)

PAGE = 500
LOOK_SECONDS = 1.0
LOOK_SECONDS_WITHOUT_REDIS = 0.1
MAX_READS = 8
"""At once. The others wait here, for as long as it takes, rather than for a connection, which is an
outage when it takes long: a thousand subscriptions may come back at the same moment."""

READ = """
    select seq, at, body::text from call_event
     where call_id = $1 and seq > $2 order by seq limit $3
"""


def decode(channel: str, message: str) -> object:
    """What is heard on a channel: an update of a call, or the id of a call that changed."""
    if channel.startswith("studio:call:"):
        return heard(UUID(channel.rsplit(":", 1)[1]), message)
    return CallId(UUID(message)) if message else None


@dataclass(slots=True, eq=False)
class Follower:
    """One subscription: how far it has come, and where it is told to look again."""

    tenant: TenantId
    box: Mailbox[object]
    seen: int


class EventStreams:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], channels: Channels[object]) -> None:
        self._pool = pool
        self._channels = channels
        self._followers: dict[CallId, set[Follower]] = {}
        self._reading = asyncio.Semaphore(MAX_READS)

    async def follow(
        self, tenant: TenantId, id: CallId, after: str | None
    ) -> AsyncGenerator[CallUpdate]:
        seen = await self.position(tenant, id, after)
        # Listening begins before the first read, so nothing falls between history and live.
        async with self._channels.listen(call_channel(tenant, id)) as box:
            follower = Follower(tenant, box, seen)
            with self._following(id, follower):
                async with aclosing(self._run(id, follower)) as updates:
                    async for update in updates:
                        yield update

    async def _run(self, id: CallId, follower: Follower) -> AsyncGenerator[CallUpdate]:
        box = follower.box
        while True:
            box.forget_lag()
            async with aclosing(self._stored(follower.tenant, id, follower.seen)) as stored:
                async for event in stored:
                    yield event
                    follower.seen = event.seq
                    if isinstance(event.event, CallEnded):
                        return
            while True:
                item = await box.get()
                if isinstance(item, Lagged):
                    break
                if isinstance(item, Passing):
                    yield item
                    continue
                assert isinstance(item, Recorded)
                if item.seq <= follower.seen:
                    continue
                if item.seq > follower.seen + 1:
                    break  # committed before it was told, so the log has what is missing
                yield item
                follower.seen = item.seq
                if isinstance(item.event, CallEnded):
                    return

    async def position(self, tenant: TenantId, id: CallId, after: str | None) -> int:
        if after is None:
            return 0
        seq, cursor = read_cursor(id, after)
        rows = await self._read(tenant, id, seq - 1, 1)
        if not rows or rows[0].cursor != cursor:
            raise CursorExpired(
                "The history this cursor points into was rewound; follow again without `after`.",
                ("after",),
            )
        return seq

    async def _stored(self, tenant: TenantId, id: CallId, seen: int) -> AsyncGenerator[Recorded]:
        while True:
            try:
                rows = await self._read(tenant, id, seen, PAGE)
            except Unavailable:
                # The stream outlives an outage of the database: it is late, never wrong.
                await asyncio.sleep(LOOK_SECONDS_WITHOUT_REDIS)
                continue
            for event in rows:
                assert event.seq == seen + 1
                yield event
                seen = event.seq
            if len(rows) < PAGE:
                return

    async def _read(self, tenant: TenantId, id: CallId, seen: int, most: int) -> list[Recorded]:
        try:
            async with (
                self._reading,
                self._pool.acquire(timeout=5) as connection,
                connection.transaction(),
            ):
                await connection.execute("select set_config('app.tenant', $1, true)", str(tenant))
                rows = await connection.fetch(READ, id, seen, most)
        except Exception as error:
            if is_outage(error):
                raise unavailable() from error
            raise
        return [recorded(id, row["seq"], row["at"], row["body"]) for row in rows]

    @contextmanager
    def _following(self, id: CallId, follower: Follower) -> Iterator[None]:
        followers = self._followers.setdefault(id, set())
        followers.add(follower)
        try:
            yield
        finally:
            followers.discard(follower)
            if not followers:
                self._followers.pop(id, None)

    async def look_for_ever(self) -> None:
        """The safety net: one query for all watched calls finds what no hint told of."""
        while True:
            await asyncio.sleep(LOOK_SECONDS if self._channels.up else LOOK_SECONDS_WITHOUT_REDIS)
            try:
                await self._look()
            except Exception as error:
                if not is_outage(error):
                    raise

    async def _look(self) -> None:
        if not self._followers:
            return
        rows = await self._pool.fetch("select * from log_heads($1)", list(self._followers))
        for row in rows:
            for follower in self._followers.get(CallId(row["call_id"]), ()):
                if follower.seen < row["head"]:
                    follower.box.lag()
