"""Recording jobs of a keeper: joining the segments of ended calls and deleting audio. Each step is
idempotent, so a keeper that dies during a job loses nothing."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain.calls.recordings import (
    LEASE_SECONDS,
    RECORDING_FILENAME,
    AudioStore,
    RecordingJob,
    RecordingState,
    RecordingStore,
    SegmentKey,
    call_id_from_key,
)
from domain.common.errors import NotFound, Unavailable
from domain.common.tasks import background_task

if TYPE_CHECKING:
    from worker.audio.segment_joiner import SegmentJoiner

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 1.0
MAX_ATTEMPTS = 10
MAX_ATTEMPTS_WITHOUT_AUDIO = 3
MAX_ATTEMPTS_WHILE_UNAVAILABLE = 300
"""With backoff this is about a day, so a job survives a long outage of the audio store."""
MAX_BACKOFF_SECONDS = 300.0
RECHECK_DELAY_SECONDS = 5.0
MAX_TAIL_GAP_MS = 2_000
"""A recording that ends at most this long before its call counts as complete."""
MIN_ORPHAN_AGE = timedelta(hours=2)
SWEEP_BATCH_SIZE = 500
MAX_CONCURRENT_JOBS = 4


def _create_joiner(destination: Path, segment_keys: Sequence[SegmentKey]) -> SegmentJoiner:
    # av and numpy take 28 MB, so they are loaded only in a keeper that joins a recording.
    from worker.audio.segment_joiner import SegmentJoiner

    return SegmentJoiner(destination, segment_keys)


class NoAudio(Exception):
    """The recording has no segments to join."""


class RecordingProcessor:
    def __init__(self, recording_store: RecordingStore, audio_store: AudioStore) -> None:
        self.recording_store = recording_store
        self._audio_store = audio_store

    async def run(self) -> None:
        """Run jobs until cancelled. Several run concurrently: they mostly wait for the store."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_CONCURRENT_JOBS):
                tasks.create_task(self._process_jobs())

    async def _process_jobs(self) -> None:
        while True:
            try:
                while await self.process_next():
                    pass
            except Unavailable:
                log.warning("store unavailable")
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def process_next(self) -> bool:
        """Run the next job that is due. False when there is none."""
        job = await self.recording_store.lease_next()
        if job is None:
            return False
        try:
            async with background_task(self._renew_lease(job)):
                await self._process(job)
        except* Exception as failed:  # noqa: BLE001 - any failure is recorded and retried
            await self._record_failure(job, failed.exceptions[0])
        return True

    async def _process(self, job: RecordingJob) -> None:
        match job.recording.state:
            case RecordingState.PROCESSING:
                await self._join(job)
            case RecordingState.READY:
                await self._delete_audio(job, except_key=job.recording.key)
            case RecordingState.DELETED:
                await self._delete_audio(job)

    async def _renew_lease(self, job: RecordingJob) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self.recording_store.renew_lease(job)

    async def _record_failure(self, job: RecordingJob, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        known = isinstance(error, NoAudio | Unavailable | NotFound)
        reason = (
            str(error) if known else f"The segments could not be joined ({type(error).__name__})."
        )
        joining = job.recording.state is RecordingState.PROCESSING
        gives_up = joining and job.attempts >= _max_attempts(error)
        delay = None if gives_up else min(2.0 ** min(job.attempts, 10), MAX_BACKOFF_SECONDS)
        facts = {"call_id": str(job.call_id), "tries": job.attempts, "again_in": delay}
        log.error("recording job failed", extra=facts, exc_info=None if known else error)
        await self.recording_store.mark_failed(job, reason, delay)

    # ---- joining ---------------------------------------------------------------------------

    async def _join(self, job: RecordingJob) -> None:
        keys = {
            segment_key: key
            for key in await self._stored_keys(job)
            if (segment_key := SegmentKey.from_key(key))
        }
        if not keys:
            raise NoAudio("Nothing was recorded.")
        with tempfile.TemporaryDirectory(prefix="agent-studio-") as folder:
            joined = Path(folder) / RECORDING_FILENAME
            joiner = await asyncio.to_thread(_create_joiner, joined, list(keys))
            for segment_key in sorted(keys):
                chunks = [chunk async for chunk in self._audio_store.read(keys[segment_key])]
                await asyncio.to_thread(joiner.add, segment_key, b"".join(chunks))
            await asyncio.to_thread(joiner.close)
            await self._audio_store.put(job.recording.key, joined)
            size = joined.stat().st_size
        missing = joiner.missing_ms + self._missing_tail_ms(job, joiner.duration_ms)
        if not await self.recording_store.mark_ready(job, joiner.duration_ms, missing, size):
            # Deleted meanwhile, or another keeper has the job and uploads the same file.
            await self._delete_if_unwanted(job)
            return
        log.info("recording ready", extra={"call_id": str(job.call_id), "size": size})
        await self._delete_audio(job, except_key=job.recording.key)

    def _missing_tail_ms(self, job: RecordingJob, duration_ms: int) -> int:
        """The audio lost at the end of the call, in ms, because a worker died before storing it."""
        if job.ended_at is None:
            return 0
        call_ms = (job.ended_at - job.recording.started_at) / timedelta(milliseconds=1)
        return int(call_ms - duration_ms) if call_ms - duration_ms > MAX_TAIL_GAP_MS else 0

    async def _delete_if_unwanted(self, job: RecordingJob) -> None:
        states = await self.recording_store.states([job.call_id])
        if states.get(job.call_id) in (None, RecordingState.DELETED):
            await self._audio_store.delete([job.recording.key])

    # ---- deleting --------------------------------------------------------------------------

    async def _stored_keys(self, job: RecordingJob) -> list[str]:
        return [stored.key async for stored in self._audio_store.list(job.prefix)]

    async def _delete_audio(self, job: RecordingJob, except_key: str | None = None) -> None:
        await self._audio_store.delete(
            [key for key in await self._stored_keys(job) if key != except_key]
        )
        done = except_key is not None or job.uploads_finished
        await self.recording_store.mark_audio_deleted(job, None if done else RECHECK_DELAY_SECONDS)

    async def delete_orphans(self) -> int:
        """Delete audio that belongs to no recording: segments that arrived too late, and audio of
        deleted calls. Returns how many objects were deleted."""
        before = datetime.now(UTC) - MIN_ORPHAN_AGE
        old = [each.key async for each in self._audio_store.list("") if each.modified_at < before]
        deleted = 0
        for start in range(0, len(old), SWEEP_BATCH_SIZE):
            batch = {
                key: call
                for key in old[start : start + SWEEP_BATCH_SIZE]
                if (call := call_id_from_key(key))
            }
            states = await self.recording_store.states(list(batch.values()))
            orphans = [key for key, call in batch.items() if _is_orphan(key, states.get(call))]
            await self._audio_store.delete(orphans)
            deleted += len(orphans)
        return deleted


def _max_attempts(error: BaseException) -> int:
    match error:
        case NoAudio():
            return MAX_ATTEMPTS_WITHOUT_AUDIO
        case Unavailable():
            return MAX_ATTEMPTS_WHILE_UNAVAILABLE
    return MAX_ATTEMPTS


def _is_orphan(key: str, state: RecordingState | None) -> bool:
    if state in (None, RecordingState.DELETED):
        return True
    return state is RecordingState.READY and SegmentKey.from_key(key) is not None
