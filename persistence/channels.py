"""Redis pub/sub under `broadcaster`'s interface, made to tell when it may have missed something.

Messages are hints: whoever listens here re-reads the log after a `LAGGED`. So a lost
connection, a slow listener or an empty Redis costs a read, never an event."""

from __future__ import annotations

import asyncio
import logging
import random
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
from redis.exceptions import RedisError

from domain.tasks import end

log = logging.getLogger(__name__)

T = TypeVar("T")

SUBSCRIBE_SECONDS = 2.0
PING_SECONDS = 5.0


class Lagged:
    """Something may have been missed: read the truth again."""


LAGGED: Final = Lagged()


class Mailbox(Generic[T]):
    """A bounded queue. Overflow drops what is in it and leaves one `LAGGED`."""

    __slots__ = ("_items", "_lagged", "_most", "_waiter")

    def __init__(self, most: int) -> None:
        self._items: deque[T] = deque()
        self._most = most
        self._lagged = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        if len(self._items) >= self._most:
            self.lag()
        elif not self._lagged:
            self._items.append(item)
            self._wake()

    def lag(self) -> None:
        self._items.clear()
        self._lagged = True
        self._wake()

    def forget_lag(self) -> None:
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
    """One pub/sub connection. Reconnects by itself, and says so by an event without channel."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 2.0}
        self._listening = Redis.from_url(url, socket_timeout=None, **options)
        self._speaking = Redis.from_url(url, socket_timeout=0.5, **options)
        self._wanted: set[str] = set()
        self._confirmed: dict[str, asyncio.Future[None]] = {}
        self._heard: asyncio.Queue[Event] = asyncio.Queue(10_000)
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._pubsub is not None

    async def connect(self) -> None:
        self._reader = asyncio.create_task(self._read_for_ever(), name="redis-pubsub")

    async def disconnect(self) -> None:
        if self._reader is not None:
            await end(self._reader)
        await self._listening.aclose()
        await self._speaking.aclose()

    async def publish(self, channel: str, message: str) -> None:
        await self.publish_many([(channel, message)])

    async def publish_many(self, messages: list[tuple[str, str]]) -> None:
        """One round trip. A failure is only noted: readers find out from the log."""
        try:
            async with self._speaking.pipeline(transaction=False) as pipeline:
                for channel, message in messages:
                    pipeline.publish(channel, message)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.debug("hint not published", extra={"error": type(error).__name__})

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed, or cannot now: the reader subscribes again later."""
        self._wanted.add(channel)
        confirmed = asyncio.get_running_loop().create_future()
        self._confirmed[channel] = confirmed
        if self._pubsub is None:
            return
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await self._pubsub.subscribe(channel)
                await confirmed

    async def unsubscribe(self, channel: str) -> None:
        self._wanted.discard(channel)
        self._confirmed.pop(channel, None)
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    async def next_published(self) -> Event:
        return await self._heard.get()

    async def _read_for_ever(self) -> None:
        delay = 0.05
        while True:
            try:
                async with self._listening.pubsub() as pubsub:
                    asked = frozenset(self._wanted)
                    await pubsub.subscribe("studio:alive", *asked)
                    self._pubsub, delay = pubsub, 0.05
                    if late := self._wanted - asked:
                        await pubsub.subscribe(*late)
                    await self._heard.put(Event("", ""))
                    await self._read(pubsub)
            except Exception as error:  # noqa: BLE001 - whatever it was, listening goes on
                log.warning("redis is away", extra={"error": type(error).__name__})
            finally:
                self._pubsub = None
                self._release_waiters()
            await asyncio.sleep(delay * (0.5 + random.random()))
            delay = min(delay * 2, 1.0)

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is None:
                await pubsub.ping()
            elif message["type"] == "message":
                event = Event(message["channel"].decode(), message["data"].decode())
                await self._heard.put(event)
            elif message["type"] == "subscribe":
                self._confirm(message["channel"].decode())

    def _confirm(self, channel: str) -> None:
        confirmed = self._confirmed.get(channel)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def _release_waiters(self) -> None:
        for channel in self._confirmed:
            self._confirm(channel)


class Channels(Broadcast, Generic[T]):
    """Many listeners over one connection. A message is decoded once, whoever listens."""

    def __init__(
        self, backend: RedisBackend, decode: Callable[[str, str], T], mailbox: int = 256
    ) -> None:
        super().__init__(backend=backend)
        self._redis = backend
        self._decode = decode
        self._most = mailbox
        self._boxes: dict[str, set[Mailbox[T]]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def up(self) -> bool:
        return self._redis.up

    async def publish_many(self, messages: list[tuple[str, str]]) -> None:
        if messages:
            await self._redis.publish_many(messages)

    def lag(self, channel: str) -> None:
        """Make everybody on a channel read the truth again."""
        for box in self._boxes.get(channel, ()):
            box.lag()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncGenerator[Mailbox[T]]:
        """From the moment this is entered nothing goes by unseen, or the mailbox says so."""
        box: Mailbox[T] = Mailbox(self._most)
        try:
            async with self._turn(channel):
                boxes = self._boxes.setdefault(channel, set())
                boxes.add(box)
                if len(boxes) == 1:
                    await self._redis.subscribe(channel)
            yield box
        finally:
            self._boxes.get(channel, set()).discard(box)
            if not self._boxes.get(channel):
                await asyncio.shield(self._leave(channel))

    async def _leave(self, channel: str) -> None:
        async with self._turn(channel):
            if not self._boxes.get(channel):
                self._boxes.pop(channel, None)
                await self._redis.unsubscribe(channel)

    def _turn(self, channel: str) -> asyncio.Lock:
        # Entering and leaving one channel take turns, or a late UNSUBSCRIBE undoes a SUBSCRIBE.
        return self._turns.setdefault(channel, asyncio.Lock())

    async def _listener(self) -> None:
        while True:
            event = await self._redis.next_published()
            if not event.channel:
                for channel in self._boxes:
                    self.lag(channel)
                continue
            boxes = self._boxes.get(event.channel)
            if boxes:
                try:
                    item = self._decode(event.channel, event.message)
                except Exception as error:  # noqa: BLE001 - a newer release may tell of more
                    log.warning("hint not understood", extra={"error": type(error).__name__})
                    self.lag(event.channel)
                    continue
                for box in boxes:
                    box.put(item)
