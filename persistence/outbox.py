"""Sends notifications to Redis in the background, so that no publisher waits for the network."""

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
    """A bounded queue and the one task that sends from it, so notifications keep their order.

    `on_failure` is called when sending fails even on a fresh connection. The owner of the outbox
    then closes it, and opens it once Redis is available again. While it is closed, notifications
    are dropped at once."""

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
        for notification in notifications:
            if not self._is_open:
                self._dropped += 1
                continue
            if self._queue.full():
                # Drop the oldest: a newer notification reveals the gap to its reader.
                self._drop_oldest()
            self._queue.put_nowait(notification)

    def close(self) -> None:
        """Drop all queued and all future notifications."""
        self._is_open = False
        while not self._queue.empty():
            self._drop_oldest()

    def open(self) -> None:
        self._is_open = True

    def take_dropped_count(self) -> int:
        """Return how many notifications were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def flush(self, timeout_seconds: float) -> None:
        """Wait until the queue has been sent, for at most `timeout_seconds`."""
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
        # Redis may have closed an idle connection: the second attempt uses a fresh one.
        return await self._try_send(batch) or await self._try_send(batch)

    async def _try_send(self, batch: list[Notification]) -> bool:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, message in batch:
                    pipeline.publish(channel, message)
                await pipeline.execute()
        except ResponseError as error:
            self._log_refused(error)
        except Exception as error:  # noqa: BLE001 - any error counts as an outage
            log.debug("failed to publish notifications", extra={"error": type(error).__name__})
            return False
        else:
            self._refusal_logged = False
        return True

    def _log_refused(self, error: ResponseError) -> None:
        """Redis is available but rejects PUBLISH, so a retry would not help."""
        if not self._refusal_logged:
            log.error(
                "redis refuses notifications: check that its user may PUBLISH",
                extra={"error": str(error)},
            )
        self._refusal_logged = True

    def _drop_oldest(self) -> None:
        self._queue.get_nowait()
        self._queue.task_done()
        self._dropped += 1
