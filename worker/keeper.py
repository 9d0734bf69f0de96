"""`python -m worker.keeper`: tidies up. Any number may run; none is needed for a call to go on.

Several times in a lease it takes calls from workers that have fallen silent and ends calls that are
overdue; every ten seconds it closes the rooms of calls that have ended; once an hour it removes what
is older than the retention and wraps data keys anew."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from domain.errors import Unavailable
from domain.settings import Settings
from domain.tasks import beside
from persistence.worker_wiring import WorkerServices, worker_services
from worker.archive import Archive
from worker.health import health_served
from worker.liveness import ANSWERS_PER_LEASE, FailureDetector, Verdict
from worker.process import run

if TYPE_CHECKING:
    from worker.rooms import Rooms

log = logging.getLogger(__name__)

READY_SECONDS = 30.0
"""A keeper whose last round was so long ago is not ready. A round that a store which hangs brings to
nothing takes less."""
RETRY_SECONDS = 1.0
SWEEP_SECONDS = 10.0
TIDY_SECONDS = 3_600.0
MAX_TIDY_PAUSE_SECONDS = 60.0


class Keeper:
    def __init__(self, services: WorkerServices, settings: Settings) -> None:
        self._queue = services.queue
        self._rooms = _rooms(settings)
        self._rewrap = services.rewrap
        self._settings = settings
        self._recordings = services.recordings
        self._archive = Archive(services.recordings, services.sounds) if services.sounds else None
        self._failures = FailureDetector(settings.lease_seconds)
        self._round_at: float | None = None

    async def keep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.round()
            except Unavailable:
                log.warning("store is away")
                self._round_at = time.monotonic()  # the keeper itself does what it can
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_seconds / ANSWERS_PER_LEASE):
                    await stop.wait()

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether it keeps up with its rounds, and how long ago the last one was over."""
        if self._round_at is None:
            return False, {"last_round_seconds": None}
        ago = time.monotonic() - self._round_at
        return ago < READY_SECONDS, {"last_round_seconds": round(ago, 1)}

    async def round(self) -> None:
        verdict = self._failures.answered(await self._queue.database_time())
        if verdict is not None:
            await self._apply(verdict)
        self._round_at = time.monotonic()

    async def _apply(self, verdict: Verdict) -> None:
        freed = await self._queue.reap_dead_workers(verdict.silent_since)
        if freed:
            log.warning("took calls from silent workers", extra={"calls": freed})
        claim_seconds = self._settings.claim_seconds
        for id, reason in await self._queue.end_overdue(claim_seconds, verdict.overdue_at):
            log.warning("ended an overdue call", extra={"call_id": str(id), "reason": reason})

    async def sweep_for_ever(self) -> None:
        while self._rooms is not None:
            await asyncio.sleep(SWEEP_SECONDS)
            with suppress(Unavailable):
                await self.sweep(self._rooms)

    async def sweep(self, rooms: Rooms) -> None:
        """Close rooms that a worker could not close. Those of calls that we do not know are left
        alone: another installation may use the same LiveKit."""
        for id in await self._queue.ended_of(await rooms.open()):
            log.warning("closing the room of a call that ended", extra={"call_id": str(id)})
            await rooms.close(id)

    async def tidy_for_ever(self) -> None:
        """Beside the rounds: what it deletes may be much, and they must not wait for it."""
        pause = RETRY_SECONDS
        while True:
            try:
                settings = self._settings
                # Calls are forgotten in a later round, when the sound is gone.
                await self._recordings.expire(settings.recording_days, settings.retention_days)
                gone = await self._queue.forget_old(settings.retention_days)
                log.info("tidied", extra={"calls_removed": gone})
                wrapped = await self._rewrap()
                if wrapped:
                    log.info("wrapped data keys anew", extra={"tenants": wrapped})
                await self._sweep_recordings()
                pause = RETRY_SECONDS
                await asyncio.sleep(TIDY_SECONDS)
            except Unavailable as error:
                # Not the store's outage alone looks like this, but also a statement that takes too long.
                facts = {"cause": type(error.__cause__).__name__, "again_in": pause}
                log.warning("tidying was interrupted", extra=facts)
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_TIDY_PAUSE_SECONDS)

    async def _sweep_recordings(self) -> None:
        if self._archive is None:
            await self.warn_of_sound()
            return
        with suppress(Unavailable):  # the next hour will do
            swept = await self._archive.sweep()
            log.info("swept recordings that nobody claims", extra={"sounds": swept})

    async def warn_of_sound(self) -> None:
        left = await self._recordings.left_behind()
        if left:
            log.warning(
                "deleted recordings cannot be removed, and their calls are kept: set RECORDINGS_URL",
                extra={"recordings": left},
            )

    async def archive_for_ever(self) -> None:
        if self._archive is not None:
            await self._archive.keep_for_ever()


def _rooms(settings: Settings) -> Rooms | None:
    if not settings.livekit_url:
        return None
    # Loads the client of LiveKit, which takes 18 MB: only where there are voice calls.
    from worker.rooms import Rooms

    return Rooms.of(settings)


async def keep(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings) as services:
        ready()
        log.info(
            "keeper started",
            extra={
                "round_seconds": settings.lease_seconds / ANSWERS_PER_LEASE,
                "sweep_seconds": SWEEP_SECONDS,
                "tidy_seconds": TIDY_SECONDS,
                "lease_seconds": settings.lease_seconds,
                "retention_days": settings.retention_days,
            },
        )
        keeper = Keeper(services, settings)
        async with (
            health_served(settings, keeper.report),
            beside(keeper.tidy_for_ever()),
            beside(keeper.sweep_for_ever()),
            beside(keeper.archive_for_ever()),
        ):
            await keeper.keep(stop)
        log.info("keeper stopped")


if __name__ == "__main__":
    run(keep, os.environ)
