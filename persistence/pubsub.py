"""Redis pub/sub under `broadcaster`'s interface, which reports when messages may have been lost.

Messages are notifications: a listener that receives `LAGGED` reads the log again. So a lost
connection, a slow listener or an emptied Redis costs a read, never an event."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Generic, TypeVar
from weakref import WeakValueDictionary

from broadcaster import Broadcast, BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from domain.common.tasks import cancel_and_wait
from persistence.outbox import Outbox
from persistence.redis_urls import node_url

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 2.0
SUBSCRIBE_TIMEOUT_SECONDS = 2.0
PUBLISH_TIMEOUT_SECONDS = 0.5
FLUSH_TIMEOUT_SECONDS = 1.0
"""How long a process that shuts down waits until its queued notifications have been sent."""
PING_INTERVAL_SECONDS = 0.5
"""Redis is pinged after this long without a message, and counts as unavailable if nothing arrives
within twice this time after the ping."""
MIN_RECONNECT_BACKOFF_SECONDS, MAX_RECONNECT_BACKOFF_SECONDS = 0.05, 1.0
STABLE_SECONDS = 10.0
"""A connection that lasted this long resets the reconnect backoff; a failed attempt never does."""
LIVENESS_CHANNEL = "studio:alive"
"""The channel on which a process checks that Redis lets it subscribe and publish."""


class Lagged:
    """Messages may have been lost: read the state from PostgreSQL again."""


LAGGED: Final = Lagged()


class Mailbox(Generic[T]):
    """A bounded queue. Overflow drops all items and leaves one `LAGGED`."""

    __slots__ = ("_items", "_lagged", "_max_items", "_waiter")

    def __init__(self, max_items: int) -> None:
        self._items: deque[T] = deque()
        self._max_items = max_items
        self._lagged = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        if len(self._items) >= self._max_items:
            self.mark_lagged()
        elif not self._lagged:
            self._items.append(item)
            self._wake()

    def mark_lagged(self) -> None:
        self._items.clear()
        self._lagged = True
        self._wake()

    def clear_lag(self) -> None:
        """Call before reading from PostgreSQL: a lag that is marked during the read is kept."""
        self._items.clear()
        self._lagged = False

    async def get(self) -> T | Lagged:
        while not self._items and not self._lagged:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._lagged:
            self._lagged = False
            return LAGGED
        return self._items.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class RedisBackend(BroadcastBackend):
    """One connection that subscribes and one that publishes.

    The subscribing connection is pinged, so it also shows whether Redis is available. While Redis
    is unavailable notifications are dropped at once, until a new connection succeeds. Every
    exception of the client, even a `RuntimeError` of the event loop, counts as an outage of
    Redis."""

    def __init__(self, url: str, flush_seconds: float = FLUSH_TIMEOUT_SECONDS) -> None:
        options: dict[str, Any] = {
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        }
        node = node_url(url)
        self._subscriber = Redis.from_url(node, socket_timeout=CONNECT_TIMEOUT_SECONDS, **options)
        self._publisher = Redis.from_url(node, socket_timeout=PUBLISH_TIMEOUT_SECONDS, **options)
        self._outbox = Outbox(self._publisher, self._reconnect)
        self._flush_seconds = flush_seconds
        self._subscribed_channels: set[str] = set()
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._received: asyncio.Queue[Event] = asyncio.Queue(10_000)
        self._pubsub: PubSub | None = None
        self._connection_timeout: asyncio.Timeout | None = None
        self._disconnected_since: float | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def is_connected(self) -> bool:
        return self._pubsub is not None

    async def connect(self) -> None:
        self._tasks = (
            asyncio.create_task(self._run_reader(), name="redis-pubsub"),
            asyncio.create_task(self._outbox.run_sender(), name="redis-publish"),
        )

    async def disconnect(self) -> None:
        await self._outbox.flush(self._flush_seconds)
        await cancel_and_wait(*self._tasks)
        for client in (self._subscriber, self._publisher):
            with suppress(Exception):  # a connection that cannot be closed is closed already
                await client.aclose()

    async def publish(self, channel: str, message: str) -> None:
        await self.publish_many([(channel, message)])

    async def publish_many(self, messages: list[tuple[str, str]]) -> None:
        """Queue messages, which are sent in the background in this order. This never waits and
        never fails: readers that miss a notification find the event in the log."""
        self.announce(messages)

    def announce(self, messages: list[tuple[str, str]]) -> None:
        self._outbox.put(messages)

    async def subscribe(self, channel: str) -> None:
        """Wait until Redis has confirmed. While Redis is unavailable, return at once: the reader
        subscribes after it has reconnected."""
        self._subscribed_channels.add(channel)
        confirmed = asyncio.get_running_loop().create_future()
        self._confirmations[channel] = confirmed
        if self._pubsub is None:
            return
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_SECONDS):
                await self._pubsub.subscribe(channel)
                await confirmed
        except Exception:  # noqa: BLE001 - Redis is unavailable
            self._reconnect()

    async def unsubscribe(self, channel: str) -> None:
        self._subscribed_channels.discard(channel)
        self._confirmations.pop(channel, None)
        if self._pubsub is not None:
            try:
                await self._pubsub.unsubscribe(channel)
            except Exception:  # noqa: BLE001 - Redis is unavailable
                self._reconnect()

    async def next_published(self) -> Event:
        return await self._received.get()

    def _reconnect(self) -> None:
        """Make the reader drop a connection that only seems to work."""
        if self._pubsub is not None and self._connection_timeout is not None:
            self._pubsub = None
            self._connection_timeout.reschedule(0)

    async def _run_reader(self) -> None:
        delay = MIN_RECONNECT_BACKOFF_SECONDS
        while True:
            started_at = time.monotonic()
            try:
                async with asyncio.timeout(None) as self._connection_timeout:
                    await self._listen()
            except Exception as error:  # noqa: BLE001 - the reader reconnects after any error
                if self._disconnected_since is None:
                    self._on_disconnected(error)
            if time.monotonic() - started_at > STABLE_SECONDS:
                delay = MIN_RECONNECT_BACKOFF_SECONDS
            await asyncio.sleep(delay * (0.5 + random.random()))
            delay = min(delay * 2, MAX_RECONNECT_BACKOFF_SECONDS)

    async def _listen(self) -> None:
        """Read messages; raise as soon as Redis is unavailable."""
        async with self._subscriber.pubsub() as pubsub:
            requested = frozenset(self._subscribed_channels)
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                    await pubsub.subscribe(LIVENESS_CHANNEL, *requested)
                    await pubsub.get_message(timeout=None)  # a Redis that hangs does not confirm
                # A Redis that accepts subscriptions but no messages counts as unavailable, too.
                if not await self._outbox.send_batch([(LIVENESS_CHANNEL, "")]):
                    raise ConnectionError("Redis does not accept messages")
                self._pubsub = pubsub
                self._on_connected()
                if added := self._subscribed_channels - requested:
                    await pubsub.subscribe(*added)
                await self._received.put(Event("", ""))
                await self._read(pubsub)
            finally:
                self._pubsub = None
                self._release_waiters()

    def _on_connected(self) -> None:
        self._outbox.open()
        if self._disconnected_since is not None:
            seconds = time.monotonic() - self._disconnected_since
            facts = {
                "seconds": round(seconds, 1),
                "hints_dropped": self._outbox.take_dropped_count(),
            }
            log.warning("redis is available again", extra=facts)
            self._disconnected_since = None

    def _on_disconnected(self, error: Exception) -> None:
        self._disconnected_since = time.monotonic()
        self._outbox.close()
        log.warning(
            "redis is unavailable: notifications are dropped and watchers poll until it is back",
            extra={"error": type(error).__name__},
        )

    async def _read(self, pubsub: PubSub) -> None:
        idle_intervals = 0
        while True:
            message = await pubsub.get_message(timeout=PING_INTERVAL_SECONDS)
            idle_intervals = idle_intervals + 1 if message is None else 0
            if message is None:
                # One interval more than needed: the event loop of this process may have been busy.
                if idle_intervals > 2:
                    raise TimeoutError("Redis did not respond to PING")
                if idle_intervals == 1:
                    await pubsub.ping()
            elif message["type"] == "message":
                event = Event(message["channel"].decode(), message["data"].decode())
                await self._received.put(event)
            elif message["type"] == "subscribe":
                self._confirm(message["channel"].decode())

    def _confirm(self, channel: str) -> None:
        confirmed = self._confirmations.get(channel)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def _release_waiters(self) -> None:
        for channel in self._confirmations:
            self._confirm(channel)


class Channels(Broadcast, Generic[T]):
    """Many listeners over one connection. A message is decoded once for all of its listeners."""

    def __init__(
        self, backend: RedisBackend, decode: Callable[[str, str], T], mailbox_size: int = 256
    ) -> None:
        super().__init__(backend=backend)
        self._redis = backend
        self._decode = decode
        self._mailbox_size = mailbox_size
        self._mailboxes: dict[str, set[Mailbox[T]]] = {}
        self._channel_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def is_connected(self) -> bool:
        return self._redis.is_connected

    async def publish_many(self, messages: list[tuple[str, str]]) -> None:
        if messages:
            await self._redis.publish_many(messages)

    def announce(self, messages: list[tuple[str, str]]) -> None:
        """Like `publish_many`, for callers that are not coroutines."""
        self._redis.announce(messages)

    def mark_lagged(self, channel: str) -> None:
        """Make all listeners of a channel read from PostgreSQL again."""
        for mailbox in self._mailboxes.get(channel, ()):
            mailbox.mark_lagged()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncGenerator[Mailbox[T]]:
        """Listen to a channel. Once entered, every message arrives or the mailbox is lagged."""
        mailbox: Mailbox[T] = Mailbox(self._mailbox_size)
        try:
            async with self._channel_lock(channel):
                mailboxes = self._mailboxes.setdefault(channel, set())
                mailboxes.add(mailbox)
                if len(mailboxes) == 1:
                    await self._redis.subscribe(channel)
            yield mailbox
        finally:
            self._mailboxes.get(channel, set()).discard(mailbox)
            if not self._mailboxes.get(channel):
                await asyncio.shield(self._leave(channel))

    async def _leave(self, channel: str) -> None:
        async with self._channel_lock(channel):
            if not self._mailboxes.get(channel):
                self._mailboxes.pop(channel, None)
                await self._redis.unsubscribe(channel)

    def _channel_lock(self, channel: str) -> asyncio.Lock:
        # Joining and leaving a channel are serialized; else a late UNSUBSCRIBE undoes a SUBSCRIBE.
        return self._channel_locks.setdefault(channel, asyncio.Lock())

    async def _listener(self) -> None:
        while True:
            event = await self._redis.next_published()
            if not event.channel:
                for channel in self._mailboxes:
                    self.mark_lagged(channel)
                continue
            mailboxes = self._mailboxes.get(event.channel)
            if mailboxes:
                try:
                    item = self._decode(event.channel, event.message)
                except Exception as error:  # noqa: BLE001 - a newer release may send others
                    log.warning(
                        "failed to decode a notification", extra={"error": type(error).__name__}
                    )
                    self.mark_lagged(event.channel)
                    continue
                for mailbox in mailboxes:
                    mailbox.put(item)


@asynccontextmanager
async def open_channels(url: str, decode: Callable[[str, str], T]) -> AsyncGenerator[Channels[T]]:
    channels = Channels(RedisBackend(url), decode)
    await channels.connect()
    try:
        yield channels
    finally:
        await channels.disconnect()
