"""`python -m worker.keeper`: the maintenance process. Any number may run; calls continue without it.

Several times per lease it releases the calls of dead workers and ends overdue calls. Every two
seconds it closes the rooms of ended calls: until then a phone in such a room rings or is silent.
Every second it sends the e-mail that is due, and every two it ends the calls of suspended tenants and continues the
deletion of tenants whose time of grace is over. Every five seconds it compares LiveKit's inbound trunks with the
database. Twice a second it chains the entries of audit logs. Once an hour it releases transfers whose calls have ended,
deletes data past its retention, rewraps data keys, and signs the ends of the audit logs."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from domain.audit.heads import head_to_json
from domain.audit.ports import AuditChain
from domain.calls.maintenance import Reaper, Retention
from domain.common.errors import Unavailable
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.tenants.mail import MailServer
from persistence.worker_wiring import WorkerServices, worker_services
from worker.common.health import health_server
from worker.keeper.liveness import PROBES_PER_LEASE, FailureDetector, LivenessCutoffs
from worker.keeper.mail_sender import MailSender
from worker.keeper.recording_jobs import RecordingProcessor
from worker.keeper.tenants import TenantKeeper
from worker.process.entrypoint import run

if TYPE_CHECKING:
    from worker.common.livekit_rooms import LiveKitRooms
    from worker.keeper.inbound_calls import InboundCallWatcher
    from worker.keeper.inbound_trunks import InboundTrunkReconciler

log = logging.getLogger(__name__)

MAX_ROUND_AGE_SECONDS = 30.0
"""A keeper whose last round ended longer ago than this is not ready. A round that fails because a
store hangs takes less."""
MIN_CLEANUP_BACKOFF_SECONDS = 1.0
ROOM_SWEEP_INTERVAL_SECONDS = 2.0
CLEANUP_INTERVAL_SECONDS = 3_600.0
MAX_CLEANUP_BACKOFF_SECONDS = 60.0
TRUNK_REPORT_INTERVAL_SECONDS = 5.0
AUDIT_INTERVAL_SECONDS = 0.5
MAX_LINKED_AT_ONCE = 500
"""When this many entries were chained at once, more are waiting."""


class Keeper:
    def __init__(self, services: WorkerServices, settings: Settings) -> None:
        self._reaper: Reaper = services.reaper
        self._retention: Retention = services.retention
        self._audit_chain: AuditChain = services.audit_chain
        self._rooms = _create_rooms(settings)
        self._trunk_reconciler = _create_reconciler(self._rooms, services)
        self._inbound_calls = _create_watcher(self._rooms, services)
        self._rewrap = services.rewrap
        self._settings = settings
        self._recordings = services.recording_store
        self._trunk_reports = services.trunk_reports
        self._recording_processor = (
            RecordingProcessor(services.recording_store, services.audio_store)
            if services.audio_store
            else None
        )
        server = MailServer.from_settings(settings)
        self._mail_sender = MailSender(services.mail_queue, server) if server else None
        self._tenants = TenantKeeper(
            services.tenants, has_audio_store=services.audio_store is not None
        )
        self._failure_detector = FailureDetector(settings.lease_seconds)
        self._last_round_at: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.run_once()
            except Unavailable:
                log.warning("store unavailable")
                self._last_round_at = time.monotonic()  # the keeper itself works
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_seconds / PROBES_PER_LEASE):
                    await stop.wait()

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether the keeper completes its rounds, and how long ago the last one ended."""
        if self._last_round_at is None:
            return False, {"last_round_seconds": None}
        age = time.monotonic() - self._last_round_at
        return age < MAX_ROUND_AGE_SECONDS, {"last_round_seconds": round(age, 1)}

    async def run_once(self) -> None:
        cutoffs = self._failure_detector.observe(await self._reaper.database_time())
        if cutoffs is not None:
            await self._apply(cutoffs)
        self._last_round_at = time.monotonic()

    async def _apply(self, cutoffs: LivenessCutoffs) -> None:
        released = await self._reaper.reap_dead_workers(cutoffs.silent_since)
        if released:
            log.warning("released the calls of dead workers", extra={"calls": released})
        claim_seconds = self._settings.claim_seconds
        for id, reason in await self._reaper.end_overdue(claim_seconds, cutoffs.overdue_at):
            log.warning("ended an overdue call", extra={"call_id": str(id), "reason": reason})

    async def run_room_sweep(self) -> None:
        while self._rooms is not None:
            await asyncio.sleep(ROOM_SWEEP_INTERVAL_SECONDS)
            with suppress(Unavailable):
                await self.close_ended_rooms(self._rooms)

    async def close_ended_rooms(self, rooms: LiveKitRooms) -> None:
        """Close rooms that a worker could not close. Rooms of unknown calls are left alone, because
        another installation may use the same LiveKit server."""
        ended = await self._reaper.rooms_of_ended_calls(await rooms.list_open())
        for room, call in ended.items():
            log.warning("closing the room of an ended call", extra={"call_id": str(call)})
            await rooms.close(room, call)

    async def run_cleanup(self) -> None:
        """Runs concurrently with the rounds, which must not wait for long deletions."""
        delay = MIN_CLEANUP_BACKOFF_SECONDS
        while True:
            try:
                settings = self._settings
                released = await self._reaper.release_transfers()
                if released:
                    log.info("released transfers of ended calls", extra={"transfers": released})
                # Their calls are deleted in a later round, once the audio has been deleted.
                await self._recordings.delete_expired(
                    settings.recording_days, settings.retention_days
                )
                deleted = await self._retention.delete_expired(settings.retention_days)
                log.info("deleted expired calls", extra={"calls_removed": deleted})
                rewrapped = await self._rewrap()
                if rewrapped:
                    log.info("rewrapped data keys", extra={"tenants": rewrapped})
                await self._maintain_audit_logs()
                await self._delete_orphaned_audio()
                delay = MIN_CLEANUP_BACKOFF_SECONDS
                await asyncio.sleep(CLEANUP_INTERVAL_SECONDS)
            except Unavailable as error:
                # A statement that takes too long raises Unavailable, too, not only an outage.
                facts = {"cause": type(error.__cause__).__name__, "again_in": delay}
                log.warning("cleanup interrupted; retrying", extra=facts)
                await asyncio.sleep(delay)
                delay = min(2 * delay, MAX_CLEANUP_BACKOFF_SECONDS)

    async def run_audit_chain(self) -> None:
        while True:
            linked = 0
            with suppress(Unavailable):  # the rounds report that
                linked = await self._audit_chain.link_pending()
            if linked < MAX_LINKED_AT_ONCE:
                await asyncio.sleep(AUDIT_INTERVAL_SECONDS)

    async def _maintain_audit_logs(self) -> None:
        deleted = await self._audit_chain.delete_expired()
        if deleted:
            log.info("deleted expired entries of audit logs", extra={"entries": deleted})
        for head in await self._audit_chain.sign_heads():
            # Outside of the database, this proves later that the log was not rewritten.
            log.info("signed an audit log", extra=head_to_json(head))

    async def _delete_orphaned_audio(self) -> None:
        if self._recording_processor is None:
            await self.warn_about_undeletable_audio()
            return
        with suppress(Unavailable):  # retried in the next hour
            deleted = await self._recording_processor.delete_orphans()
            log.info("deleted orphaned audio", extra={"sounds": deleted})

    async def warn_about_undeletable_audio(self) -> None:
        undeletable = await self._recordings.count_orphans()
        if undeletable:
            log.warning(
                "the audio of deleted recordings cannot be removed, so their calls are kept: "
                "set RECORDINGS_URL",
                extra={"recordings": undeletable},
            )

    async def run_trunk_reconciler(self) -> None:
        if self._trunk_reconciler is not None:
            await self._trunk_reconciler.run()

    async def run_trunk_reports(self) -> None:
        while True:
            with suppress(Unavailable):  # the rounds report that
                await self.report_trunks()
            await asyncio.sleep(TRUNK_REPORT_INTERVAL_SECONDS)

    async def report_trunks(self) -> None:
        """Log which outbound trunks were paused or came near a limit, once each."""
        for paused in await self._trunk_reports.newly_paused():
            facts = {"trunk_id": str(paused.id), "tenant_id": str(paused.tenant_id)}
            log.warning(
                "paused an outbound trunk whose carrier refuses calls",
                extra={**facts, "reason": paused.reason},
            )
        for trunk in await self._trunk_reports.newly_near_limit():
            facts = {"trunk_id": str(trunk.id), "tenant_id": str(trunk.tenant_id)}
            log.warning("an outbound trunk is near a limit of the day", extra=facts)

    async def run_mail(self) -> None:
        if self._mail_sender is not None:
            await self._mail_sender.run()

    async def run_inbound_calls(self) -> None:
        if self._inbound_calls is not None:
            await self._inbound_calls.run()

    async def run_tenants(self) -> None:
        await self._tenants.run()

    async def run_recording_jobs(self) -> None:
        if self._recording_processor is not None:
            await self._recording_processor.run()


def _create_reconciler(
    rooms: LiveKitRooms | None, services: WorkerServices
) -> InboundTrunkReconciler | None:
    if rooms is None:
        return None
    from worker.keeper.inbound_trunks import InboundTrunkReconciler

    return InboundTrunkReconciler(rooms, services.inbound_routes, services.route_reports)


def _create_watcher(
    rooms: LiveKitRooms | None, services: WorkerServices
) -> InboundCallWatcher | None:
    if rooms is None:
        return None
    from worker.keeper.inbound_calls import InboundCallWatcher

    return InboundCallWatcher(rooms, services.inbound_calls, services.inbound_routes)


def _create_rooms(settings: Settings) -> LiveKitRooms | None:
    if not settings.livekit_url:
        return None
    # The LiveKit client takes 18 MB, so it is loaded only where there are voice calls.
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
            background_task(keeper.run_trunk_reconciler()),
            background_task(keeper.run_inbound_calls()),
            background_task(keeper.run_trunk_reports()),
            background_task(keeper.run_audit_chain()),
            background_task(keeper.run_mail()),
            background_task(keeper.run_tenants()),
        ):
            await keeper.run(stop)
        log.info("keeper stopped")


def main() -> None:
    run(run_keeper, os.environ)
