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
    WHOLE,
    Job,
    Ledger,
    Place,
    RecordingState,
    SoundStore,
    call_of,
)
from domain.common.errors import NotFound, Unavailable
from domain.common.tasks import beside

if TYPE_CHECKING:
    from worker.audio.segment_joiner import Joiner

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
MOST_TRIES = 10
TRIES_WITHOUT_SOUND = 3
TRIES_OF_A_DAY = 300
"""A store that is away is waited for so long."""
LONGEST_PAUSE = 300.0
AGAIN_SECONDS = 5.0
TAIL_MS = 2_000
"""How long after the last sound a call may end without anything missing."""
ORPHANED_AFTER = timedelta(hours=2)
AT_ONCE = 500
JOBS_AT_ONCE = 4


def _joiner(to: Path, places: Sequence[Place]) -> Joiner:
    # Loads av and numpy, which take 28 MB: only in a keeper that has a recording to join.
    from worker.audio.segment_joiner import Joiner

    return Joiner(to, places)


class Empty(Exception):
    """There is nothing to join."""


class Archive:
    def __init__(self, ledger: Ledger, sounds: SoundStore) -> None:
        self.ledger = ledger
        self._sounds = sounds

    async def keep_for_ever(self) -> None:
        """Some at once, because each mostly waits for the store of recordings."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(JOBS_AT_ONCE):
                tasks.create_task(self._work_for_ever())

    async def _work_for_ever(self) -> None:
        while True:
            try:
                while await self.step():
                    pass
            except Unavailable:
                log.warning("store is away")
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> bool:
        """Do what is due next; False when nothing is."""
        job = await self.ledger.take()
        if job is None:
            return False
        try:
            async with beside(self._hold(job)):
                await self._do(job)
        except* Exception as failed:  # noqa: BLE001 - whatever it was, it is told and tried again
            await self._failed(job, failed.exceptions[0])
        return True

    async def _do(self, job: Job) -> None:
        match job.recording.state:
            case RecordingState.PROCESSING:
                await self._join(job)
            case RecordingState.READY:
                await self._clear(job, keep=job.recording.key)
            case RecordingState.DELETED:
                await self._clear(job)

    async def _hold(self, job: Job) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self.ledger.renew(job)

    async def _failed(self, job: Job, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        known = isinstance(error, Empty | Unavailable | NotFound)
        reason = (
            str(error) if known else f"The pieces could not be joined ({type(error).__name__})."
        )
        joining = job.recording.state is RecordingState.PROCESSING
        given_up = joining and job.tries >= _most_tries(error)
        pause = None if given_up else min(2.0 ** min(job.tries, 10), LONGEST_PAUSE)
        facts = {"call_id": str(job.call_id), "tries": job.tries, "again_in": pause}
        log.error("a recording was not tended", extra=facts, exc_info=None if known else error)
        await self.ledger.failed(job, reason, pause)

    # ---- joining ---------------------------------------------------------------------------

    async def _join(self, job: Job) -> None:
        keys = {place: key for key in await self._keys(job) if (place := Place.of(key))}
        if not keys:
            raise Empty("Nothing was recorded.")
        with tempfile.TemporaryDirectory(prefix="agent-studio-") as folder:
            whole = Path(folder) / WHOLE
            joiner = await asyncio.to_thread(_joiner, whole, list(keys))
            for place in sorted(keys):
                sound = b"".join([chunk async for chunk in self._sounds.read(keys[place])])
                await asyncio.to_thread(joiner.add, place, sound)
            await asyncio.to_thread(joiner.close)
            await self._sounds.put(job.recording.key, whole)
            size = whole.stat().st_size
        missing = joiner.missing_ms + self._tail_ms(job, joiner.duration_ms)
        if not await self.ledger.ready(job, joiner.duration_ms, missing, size):
            # Deleted meanwhile; or another keeper is at it, and will put the same.
            await self._withdraw(job)
            return
        log.info("a recording is ready", extra={"call_id": str(job.call_id), "size": size})
        await self._clear(job, keep=job.recording.key)

    def _tail_ms(self, job: Job, duration_ms: int) -> int:
        """What a worker that died at the end took along."""
        if job.ended_at is None:
            return 0
        lasted = (job.ended_at - job.recording.started_at) / timedelta(milliseconds=1)
        return int(lasted - duration_ms) if lasted - duration_ms > TAIL_MS else 0

    async def _withdraw(self, job: Job) -> None:
        states = await self.ledger.states([job.call_id])
        if states.get(job.call_id) in (None, RecordingState.DELETED):
            await self._sounds.delete([job.recording.key])

    # ---- removing --------------------------------------------------------------------------

    async def _keys(self, job: Job) -> list[str]:
        return [kept.key async for kept in self._sounds.list(job.folder)]

    async def _clear(self, job: Job, keep: str | None = None) -> None:
        await self._sounds.delete([key for key in await self._keys(job) if key != keep])
        done = keep is not None or job.over
        await self.ledger.cleared(job, None if done else AGAIN_SECONDS)

    async def sweep(self) -> int:
        """Remove what no recording claims: pieces that came too late, sound of forgotten calls."""
        before = datetime.now(UTC) - ORPHANED_AFTER
        old = [kept.key async for kept in self._sounds.list("") if kept.at < before]
        gone = 0
        for start in range(0, len(old), AT_ONCE):
            batch = {key: call for key in old[start : start + AT_ONCE] if (call := call_of(key))}
            states = await self.ledger.states(list(batch.values()))
            orphans = [key for key, call in batch.items() if _is_orphan(key, states.get(call))]
            await self._sounds.delete(orphans)
            gone += len(orphans)
        return gone


def _most_tries(error: BaseException) -> int:
    match error:
        case Empty():
            return TRIES_WITHOUT_SOUND
        case Unavailable():
            return TRIES_OF_A_DAY
    return MOST_TRIES


def _is_orphan(key: str, state: RecordingState | None) -> bool:
    if state in (None, RecordingState.DELETED):
        return True
    return state is RecordingState.READY and Place.of(key) is not None
