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

from domain.common.errors import Unavailable
from domain.common.settings import Settings
from domain.common.tasks import background_task
from persistence.worker_wiring import WorkerServices, worker_services
from worker.common.health import health_server
from worker.keeper.liveness import PROBES_PER_LEASE, FailureDetector, LivenessCutoffs
from worker.keeper.recording_jobs import RecordingProcessor
from worker.process.entrypoint import run

if TYPE_CHECKING:
    from worker.common.livekit_rooms import LiveKitRooms

log = logging.getLogger(__name__)

MAX_ROUND_AGE_SECONDS = 30.0
"""A keeper whose last round was so long ago is not ready. A round that a store which hangs brings to
nothing takes less."""
MIN_CLEANUP_BACKOFF_SECONDS = 1.0
ROOM_SWEEP_INTERVAL_SECONDS = 10.0
CLEANUP_INTERVAL_SECONDS = 3_600.0
MAX_CLEANUP_BACKOFF_SECONDS = 60.0


class Keeper:
    def __init__(self, services: WorkerServices, settings: Settings) -> None:
        self._queue = services.queue
        self._rooms = _create_rooms(settings)
        self._rewrap = services.rewrap
        self._settings = settings
        self._recordings = services.recording_store
        self._recording_processor = (
            RecordingProcessor(services.recording_store, services.audio_store)
            if services.audio_store
            else None
        )
        self._failure_detector = FailureDetector(settings.lease_seconds)
        self._last_round_at: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.run_once()
            except Unavailable:
                log.warning("store is away")
                self._last_round_at = time.monotonic()  # the keeper itself does what it can
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_seconds / PROBES_PER_LEASE):
                    await stop.wait()

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether it keeps up with its rounds, and how long ago the last one was over."""
        if self._last_round_at is None:
            return False, {"last_round_seconds": None}
        ago = time.monotonic() - self._last_round_at
        return ago < MAX_ROUND_AGE_SECONDS, {"last_round_seconds": round(ago, 1)}

    async def run_once(self) -> None:
        verdict = self._failure_detector.observe(await self._queue.database_time())
        if verdict is not None:
            await self._apply(verdict)
        self._last_round_at = time.monotonic()

    async def _apply(self, cutoffs: LivenessCutoffs) -> None:
        freed = await self._queue.reap_dead_workers(cutoffs.silent_since)
        if freed:
            log.warning("took calls from silent workers", extra={"calls": freed})
        claim_seconds = self._settings.claim_seconds
        for id, reason in await self._queue.end_overdue(claim_seconds, cutoffs.overdue_at):
            log.warning("ended an overdue call", extra={"call_id": str(id), "reason": reason})

    async def run_room_sweep(self) -> None:
        while self._rooms is not None:
            await asyncio.sleep(ROOM_SWEEP_INTERVAL_SECONDS)
            with suppress(Unavailable):
                await self.close_ended_rooms(self._rooms)

    async def close_ended_rooms(self, rooms: LiveKitRooms) -> None:
        """Close rooms that a worker could not close. Those of calls that we do not know are left
        alone: another installation may use the same LiveKit."""
        for id in await self._queue.filter_ended(await rooms.list_open()):
            log.warning("closing the room of a call that ended", extra={"call_id": str(id)})
            await rooms.close(id)

    async def run_cleanup(self) -> None:
        """Beside the rounds: what it deletes may be much, and they must not wait for it."""
        pause = MIN_CLEANUP_BACKOFF_SECONDS
        while True:
            try:
                settings = self._settings
                # Calls are forgotten in a later round, when the sound is gone.
                await self._recordings.delete_expired(
                    settings.recording_days, settings.retention_days
                )
                gone = await self._queue.delete_expired(settings.retention_days)
                log.info("tidied", extra={"calls_removed": gone})
                wrapped = await self._rewrap()
                if wrapped:
                    log.info("wrapped data keys anew", extra={"tenants": wrapped})
                await self._delete_orphaned_audio()
                pause = MIN_CLEANUP_BACKOFF_SECONDS
                await asyncio.sleep(CLEANUP_INTERVAL_SECONDS)
            except Unavailable as error:
                # Not the store's outage alone looks like this, but also a statement that takes too long.
                facts = {"cause": type(error.__cause__).__name__, "again_in": pause}
                log.warning("tidying was interrupted", extra=facts)
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_CLEANUP_BACKOFF_SECONDS)

    async def _delete_orphaned_audio(self) -> None:
        if self._recording_processor is None:
            await self.warn_about_undeletable_audio()
            return
        with suppress(Unavailable):  # the next hour will do
            swept = await self._recording_processor.delete_orphans()
            log.info("swept recordings that nobody claims", extra={"sounds": swept})

    async def warn_about_undeletable_audio(self) -> None:
        left = await self._recordings.count_orphans()
        if left:
            log.warning(
                "deleted recordings cannot be removed, and their calls are kept: set RECORDINGS_URL",
                extra={"recordings": left},
            )

    async def run_recording_jobs(self) -> None:
        if self._recording_processor is not None:
            await self._recording_processor.run()


def _create_rooms(settings: Settings) -> LiveKitRooms | None:
    if not settings.livekit_url:
        return None
    # Loads the client of LiveKit, which takes 18 MB: only where there are voice calls.
    from worker.common.livekit_rooms import LiveKitRooms

    return LiveKitRooms.from_settings(settings)


async def run_keeper(settings: Settings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    async with worker_services(settings) as services:
        ready()
        log.info(
            "keeper started",
            extra={
                "round_seconds": settings.lease_seconds / PROBES_PER_LEASE,
                "sweep_seconds": ROOM_SWEEP_INTERVAL_SECONDS,
                "tidy_seconds": CLEANUP_INTERVAL_SECONDS,
                "lease_seconds": settings.lease_seconds,
                "retention_days": settings.retention_days,
            },
        )
        keeper = Keeper(services, settings)
        async with (
            health_server(settings, keeper.report),
            background_task(keeper.run_cleanup()),
            background_task(keeper.run_room_sweep()),
            background_task(keeper.run_recording_jobs()),
        ):
            await keeper.run(stop)
        log.info("keeper stopped")


def main() -> None:
    run(run_keeper, os.environ)
