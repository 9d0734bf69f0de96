"""The host of a worker process: claims calls while it has capacity and runs them in one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from domain.calls.lease import Claim, EventWriter, WorkerQueue
from domain.calls.model import CallId, CallKind
from domain.common.pacing import Pacer
from domain.common.settings import Settings
from domain.common.tasks import cancel_and_wait
from domain.tenants.provider_keys import ProviderKeys
from domain.tools.http import HttpClient
from worker.common.livekit_rooms import LiveKitRooms
from worker.common.retry import retry_while_unavailable
from worker.process.call_runner import CallRunner
from worker.session.call_recorder import RecordingResources

log = logging.getLogger(__name__)

RELEASE_TIMEOUT_SECONDS = 20.0
RECONCILE_INTERVAL_SECONDS = 2.0
MAX_CLAIM_BATCH = 20
CLAIM_BACKOFF_SECONDS = 0.002
MAX_CALLS_TO_DRAIN_EARLY = 2


class Host:
    def __init__(
        self,
        queue: WorkerQueue,
        event_writer: EventWriter,
        http_client: HttpClient,
        settings: Settings,
        recording_resources: RecordingResources | None = None,
    ) -> None:
        self._queue = queue
        self._http_client = http_client
        self._event_writer = event_writer
        self._settings = settings
        self._recording_resources = recording_resources
        self._keys = ProviderKeys.from_settings(settings)
        self._rooms = LiveKitRooms.from_settings(settings)
        self._pacer = Pacer()
        self._calls: dict[UUID, CallRunner] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._worker: UUID
        self._total_voice_calls = 0
        self._on_registered: Callable[[UUID], None]
        self._on_draining: Callable[[], None]
        self._draining = asyncio.Event()
        self._reconciled_at = 0.0

    async def serve(
        self,
        stop: asyncio.Event,
        on_registered: Callable[[UUID], None],
        on_draining: Callable[[], None],
    ) -> None:
        """Run calls until `stop` is set, then release every call to the other workers.

        `on_registered` receives the worker's id, at the start and whenever it changes.
        `on_draining` is called when the process has run enough voice calls: it claims no more and
        sets `stop` once the calls it has are over."""
        self._on_registered, self._on_draining = on_registered, on_draining
        self._worker = await self._register()
        async with asyncio.TaskGroup() as tasks:
            heartbeat = tasks.create_task(self._heartbeat())
            claims = tasks.create_task(self._run_claims(tasks))
            inbox = tasks.create_task(self._run_inbox())
            drained = tasks.create_task(self._stop_when_drained(stop))
            await stop.wait()
            await cancel_and_wait(claims, drained)
            await self._release_all()
            await cancel_and_wait(inbox, heartbeat)
        await self._queue.deregister_worker(self._worker)

    async def _register(self) -> UUID:
        settings = self._settings
        worker = await retry_while_unavailable(
            lambda: self._queue.register_worker(
                settings.worker_capacity, settings.worker_voice_capacity
            )
        )
        self._on_registered(worker)
        return worker

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.heartbeat_seconds)
            if not await retry_while_unavailable(lambda: self._queue.heartbeat(self._worker)):
                # Other workers may hold our calls already; anything we still write is fenced.
                log.warning("lease lost; registering again")
                self._cancel_all()
                self._worker = await self._register()

    async def _run_inbox(self) -> None:
        """Runs concurrently with claiming, so that commands to a call do not wait for claims."""
        while True:
            worker = self._worker
            async with _closing(self._queue.inbox_notifications(worker)) as notifications:
                async for _ in notifications:
                    await retry_while_unavailable(self._read_inbox)
                    if self._worker != worker:
                        break

    async def _read_inbox(self) -> None:
        if self._calls:
            for command in await self._queue.inbox(self._worker):
                call = self._calls.get(command.call_id)
                if call is not None:
                    call.deliver(command)

    async def _run_claims(self, tasks: asyncio.TaskGroup) -> None:
        async with _closing(self._queue.queue_notifications()) as notifications:
            async for notified in notifications:
                await retry_while_unavailable(partial(self._claim_if_waiting, tasks, notified))

    async def _claim_if_waiting(self, tasks: asyncio.TaskGroup, notified: bool) -> None:
        await self._reconcile_claims()
        if self._free_capacity <= 0 or self._draining.is_set():
            return
        if notified or await self._queue.has_waiting():
            # A delay per call held balances the load: the least busy process claims first.
            await asyncio.sleep(min(len(self._calls), MAX_CLAIM_BATCH) * CLAIM_BACKOFF_SECONDS)
            await self._claim(tasks)
        self._drain_if_due()

    @property
    def _free_capacity(self) -> int:
        return min(self._settings.worker_capacity - len(self._calls), MAX_CLAIM_BATCH)

    async def _claim(self, tasks: asyncio.TaskGroup) -> None:
        capacity = self._free_capacity
        voice = min(capacity, self._settings.worker_voice_capacity - self._active_voice_calls)
        claimed = await self._claim_batch(voice, tasks) if voice > 0 else 0
        if claimed >= voice and claimed < capacity:
            claimed += await self._claim_batch(capacity - claimed, tasks, voice=False)
        if claimed:
            await self._read_inbox()  # commands that arrived before we held the calls

    async def _claim_batch(
        self, limit: int, tasks: asyncio.TaskGroup, *, voice: bool = True
    ) -> int:
        claims = await self._queue.claim(self._worker, limit, include_voice=voice)
        for claim in claims:
            self._start_call(claim, tasks)
        self._total_voice_calls += sum(map(_is_voice, claims))
        return len(claims)

    @property
    def _active_voice_calls(self) -> int:
        return sum(_is_voice(call.claim) for call in self._calls.values())

    def _drain_if_due(self) -> None:
        """Start draining after enough voice calls: LiveKit's library leaks half a megabyte per room
        joined.

        The replacement takes a full load on the same core, so start while this process has few
        calls, if possible."""
        limit = self._settings.worker_voice_calls
        is_due = self._total_voice_calls >= limit
        is_late = self._total_voice_calls >= 2 * limit
        if limit and is_due and (is_late or self._active_voice_calls <= MAX_CALLS_TO_DRAIN_EARLY):
            log.info("reached its limit of voice calls; draining")
            self._draining.set()
            self._on_draining()

    async def _stop_when_drained(self, stop: asyncio.Event) -> None:
        """Once draining, wait for voice calls to end and release text calls to other workers."""
        await self._draining.wait()
        for call in self._calls.values():
            if not _is_voice(call.claim):
                call.release_after_turn()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        stop.set()

    async def _reconcile_claims(self) -> None:
        """Runs periodically, serialized with claiming so that a claim in progress is not mistaken
        for an orphan."""
        now = asyncio.get_running_loop().time()
        if now - self._reconciled_at > RECONCILE_INTERVAL_SECONDS:
            await self._queue.reconcile(self._worker, [CallId(id) for id in self._calls])
            self._reconciled_at = now

    def _start_call(self, claim: Claim, tasks: asyncio.TaskGroup) -> None:
        id = claim.call.id
        log.info("call claimed", extra={"call_id": str(id), "epoch": claim.epoch})
        self._event_writer.open(claim)
        call = CallRunner(
            claim,
            self._queue,
            self._event_writer,
            self._http_client,
            self._keys,
            self._rooms,
            self._settings,
            self._pacer,
            self._recording_resources,
        )
        previous = self._tasks.get(id)
        task = tasks.create_task(_run(call, previous))
        self._calls[id], self._tasks[id] = call, task
        task.add_done_callback(lambda _: self._on_call_done(call))

    def _on_call_done(self, call: CallRunner) -> None:
        id = call.claim.call.id
        self._event_writer.close(call.claim)
        if self._calls.get(id) is call:
            del self._calls[id]
            del self._tasks[id]

    async def _release_all(self) -> None:
        for call in self._calls.values():
            call.release_after_turn()
        tasks = list(self._tasks.values())
        log.info("releasing calls", extra={"calls": len(tasks)})
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=RELEASE_TIMEOUT_SECONDS)
            await cancel_and_wait(*late)

    def _cancel_all(self) -> None:
        for task in self._tasks.values():
            task.cancel()


async def _run(call: CallRunner, previous: asyncio.Task[None] | None) -> None:
    if previous is not None:
        await cancel_and_wait(previous)
    await call.run()


def _is_voice(claim: Claim) -> bool:
    return claim.call.kind is not CallKind.TEXT


@asynccontextmanager
async def _closing(notifications: AsyncIterator[bool]) -> AsyncGenerator[AsyncIterator[bool]]:
    try:
        yield notifications
    finally:
        if isinstance(notifications, AsyncGenerator):
            await notifications.aclose()
