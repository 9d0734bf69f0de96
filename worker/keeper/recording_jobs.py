"""What a keeper does for recordings: joins the pieces of calls that have ended, and removes what was
deleted. Each step may be done twice, and a keeper that dies in it loses nothing."""

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
"""A store that is away is waited for so long."""
MAX_BACKOFF_SECONDS = 300.0
RECHECK_DELAY_SECONDS = 5.0
MAX_TAIL_GAP_MS = 2_000
"""How long after the last sound a call may end without anything missing."""
MIN_ORPHAN_AGE = timedelta(hours=2)
SWEEP_BATCH_SIZE = 500
MAX_CONCURRENT_JOBS = 4


def _create_joiner(destination: Path, segment_keys: Sequence[SegmentKey]) -> SegmentJoiner:
    # Loads av and numpy, which take 28 MB: only in a keeper that has a recording to join.
    from worker.audio.segment_joiner import SegmentJoiner

    return SegmentJoiner(destination, segment_keys)


class NoAudio(Exception):
    """There is nothing to join."""


class RecordingProcessor:
    def __init__(self, recording_store: RecordingStore, audio_store: AudioStore) -> None:
        self.recording_store = recording_store
        self._audio_store = audio_store

    async def run(self) -> None:
        """Some at once, because each mostly waits for the store of recordings."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_CONCURRENT_JOBS):
                tasks.create_task(self._process_jobs())

    async def _process_jobs(self) -> None:
        while True:
            try:
                while await self.process_next():
                    pass
            except Unavailable:
                log.warning("store is away")
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def process_next(self) -> bool:
        """Do what is due next; False when nothing is."""
        job = await self.recording_store.lease_next()
        if job is None:
            return False
        try:
            async with background_task(self._renew_lease(job)):
                await self._process(job)
        except* Exception as failed:  # noqa: BLE001 - whatever it was, it is told and tried again
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
            str(error) if known else f"The pieces could not be joined ({type(error).__name__})."
        )
        joining = job.recording.state is RecordingState.PROCESSING
        given_up = joining and job.attempts >= _max_attempts(error)
        pause = None if given_up else min(2.0 ** min(job.attempts, 10), MAX_BACKOFF_SECONDS)
        facts = {"call_id": str(job.call_id), "tries": job.attempts, "again_in": pause}
        log.error("a recording was not tended", extra=facts, exc_info=None if known else error)
        await self.recording_store.mark_failed(job, reason, pause)

    # ---- joining ---------------------------------------------------------------------------

    async def _join(self, job: RecordingJob) -> None:
        keys = {
            place: key
            for key in await self._stored_keys(job)
            if (place := SegmentKey.from_key(key))
        }
        if not keys:
            raise NoAudio("Nothing was recorded.")
        with tempfile.TemporaryDirectory(prefix="agent-studio-") as folder:
            whole = Path(folder) / RECORDING_FILENAME
            joiner = await asyncio.to_thread(_create_joiner, whole, list(keys))
            for place in sorted(keys):
                sound = b"".join([chunk async for chunk in self._audio_store.read(keys[place])])
                await asyncio.to_thread(joiner.add, place, sound)
            await asyncio.to_thread(joiner.close)
            await self._audio_store.put(job.recording.key, whole)
            size = whole.stat().st_size
        missing = joiner.missing_ms + self._missing_tail_ms(job, joiner.duration_ms)
        if not await self.recording_store.mark_ready(job, joiner.duration_ms, missing, size):
            # Deleted meanwhile; or another keeper is at it, and will put the same.
            await self._delete_if_unwanted(job)
            return
        log.info("a recording is ready", extra={"call_id": str(job.call_id), "size": size})
        await self._delete_audio(job, except_key=job.recording.key)

    def _missing_tail_ms(self, job: RecordingJob, duration_ms: int) -> int:
        """What a worker that died at the end took along."""
        if job.ended_at is None:
            return 0
        lasted = (job.ended_at - job.recording.started_at) / timedelta(milliseconds=1)
        return int(lasted - duration_ms) if lasted - duration_ms > MAX_TAIL_GAP_MS else 0

    async def _delete_if_unwanted(self, job: RecordingJob) -> None:
        states = await self.recording_store.states([job.call_id])
        if states.get(job.call_id) in (None, RecordingState.DELETED):
            await self._audio_store.delete([job.recording.key])

    # ---- removing --------------------------------------------------------------------------

    async def _stored_keys(self, job: RecordingJob) -> list[str]:
        return [kept.key async for kept in self._audio_store.list(job.prefix)]

    async def _delete_audio(self, job: RecordingJob, except_key: str | None = None) -> None:
        await self._audio_store.delete(
            [key for key in await self._stored_keys(job) if key != except_key]
        )
        done = except_key is not None or job.uploads_finished
        await self.recording_store.mark_audio_deleted(job, None if done else RECHECK_DELAY_SECONDS)

    async def delete_orphans(self) -> int:
        """Remove what no recording claims: pieces that came too late, sound of forgotten calls."""
        before = datetime.now(UTC) - MIN_ORPHAN_AGE
        old = [kept.key async for kept in self._audio_store.list("") if kept.modified_at < before]
        gone = 0
        for start in range(0, len(old), SWEEP_BATCH_SIZE):
            batch = {
                key: call
                for key in old[start : start + SWEEP_BATCH_SIZE]
                if (call := call_id_from_key(key))
            }
            states = await self.recording_store.states(list(batch.values()))
            orphans = [key for key, call in batch.items() if _is_orphan(key, states.get(call))]
            await self._audio_store.delete(orphans)
            gone += len(orphans)
        return gone


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
