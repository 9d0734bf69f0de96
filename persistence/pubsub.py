"""Redis pub/sub under `broadcaster`'s interface, made to tell when it may have missed something.

Messages are hints: whoever listens here re-reads the log after a `LAGGED`. So a lost
connection, a slow listener or an empty Redis costs a read, never an event."""

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
"""What a process that leaves has still to tell must be told by then."""
PING_INTERVAL_SECONDS = 0.5
"""Redis is asked for a sign of life after so long, and is away when none has come twice as long
after that."""
MIN_RECONNECT_BACKOFF_SECONDS, MAX_RECONNECT_BACKOFF_SECONDS = 0.05, 1.0
STABLE_SECONDS = 10.0
"""A connection that was kept for so long is made anew at once; attempts alone take less."""
LIVENESS_CHANNEL = "studio:alive"
"""The channel on which a process hears whether Redis lets it listen, and publish."""


class Lagged:
    """Something may have been missed: read the truth again."""


LAGGED: Final = Lagged()


class Mailbox(Generic[T]):
    """A bounded queue. Overflow drops what is in it and leaves one `LAGGED`."""

    __slots__ = ("_items", "_lagged", "_most", "_waiter")

    def __init__(self, max_items: int) -> None:
        self._items: deque[T] = deque()
        self._most = max_items
        self._lagged = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        if len(self._items) >= self._most:
            self.mark_lagged()
        elif not self._lagged:
            self._items.append(item)
            self._wake()

    def mark_lagged(self) -> None:
        self._items.clear()
        self._lagged = True
        self._wake()

    def clear_lag(self) -> None:
        """Call before reading the truth: a lag that comes during the read is kept."""
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
    """One connection that listens and one that publishes.

    The one that listens is asked for a sign of life, so it also tells whether Redis is away at all:
    then hints are dropped at once, and making the connection anew is the probe that ends it.
    Whatever the client raises, even a `RuntimeError` of the event loop, means no more than that."""

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
        """Sent beside, in this order. Nobody waits for it, and it cannot fail: readers who miss a
        hint find out from the log."""
        self._outbox.put(messages)

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed, or cannot now: the reader subscribes again later."""
        self._subscribed_channels.add(channel)
        confirmed = asyncio.get_running_loop().create_future()
        self._confirmations[channel] = confirmed
        if self._pubsub is None:
            return
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_SECONDS):
                await self._pubsub.subscribe(channel)
                await confirmed
        except Exception:  # noqa: BLE001 - Redis is away
            self._reconnect()

    async def unsubscribe(self, channel: str) -> None:
        self._subscribed_channels.discard(channel)
        self._confirmations.pop(channel, None)
        if self._pubsub is not None:
            try:
                await self._pubsub.unsubscribe(channel)
            except Exception:  # noqa: BLE001 - Redis is away
                self._reconnect()

    async def next_published(self) -> Event:
        return await self._received.get()

    def _reconnect(self) -> None:
        """The connection is not what it seems: make the reader give it up."""
        if self._pubsub is not None and self._connection_timeout is not None:
            self._pubsub = None
            self._connection_timeout.reschedule(0)

    async def _run_reader(self) -> None:
        delay = MIN_RECONNECT_BACKOFF_SECONDS
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(None) as self._connection_timeout:
                    await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it was, listening goes on
                if self._disconnected_since is None:
                    self._on_disconnected(error)
            if time.monotonic() - began > STABLE_SECONDS:
                delay = MIN_RECONNECT_BACKOFF_SECONDS
            await asyncio.sleep(delay * (0.5 + random.random()))
            delay = min(delay * 2, MAX_RECONNECT_BACKOFF_SECONDS)

    async def _listen(self) -> None:
        """Raises as soon as Redis is away."""
        async with self._subscriber.pubsub() as pubsub:
            asked = frozenset(self._subscribed_channels)
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                    await pubsub.subscribe(LIVENESS_CHANNEL, *asked)
                    await pubsub.get_message(timeout=None)  # a Redis that hangs confirms nothing
                # One that takes no hints is away, too, however well it is heard.
                if not await self._outbox.send_batch([(LIVENESS_CHANNEL, "")]):
                    raise ConnectionError("Redis takes no hints")
                self._pubsub = pubsub
                self._on_connected()
                if late := self._subscribed_channels - asked:
                    await pubsub.subscribe(*late)
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
            log.warning("redis is back", extra=facts)
            self._disconnected_since = None

    def _on_disconnected(self, error: Exception) -> None:
        self._disconnected_since = time.monotonic()
        self._outbox.close()
        log.warning(
            "redis is away: hints are dropped and watchers poll until it is back",
            extra={"error": type(error).__name__},
        )

    async def _read(self, pubsub: PubSub) -> None:
        silent = 0
        while True:
            message = await pubsub.get_message(timeout=PING_INTERVAL_SECONDS)
            silent = silent + 1 if message is None else 0
            if message is None:
                # One silence more than needed: our own event loop may have been busy.
                if silent > 2:
                    raise TimeoutError("Redis does not answer PING")
                if silent == 1:
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
    """Many listeners over one connection. A message is decoded once, whoever listens."""

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

    def mark_lagged(self, channel: str) -> None:
        """Make everybody on a channel read the truth again."""
        for box in self._mailboxes.get(channel, ()):
            box.mark_lagged()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncGenerator[Mailbox[T]]:
        """From the moment this is entered nothing goes by unseen, or the mailbox says so."""
        box: Mailbox[T] = Mailbox(self._mailbox_size)
        try:
            async with self._channel_lock(channel):
                boxes = self._mailboxes.setdefault(channel, set())
                boxes.add(box)
                if len(boxes) == 1:
                    await self._redis.subscribe(channel)
            yield box
        finally:
            self._mailboxes.get(channel, set()).discard(box)
            if not self._mailboxes.get(channel):
                await asyncio.shield(self._leave(channel))

    async def _leave(self, channel: str) -> None:
        async with self._channel_lock(channel):
            if not self._mailboxes.get(channel):
                self._mailboxes.pop(channel, None)
                await self._redis.unsubscribe(channel)

    def _channel_lock(self, channel: str) -> asyncio.Lock:
        # Entering and leaving one channel take turns, or a late UNSUBSCRIBE undoes a SUBSCRIBE.
        return self._channel_locks.setdefault(channel, asyncio.Lock())

    async def _listener(self) -> None:
        while True:
            event = await self._redis.next_published()
            if not event.channel:
                for channel in self._mailboxes:
                    self.mark_lagged(channel)
                continue
            boxes = self._mailboxes.get(event.channel)
            if boxes:
                try:
                    item = self._decode(event.channel, event.message)
                except Exception as error:  # noqa: BLE001 - a newer release may tell of more
                    log.warning("hint not understood", extra={"error": type(error).__name__})
                    self.mark_lagged(event.channel)
                    continue
                for box in boxes:
                    box.put(item)


@asynccontextmanager
async def open_channels(url: str, decode: Callable[[str, str], T]) -> AsyncGenerator[Channels[T]]:
    channels = Channels(RedisBackend(url), decode)
    await channels.connect()
    try:
        yield channels
    finally:
        await channels.disconnect()
