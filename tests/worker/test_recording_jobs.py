"""Keepers join recordings once and completely, and delete audio, whichever process dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pytest

from domain.calls.model import Call
from domain.calls.recordings import AudioStore, Recording, RecordingState, SegmentKey
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.recordings import delete_recording
from local.emulators.s3 import S3Emulator, run_s3_emulator
from persistence.recording_store import DELETE_BATCH_SIZE
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.persistence.test_audio_store import in_bucket
from tests.support.demo_workflow import publish_clinic
from tests.support.recordings import (
    LoudMoments,
    matching_share,
    read_audio,
    recording_of,
    tone_segment,
    tone_segments,
    with_recordings,
)
from worker.audio.ogg_opus import decode_ogg
from worker.audio.segment_joiner import SegmentJoiner
from worker.audio.spool import Spool
from worker.keeper.main import Keeper
from worker.keeper.recording_jobs import (
    MAX_ATTEMPTS,
    MAX_ATTEMPTS_WITHOUT_AUDIO,
    RecordingProcessor,
)

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class RecordingRig:
    """An installation without workers; the test stores the segments."""

    settings: Settings
    services: Services
    viewer: Viewer
    processor: RecordingProcessor
    bucket: S3Emulator
    spool: Spool

    @property
    def audio_store(self) -> AudioStore:
        assert self.services.audio_store is not None
        return self.services.audio_store

    async def call(self, *segments: tuple[SegmentKey, bytes], end: bool = True) -> Call:
        call = await start_call(self.services, self.viewer, CallRequest(workflow_name="clinic"))
        for epoch in {segment.epoch for segment, _ in segments} or {1}:
            await self.processor.recording_store.start(call, epoch, datetime.now(UTC))
        for segment, audio in segments:
            await self.audio_store.put(f"{call.tenant_id}/{call.id}/{segment.filename}", audio)
        if end:
            await end_call(self.services, self.viewer, call.id)
            await self.processor.recording_store.mark_uploaded(
                call.id, max(p.epoch for p, _ in segments)
            )
        return call

    async def recording(self, call: Call) -> Recording:
        return await recording_of(self.services, call)

    async def stored_keys(self, call: Call) -> list[str]:
        found = [each.key async for each in self.audio_store.list(f"{call.tenant_id}/{call.id}/")]
        return sorted(key.rpartition("/")[2] for key in found)

    async def sql(self, statement: str, *args: Any) -> Any:
        db = await asyncpg.connect(self.settings.database_url)
        try:
            return await db.fetchval(statement, *args)
        finally:
            await db.close()

    async def age(self, call: Call, days: int) -> None:
        await self.sql(
            "update call_log set ended_at = now() - make_interval(days => $2) where call_id = $1",
            call.id,
            days,
        )

    async def make_due(self, call: Call) -> None:
        """End the backoff before the next attempt."""
        await self.sql("update recording set due_at = now() where call_id = $1", call.id)


@asynccontextmanager
async def recording_rig(
    settings: Settings, viewer: Viewer, bucket: S3Emulator
) -> AsyncIterator[RecordingRig]:
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(api_services(settings))
        wired = await stack.enter_async_context(worker_services(settings))
        assert wired.audio_store is not None
        await publish_clinic(services, viewer)
        processor = RecordingProcessor(wired.recording_store, wired.audio_store)
        spool = Spool.from_settings(settings, wired.audio_store, wired.recording_store)
        yield RecordingRig(settings, services, viewer, processor, bucket, spool)


@pytest.fixture(params=["folder", "bucket"])
async def rig(
    request: pytest.FixtureRequest, settings: Settings, viewer: Viewer, tmp_path: Path
) -> AsyncIterator[RecordingRig]:
    settings = with_recordings(settings, tmp_path)
    async with run_s3_emulator() as bucket:
        if request.param == "bucket":
            settings = in_bucket(settings, bucket)
        async with recording_rig(settings, viewer, bucket) as opened:
            yield opened


@pytest.fixture
async def s3(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[RecordingRig]:
    async with run_s3_emulator() as bucket:
        settings = in_bucket(with_recordings(settings, tmp_path), bucket)
        async with recording_rig(settings, viewer, bucket) as opened:
            yield opened


async def test_segments_are_joined_into_one_file_at_their_times(rig: RecordingRig) -> None:
    # The second holder was lost as well, and the first had continued for a while without noticing.
    call = await rig.call(
        tone_segment(1, 0),
        tone_segment(1, 1_000),
        tone_segment(1, 2_000, level=30_000),
        tone_segment(2, 2_000),
        tone_segment(3, 5_000),
    )
    assert await rig.processor.process_next()
    recording = await rig.recording(call)
    assert recording.state is RecordingState.READY
    assert (recording.duration_ms, recording.missing_ms) == (6_000, 2_000)
    assert await rig.stored_keys(call) == ["whole.ogg"]
    heard = LoudMoments.from_ogg(await read_audio(rig.services, recording))
    assert abs(heard.seconds - 6.0) < 0.02
    assert heard.left == heard.right
    loud = [at / 10 for at in [*range(30), *range(50, 60)]]
    assert matching_share(loud, heard.left, 0.11) == 1
    assert matching_share(heard.left, loud, 0.11) == 1
    assert not await rig.processor.process_next()


async def test_the_recording_of_a_live_call_is_not_joined(rig: RecordingRig) -> None:
    call = await rig.call(tone_segment(1, 0), end=False)
    assert not await rig.processor.process_next()
    await end_call(rig.services, rig.viewer, call.id)
    assert (
        not await rig.processor.process_next()
    )  # a worker may still be uploading the last segment
    await rig.processor.recording_store.mark_uploaded(call.id, 1)
    assert await rig.processor.process_next()
    assert (await rig.recording(call)).state is RecordingState.READY


async def test_a_keeper_that_dies_during_a_job_loses_nothing(s3: RecordingRig) -> None:
    call = await s3.call(tone_segment(1, 0), tone_segment(1, 1_000))
    job = await s3.processor.recording_store.lease_next()
    assert job is not None
    await s3.audio_store.put(job.recording.key, b"half a file")
    assert not await s3.processor.process_next()  # it holds the lease
    await s3.make_due(call)
    assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 2_000)
    # The dead keeper wakes up, too late to change anything.
    assert not await s3.processor.recording_store.mark_ready(job, 1, 1, 1)
    await s3.processor.recording_store.mark_failed(job, "late", None)
    assert await s3.recording(call) == recording


async def test_two_keepers_share_the_work(s3: RecordingRig) -> None:
    calls = [await s3.call(tone_segment(1, 0)) for _ in range(6)]

    async def work() -> int:
        done = 0
        while await s3.processor.process_next():
            done += 1
        return done

    assert sum(await asyncio.gather(work(), work())) == 6
    assert {(await s3.recording(call)).state for call in calls} == {RecordingState.READY}


async def test_a_job_waits_for_an_unavailable_store(s3: RecordingRig) -> None:
    call = await s3.call(tone_segment(1, 0))
    s3.bucket.unavailable = True
    assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert recording.state is RecordingState.PROCESSING
    assert recording.error is not None
    assert recording.error.startswith("The store of recordings failed")
    assert not await s3.processor.process_next()
    s3.bucket.unavailable = False
    await s3.make_due(call)
    assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert (recording.state, recording.error) == (RecordingState.READY, None)


async def test_a_recording_that_cannot_be_joined_fails_with_a_reason(s3: RecordingRig) -> None:
    call = await s3.call((SegmentKey(1, 0), b"not a sound"))
    for _ in range(MAX_ATTEMPTS):
        await s3.make_due(call)
        assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert recording.state is RecordingState.FAILED
    assert recording.error is not None
    assert recording.error.startswith("The segments could not be joined (")
    await s3.make_due(call)
    assert not await s3.processor.process_next()
    assert await s3.stored_keys(call) == [SegmentKey(1, 0).filename]
    await delete_recording(s3.services, s3.viewer, call.id)
    assert await s3.processor.process_next()
    assert await s3.stored_keys(call) == []


async def test_a_recording_without_audio_fails_with_that_reason(s3: RecordingRig) -> None:
    call = await s3.call(end=False)
    await end_call(s3.services, s3.viewer, call.id)
    for _ in range(MAX_ATTEMPTS_WITHOUT_AUDIO):
        await s3.make_due(call)
        assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert (recording.state, recording.error) == (RecordingState.FAILED, "Nothing was recorded.")
    assert recording.size is None


async def test_a_deletion_waits_for_a_job_in_progress(rig: RecordingRig) -> None:
    call = await rig.call(tone_segment(1, 0))
    job = await rig.processor.recording_store.lease_next()
    assert job is not None
    await delete_recording(rig.services, rig.viewer, call.id)
    assert await rig.processor.process_next()
    assert await rig.stored_keys(call) == []
    # The keeper that was joining it stores its file, and learns that the recording was deleted.
    await rig.audio_store.put(job.recording.key, b"whole")
    assert not await rig.processor.recording_store.mark_ready(job, 1, 0, 1)
    await rig.make_due(call)
    assert await rig.processor.process_next()
    assert await rig.stored_keys(call) == []
    # It is checked again until no keeper can still be processing it.
    assert not await rig.sql("select cleared from recording where call_id = $1", call.id)
    await rig.sql(
        "update recording set deleted_at = now() - interval '2 minutes' where call_id = $1", call.id
    )
    await rig.age(call, 1)
    await rig.make_due(call)
    assert await rig.processor.process_next()
    assert await rig.sql("select cleared from recording where call_id = $1", call.id)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_job_from_before_a_deletion_does_not_complete(
    s3: RecordingRig, by_hand: bool
) -> None:
    call = await s3.call(tone_segment(1, 0))
    before = await s3.processor.recording_store.lease_next()
    assert before is not None
    assert await s3.processor.recording_store.mark_ready(before, 1_000, 0, 1)
    if by_hand:
        await delete_recording(s3.services, s3.viewer, call.id)
    else:
        await s3.age(call, 2)
        assert await s3.processor.recording_store.delete_expired(1, 0) == 1
    cleared = "select cleared from recording where call_id = $1"
    await s3.processor.recording_store.mark_audio_deleted(before)
    assert not await s3.sql(cleared, call.id)
    await s3.make_due(call)
    job = await s3.processor.recording_store.lease_next()
    assert job is not None
    await s3.processor.recording_store.mark_audio_deleted(before)
    assert not await s3.sql(cleared, call.id)
    await s3.processor.recording_store.mark_audio_deleted(job)
    assert await s3.sql(cleared, call.id)


async def test_recordings_expire_before_their_calls(rig: RecordingRig) -> None:
    young, old, ancient = [await rig.call(tone_segment(1, 0)) for _ in range(3)]
    while await rig.processor.process_next():
        pass
    await rig.age(old, 8)
    await rig.age(ancient, 40)
    ledger = rig.processor.recording_store
    assert await ledger.delete_expired(0, 0) == 0
    assert await ledger.delete_expired(0, 30) == 1
    assert await ledger.delete_expired(7, 30) == 1
    assert await ledger.delete_expired(7, 30) == 0
    async with worker_services(rig.settings) as wired:
        assert await wired.retention.delete_expired(30) == 0  # its audio still exists
        for call in (old, ancient):
            await rig.sql(
                "update recording set deleted_at = now() - interval '2 minutes' where call_id = $1",
                call.id,
            )
            await rig.make_due(call)  # as a minute after its expiry
        while await rig.processor.process_next():
            pass
        assert await wired.retention.delete_expired(30) == 1
    assert (await rig.recording(young)).state is RecordingState.READY
    gone = await rig.recording(old)
    assert (gone.state, gone.deleted_by) == (RecordingState.DELETED, "retention")
    assert [await rig.stored_keys(call) for call in (young, old, ancient)] == [
        ["whole.ogg"],
        [],
        [],
    ]
    assert await rig.sql("select count(*) from recording where call_id = $1", ancient.id) == 0


async def test_many_recordings_expire_in_batches_and_new_ones_are_joined_before_them(
    s3: RecordingRig,
) -> None:
    many = DELETE_BATCH_SIZE + 1
    old = await s3.call(tone_segment(1, 0))
    await s3.sql(
        "with made as (insert into call select (jsonb_populate_record(c, jsonb_build_object('id',"
        " gen_random_uuid()))).* from call c, generate_series(2, $2::int) where c.id = $1"
        " returning id), logs as (insert into call_log select (jsonb_populate_record(l,"
        " jsonb_build_object('call_id', made.id))).* from call_log l, made where l.call_id = $1"
        " returning call_id) insert into recording select (jsonb_populate_record(r,"
        " jsonb_build_object('call_id', logs.call_id))).* from recording r, logs"
        " where r.call_id = $1",
        *(old.id, many),
    )
    await s3.sql("update call_log set ended_at = now() - interval '2 days'")
    assert await s3.processor.recording_store.delete_expired(1, 0) == many
    fresh = await s3.call(tone_segment(1, 0))
    await s3.sql("update recording set due_at = now() - interval '1 hour' where state = 'DELETED'")
    job = await s3.processor.recording_store.lease_next()
    assert job is not None
    assert job.call_id == fresh.id


async def test_a_keeper_without_a_store_warns_of_audio_that_it_cannot_delete(
    s3: RecordingRig, caplog: pytest.LogCaptureFixture
) -> None:
    call = await s3.call(tone_segment(1, 0))
    await s3.call(tone_segment(1, 0))
    bare = replace(s3.settings, recordings_url="", livekit_url="")
    async with worker_services(bare) as wired:
        for warnings in (0, 1):
            async with background_task(Keeper(wired, bare).run_cleanup()), asyncio.timeout(60):
                await asyncio.sleep(1)
                while len(warnings_logged(caplog)) < warnings:  # noqa: ASYNC110 - no event to wait for
                    await asyncio.sleep(0.05)
            assert warnings_logged(caplog) == [1] * warnings
            await delete_recording(s3.services, s3.viewer, call.id)


def warnings_logged(caplog: pytest.LogCaptureFixture) -> list[int]:
    records = [each for each in caplog.records if each.levelname == "WARNING"]
    return [vars(each)["recordings"] for each in records]


async def test_orphaned_audio_is_deleted(s3: RecordingRig) -> None:
    call = await s3.call(tone_segment(1, 0))
    assert await s3.processor.process_next()
    await s3.audio_store.put(
        f"{call.tenant_id}/{call.id}/{SegmentKey(1, 9_000).filename}", b"too late"
    )
    await s3.audio_store.put(f"{call.tenant_id}/{uuid4()}/whole.ogg", b"of a forgotten call")
    await s3.audio_store.put("another/product.ogg", b"not ours")
    live = await s3.call(tone_segment(1, 0), end=False)
    assert await s3.processor.delete_orphans() == 2
    assert await s3.stored_keys(call) == ["whole.ogg"]
    assert await s3.stored_keys(live) == [SegmentKey(1, 0).filename]
    assert await s3.audio_store.size("another/product.ogg") == 8


async def test_segments_wait_in_the_spool_and_the_keeper_for_them(s3: RecordingRig) -> None:
    call = await s3.call(tone_segment(1, 0), end=False)
    segment, audio = tone_segment(1, 1_000)
    key = f"{call.tenant_id}/{call.id}/{segment.filename}"
    s3.bucket.unavailable = True
    assert await s3.spool.save(key, audio)
    await end_call(s3.services, s3.viewer, call.id)
    await s3.spool.renew_pending()
    await s3.age(call, 0)
    assert not await s3.processor.process_next()
    await s3.spool.flush()
    assert s3.spool.has_pending(f"{call.tenant_id}/{call.id}/")
    s3.bucket.unavailable = False
    await s3.spool.flush()
    assert not s3.spool.has_pending(f"{call.tenant_id}/{call.id}/")
    await s3.make_due(call)
    assert await s3.processor.process_next()
    recording = await s3.recording(call)
    assert (recording.duration_ms, recording.missing_ms) == (2_000, 0)


async def test_the_spool_is_bounded_and_drops_deleted_recordings(s3: RecordingRig) -> None:
    call = await s3.call(tone_segment(1, 0), end=False)
    folder = f"{call.tenant_id}/{call.id}/"
    s3.bucket.unavailable = True
    small = replace(s3.settings, spool_megabytes=1)
    async with worker_services(small) as wired:
        assert wired.audio_store is not None
        spool = Spool.from_settings(small, wired.audio_store, wired.recording_store)
        assert await spool.save(folder + SegmentKey(1, 1_000).filename, bytes(900_000))
        assert not await spool.save(folder + SegmentKey(1, 2_000).filename, bytes(200_000))
        await delete_recording(s3.services, s3.viewer, call.id)
        s3.bucket.unavailable = False
        await spool.flush()
        assert not spool.has_pending(folder)
    assert await s3.processor.process_next()
    assert await s3.stored_keys(call) == []


def test_joined_segments_decode_without_a_seam(tmp_path: Path) -> None:
    """Segments of one encoder, joined again, sound as if they had never been separate."""
    whole, pieces = tone_segments(seconds=4, every_ms=500)
    joiner = SegmentJoiner(tmp_path / "whole.ogg", [segment for segment, _ in pieces])
    for segment, audio in pieces:
        joiner.add(segment, audio)
    joiner.close()
    assert joiner.missing_ms == 0
    joined = decode_ogg((tmp_path / "whole.ogg").read_bytes())
    assert np.array_equal(joined, decode_ogg(whole))
