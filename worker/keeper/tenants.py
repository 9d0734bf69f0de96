"""The keeper's work for tenants: suspensions, measurements and deletions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain.common.errors import Unavailable
from domain.tenants.lifecycle import DueDeletion, TenantMaintenance

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 2.0
MEASURE_INTERVAL_SECONDS = 60.0
WARNING_INTERVAL_SECONDS = 3_600.0


class TenantKeeper:
    def __init__(self, maintenance: TenantMaintenance, *, has_audio_store: bool) -> None:
        self._maintenance = maintenance
        self._has_audio_store = has_audio_store
        self._warned_at: float | None = None

    async def run(self) -> None:
        """A deletion or a measurement may take hours, during which the others continue."""
        async with asyncio.TaskGroup() as tasks:
            for work, interval in (
                (self.end_calls_of_suspended, POLL_INTERVAL_SECONDS),
                (self.delete_due, POLL_INTERVAL_SECONDS),
                (self.measure_usage, MEASURE_INTERVAL_SECONDS),
            ):
                tasks.create_task(_repeat(work, interval), name=work.__name__)

    async def measure_usage(self) -> None:
        await self._maintenance.measure_usage()

    async def end_calls_of_suspended(self) -> None:
        ended = await self._maintenance.end_calls_of_suspended()
        if ended:
            log.warning("ended the calls of suspended tenants", extra={"calls": ended})

    async def delete_due(self) -> None:
        """Continue the deletions that are due. One that has to wait, or fails, does not keep the others
        from being completed."""
        for due in await self._maintenance.due_deletions():
            try:
                await self._delete(due)
            except Unavailable:
                raise
            except Exception as error:
                facts = {"tenant_id": str(due.id), "error": type(error).__qualname__}
                log.exception("failed to delete a tenant", extra=facts)

    async def _delete(self, due: DueDeletion) -> None:
        if due.has_live_calls:
            return  # they are being ended
        if not due.has_begun and not await self._maintenance.begin(due):
            return
        if not await self._maintenance.delete_recordings(due.id):
            self._warn_about_audio(due)
            return  # keepers delete the audio first
        await self._maintenance.delete_calls(due.id)
        await self._maintenance.delete_audit_log(due.id)
        if await self._maintenance.finish(due.id):
            log.warning("deleted a tenant", extra={"tenant_id": str(due.id)})

    def _warn_about_audio(self, due: DueDeletion) -> None:
        now = time.monotonic()
        if self._has_audio_store or (
            self._warned_at is not None and now - self._warned_at < WARNING_INTERVAL_SECONDS
        ):
            return
        self._warned_at = now
        log.warning(
            "a tenant cannot be deleted, because its audio cannot be removed: set RECORDINGS_URL",
            extra={"tenant_id": str(due.id)},
        )


async def _repeat(work: Callable[[], Awaitable[None]], interval: float) -> None:
    while True:
        with suppress(Unavailable):  # the rounds of the keeper report that
            await work()
        await asyncio.sleep(interval)
