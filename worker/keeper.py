"""`python -m worker.keeper`: tidies up. Any number may run; none is needed for a call to go on.

Every second it takes calls from workers that have fallen silent and ends calls that are overdue;
every ten it closes the rooms of calls that have ended; once an hour it removes what is older than the retention and wraps data keys anew."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from domain.errors import Unavailable
from domain.settings import Settings
from domain.tasks import beside
from persistence.wiring import WorkerServices, worker_services
from worker.archive import Archive
from worker.process import run

if TYPE_CHECKING:
    from worker.rooms import Rooms

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
SWEEP_SECONDS = 10.0
TIDY_SECONDS = 3_600.0


class Keeper:
    def __init__(self, services: WorkerServices, settings: Settings) -> None:
        self._queue = services.queue
        self._rooms = _rooms(settings)
        self._rewrap = services.rewrap
        self._settings = settings
        self._recordings = services.recordings
        self._archive = Archive(services.recordings, services.sounds) if services.sounds else None
        self._looked_at: float | None = None

    async def keep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.round()
            except Unavailable:
                log.warning("store is away")
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await stop.wait()

    async def round(self) -> None:
        now = time.monotonic()
        # A keeper that could not look for a while cannot tell silent workers from an outage
        # that silenced everybody: it gives them the time of a lease to be heard again.
        watching = (
            self._looked_at is not None and now - self._looked_at < self._settings.lease_seconds
        )
        if watching:
            freed = await self._queue.bury_silent(self._settings.lease_seconds)
            if freed:
                log.warning("took calls from silent workers", extra={"calls": freed})
            for id, reason in await self._queue.end_overdue(self._settings.claim_seconds):
                log.warning("ended an overdue call", extra={"call_id": str(id), "reason": reason})
        else:
            await self._queue.answers()
        self._looked_at = now

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
                await asyncio.sleep(TIDY_SECONDS)
            except Unavailable:
                await asyncio.sleep(ROUND_SECONDS)

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
        keeper = Keeper(services, settings)
        async with (
            beside(keeper.tidy_for_ever()),
            beside(keeper.sweep_for_ever()),
            beside(keeper.archive_for_ever()),
        ):
            await keeper.keep(stop)


if __name__ == "__main__":
    run(keep, os.environ)
