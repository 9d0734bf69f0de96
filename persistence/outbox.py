"""Hints on their way to Redis: nobody who has something to tell waits for the network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from persistence.notifications import Notification

log = logging.getLogger(__name__)

MAX_QUEUED = 5_000
MAX_BATCH = 500


class Outbox:
    """A bounded queue and the one task that empties it, so hints keep their order.

    `on_failure` is called when Redis takes no hints on a fresh connection either. Whoever owns the
    outbox closes it then, and opens it when Redis is back; until then hints are dropped at once."""

    def __init__(
        self, redis: Redis, on_failure: Callable[[], None], max_queued: int = MAX_QUEUED
    ) -> None:
        self._redis = redis
        self._on_failure = on_failure
        self._queue: asyncio.Queue[Notification] = asyncio.Queue(max_queued)
        self._is_open = True
        self._dropped = 0
        self._refusal_logged = False

    def put(self, notifications: Iterable[Notification]) -> None:
        for hint in notifications:
            if not self._is_open:
                self._dropped += 1
                continue
            if self._queue.full():
                # The oldest goes: a newer one shows its reader the gap.
                self._drop_oldest()
            self._queue.put_nowait(hint)

    def close(self) -> None:
        """Drop what waits and what comes."""
        self._is_open = False
        while not self._queue.empty():
            self._drop_oldest()

    def open(self) -> None:
        self._is_open = True

    def take_dropped_count(self) -> int:
        """How many hints were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def flush(self, timeout_seconds: float) -> None:
        """Wait until everything has been sent, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._queue.join()

    async def run_sender(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            if not await self.send_batch(batch):
                self._dropped += len(batch)
                self._on_failure()
            for _ in batch:
                self._queue.task_done()

    async def send_batch(self, batch: list[Notification]) -> bool:
        # Redis may have closed an idle connection: a second attempt is made on a fresh one.
        return await self._try_send(batch) or await self._try_send(batch)

    async def _try_send(self, batch: list[Notification]) -> bool:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, message in batch:
                    pipeline.publish(channel, message)
                await pipeline.execute()
        except ResponseError as error:
            self._log_refused(error)
        except Exception as error:  # noqa: BLE001 - whatever the client raises, Redis is away
            log.debug("hints not published", extra={"error": type(error).__name__})
            return False
        else:
            self._refusal_logged = False
        return True

    def _log_refused(self, error: ResponseError) -> None:
        """Redis is there, so trying again would not help."""
        if not self._refusal_logged:
            log.error("redis refuses hints: may its user PUBLISH?", extra={"error": str(error)})
        self._refusal_logged = True

    def _drop_oldest(self) -> None:
        self._queue.get_nowait()
        self._queue.task_done()
        self._dropped += 1
