"""Keepers join what workers kept, once and whole, and remove what was deleted; whatever dies."""

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

from domain.access import Viewer
from domain.actions.calls import CallRequest, end_call, start_call
from domain.actions.recordings import delete_recording
from domain.calls import Call
from domain.ports import Services
from domain.recordings import Place, Recording, RecordingState, SoundStore
from domain.settings import Settings
from domain.tasks import beside
from persistence.ledger import EXPIRED_AT_ONCE
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.clinic import publish_clinic
from tests.emulators.storage import Storage, storage
from tests.recordings import Heard, cut, keeping, near, piece, recording_of, sound_of
from tests.test_sound_stores import in_bucket
from worker.archive import MOST_TRIES, TRIES_WITHOUT_SOUND, Archive
from worker.keeper import Keeper
from worker.opus import decoded
from worker.pieces import Joiner
from worker.spool import Spool

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Desk:
    """An installation without workers: pieces are put by hand."""

    settings: Settings
    services: Services
    viewer: Viewer
    archive: Archive
    bucket: Storage
    spool: Spool

    @property
    def sounds(self) -> SoundStore:
        assert self.services.sounds is not None
        return self.services.sounds

    async def call(self, *places: tuple[Place, bytes], end: bool = True) -> Call:
        call = await start_call(
            self.services, self.viewer, CallRequest(workflow_name="clinic"), 3600
        )
        for epoch in {place.epoch for place, _ in places} or {1}:
            await self.archive.ledger.begin(call, epoch, datetime.now(UTC))
        for place, sound in places:
            await self.sounds.put(f"{call.tenant_id}/{call.id}/{place.name}", sound)
        if end:
            await end_call(self.services, self.viewer, call.id)
            await self.archive.ledger.settled(call.id, max(p.epoch for p, _ in places))
        return call

    async def recording(self, call: Call) -> Recording:
        return await recording_of(self.services, call)

    async def kept(self, call: Call) -> list[str]:
        found = [each.key async for each in self.sounds.list(f"{call.tenant_id}/{call.id}/")]
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

    async def due(self, call: Call) -> None:
        """The pause before the next try is over."""
        await self.sql("update recording set due_at = now() where call_id = $1", call.id)


@asynccontextmanager
async def desk(settings: Settings, viewer: Viewer, bucket: Storage) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(api_services(settings))
        wired = await stack.enter_async_context(worker_services(settings))
        assert wired.sounds is not None
        await publish_clinic(services, viewer)
        archive = Archive(wired.recordings, wired.sounds)
        spool = Spool.of(settings, wired.sounds, wired.recordings)
        yield Desk(settings, services, viewer, archive, bucket, spool)


@pytest.fixture(params=["folder", "bucket"])
async def the(
    request: pytest.FixtureRequest, settings: Settings, viewer: Viewer, tmp_path: Path
) -> AsyncIterator[Desk]:
    settings = keeping(settings, tmp_path)
    async with storage() as bucket:
        if request.param == "bucket":
            settings = in_bucket(settings, bucket)
        async with desk(settings, viewer, bucket) as opened:
            yield opened


@pytest.fixture
async def s3(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[Desk]:
    async with storage() as bucket:
        settings = in_bucket(keeping(settings, tmp_path), bucket)
        async with desk(settings, viewer, bucket) as opened:
            yield opened


async def test_pieces_become_one_file_in_which_every_moment_is_at_its_place(the: Desk) -> None:
    # The second holder was lost as well, and the first had gone on for a while without knowing.
    call = await the.call(
        piece(1, 0),
        piece(1, 1_000),
        piece(1, 2_000, level=30_000),
        piece(2, 2_000),
        piece(3, 5_000),
    )
    assert await the.archive.step()
    recording = await the.recording(call)
    assert recording.state is RecordingState.READY
    assert (recording.duration_ms, recording.missing_ms) == (6_000, 2_000)
    assert await the.kept(call) == ["whole.ogg"]
    heard = Heard.of(await sound_of(the.services, recording))
    assert abs(heard.seconds - 6.0) < 0.02
    assert heard.left == heard.right
    loud = [at / 10 for at in [*range(30), *range(50, 60)]]
    assert near(loud, heard.left, 0.11) == 1
    assert near(heard.left, loud, 0.11) == 1
    assert not await the.archive.step()


async def test_a_call_that_goes_on_is_left_alone(the: Desk) -> None:
    call = await the.call(piece(1, 0), end=False)
    assert not await the.archive.step()
    await end_call(the.services, the.viewer, call.id)
    assert not await the.archive.step()  # a worker may still be putting the last piece
    await the.archive.ledger.settled(call.id, 1)
    assert await the.archive.step()
    assert (await the.recording(call)).state is RecordingState.READY


async def test_a_keeper_that_dies_in_the_middle_loses_nothing(s3: Desk) -> None:
    call = await s3.call(piece(1, 0), piece(1, 1_000))
    job = await s3.archive.ledger.take()
    assert job is not None
    await s3.sounds.put(job.recording.key, b"half a file")
    assert not await s3.archive.step()  # it has it under a lease
    await s3.due(call)
    assert await s3.archive.step()
    recording = await s3.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 2_000)
    # The dead one wakes up, too late to say anything.
    assert not await s3.archive.ledger.ready(job, 1, 1, 1)
    await s3.archive.ledger.failed(job, "late", None)
    assert await s3.recording(call) == recording


async def test_two_keepers_share_the_work(s3: Desk) -> None:
    calls = [await s3.call(piece(1, 0)) for _ in range(6)]

    async def work() -> int:
        done = 0
        while await s3.archive.step():
            done += 1
        return done

    assert sum(await asyncio.gather(work(), work())) == 6
    assert {(await s3.recording(call)).state for call in calls} == {RecordingState.READY}


async def test_a_store_that_is_away_is_waited_for(s3: Desk) -> None:
    call = await s3.call(piece(1, 0))
    s3.bucket.away = True
    assert await s3.archive.step()
    recording = await s3.recording(call)
    assert recording.state is RecordingState.PROCESSING
    assert recording.error is not None
    assert recording.error.startswith("The store of recordings failed")
    assert not await s3.archive.step()
    s3.bucket.away = False
    await s3.due(call)
    assert await s3.archive.step()
    recording = await s3.recording(call)
    assert (recording.state, recording.error) == (RecordingState.READY, None)


async def test_what_cannot_be_joined_is_given_up_with_a_reason(s3: Desk) -> None:
    call = await s3.call((Place(1, 0), b"not a sound"))
    for _ in range(MOST_TRIES):
        await s3.due(call)
        assert await s3.archive.step()
    recording = await s3.recording(call)
    assert recording.state is RecordingState.FAILED
    assert recording.error is not None
    assert recording.error.startswith("The pieces could not be joined (")
    await s3.due(call)
    assert not await s3.archive.step()
    assert await s3.kept(call) == [Place(1, 0).name]
    await delete_recording(s3.services, s3.viewer, call.id)
    assert await s3.archive.step()
    assert await s3.kept(call) == []


async def test_a_call_of_which_nothing_was_kept_says_so(s3: Desk) -> None:
    call = await s3.call(end=False)
    await end_call(s3.services, s3.viewer, call.id)
    for _ in range(TRIES_WITHOUT_SOUND):
        await s3.due(call)
        assert await s3.archive.step()
    recording = await s3.recording(call)
    assert (recording.state, recording.error) == (RecordingState.FAILED, "Nothing was recorded.")
    assert recording.size is None


async def test_a_deletion_waits_for_whoever_is_still_at_it(the: Desk) -> None:
    call = await the.call(piece(1, 0))
    job = await the.archive.ledger.take()
    assert job is not None
    await delete_recording(the.services, the.viewer, call.id)
    assert await the.archive.step()
    assert await the.kept(call) == []
    # Whoever was joining it puts its file, and hears that nobody wants it.
    await the.sounds.put(job.recording.key, b"whole")
    assert not await the.archive.ledger.ready(job, 1, 0, 1)
    await the.due(call)
    assert await the.archive.step()
    assert await the.kept(call) == []
    # Only when nobody can be at it any more, it is not looked at again.
    assert not await the.sql("select cleared from recording where call_id = $1", call.id)
    await the.sql(
        "update recording set deleted_at = now() - interval '2 minutes' where call_id = $1", call.id
    )
    await the.age(call, 1)
    await the.due(call)
    assert await the.archive.step()
    assert await the.sql("select cleared from recording where call_id = $1", call.id)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_keeper_that_was_at_it_before_a_deletion_does_not_end_it(
    s3: Desk, by_hand: bool
) -> None:
    call = await s3.call(piece(1, 0))
    before = await s3.archive.ledger.take()
    assert before is not None
    assert await s3.archive.ledger.ready(before, 1_000, 0, 1)
    if by_hand:
        await delete_recording(s3.services, s3.viewer, call.id)
    else:
        await s3.age(call, 2)
        assert await s3.archive.ledger.expire(1, 0) == 1
    cleared = "select cleared from recording where call_id = $1"
    await s3.archive.ledger.cleared(before)
    assert not await s3.sql(cleared, call.id)
    await s3.due(call)
    job = await s3.archive.ledger.take()
    assert job is not None
    await s3.archive.ledger.cleared(before)
    assert not await s3.sql(cleared, call.id)
    await s3.archive.ledger.cleared(job)
    assert await s3.sql(cleared, call.id)


async def test_recordings_go_when_their_time_has_come_and_before_their_calls(the: Desk) -> None:
    young, old, ancient = [await the.call(piece(1, 0)) for _ in range(3)]
    while await the.archive.step():
        pass
    await the.age(old, 8)
    await the.age(ancient, 40)
    ledger = the.archive.ledger
    assert await ledger.expire(0, 0) == 0
    assert await ledger.expire(0, 30) == 1
    assert await ledger.expire(7, 30) == 1
    assert await ledger.expire(7, 30) == 0
    async with worker_services(the.settings) as wired:
        assert await wired.queue.forget_old(30) == 0  # its sound is still there
        for call in (old, ancient):
            await the.sql(
                "update recording set deleted_at = now() - interval '2 minutes' where call_id = $1",
                call.id,
            )
            await the.due(call)  # as it is a minute after it was expired
        while await the.archive.step():
            pass
        assert await wired.queue.forget_old(30) == 1
    assert (await the.recording(young)).state is RecordingState.READY
    gone = await the.recording(old)
    assert (gone.state, gone.deleted_by) == (RecordingState.DELETED, "retention")
    assert [await the.kept(call) for call in (young, old, ancient)] == [["whole.ogg"], [], []]
    assert await the.sql("select count(*) from recording where call_id = $1", ancient.id) == 0


async def test_many_recordings_expire_in_batches_and_new_ones_are_joined_before_them(
    s3: Desk,
) -> None:
    many = EXPIRED_AT_ONCE + 1
    old = await s3.call(piece(1, 0))
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
    assert await s3.archive.ledger.expire(1, 0) == many
    fresh = await s3.call(piece(1, 0))
    await s3.sql("update recording set due_at = now() - interval '1 hour' where state = 'DELETED'")
    job = await s3.archive.ledger.take()
    assert job is not None
    assert job.call_id == fresh.id


async def test_a_keeper_without_the_store_warns_of_what_it_cannot_remove(
    s3: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    call = await s3.call(piece(1, 0))
    await s3.call(piece(1, 0))
    bare = replace(s3.settings, recordings_url="", livekit_url="")
    async with worker_services(bare) as wired:
        for warnings in (0, 1):
            async with beside(Keeper(wired, bare).tidy_for_ever()), asyncio.timeout(60):
                await asyncio.sleep(1)
                while len(warned(caplog)) < warnings:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            assert warned(caplog) == [1] * warnings
            await delete_recording(s3.services, s3.viewer, call.id)


def warned(caplog: pytest.LogCaptureFixture) -> list[int]:
    records = [each for each in caplog.records if each.levelname == "WARNING"]
    return [vars(each)["recordings"] for each in records]


async def test_what_nobody_claims_is_swept(s3: Desk) -> None:
    call = await s3.call(piece(1, 0))
    assert await s3.archive.step()
    await s3.sounds.put(f"{call.tenant_id}/{call.id}/{Place(1, 9_000).name}", b"too late")
    await s3.sounds.put(f"{call.tenant_id}/{uuid4()}/whole.ogg", b"of a forgotten call")
    await s3.sounds.put("somebody/elses.ogg", b"not ours")
    live = await s3.call(piece(1, 0), end=False)
    assert await s3.archive.sweep() == 2
    assert await s3.kept(call) == ["whole.ogg"]
    assert await s3.kept(live) == [Place(1, 0).name]
    assert await s3.sounds.size("somebody/elses.ogg") == 8


async def test_pieces_wait_on_disk_and_the_keeper_for_them(s3: Desk) -> None:
    call = await s3.call(piece(1, 0), end=False)
    place, sound = piece(1, 1_000)
    key = f"{call.tenant_id}/{call.id}/{place.name}"
    s3.bucket.away = True
    assert await s3.spool.keep(key, sound)
    await end_call(s3.services, s3.viewer, call.id)
    await s3.spool.owe()
    await s3.age(call, 0)
    assert not await s3.archive.step()
    await s3.spool.empty()
    assert s3.spool.waiting(f"{call.tenant_id}/{call.id}/")
    s3.bucket.away = False
    await s3.spool.empty()
    assert not s3.spool.waiting(f"{call.tenant_id}/{call.id}/")
    await s3.due(call)
    assert await s3.archive.step()
    recording = await s3.recording(call)
    assert (recording.duration_ms, recording.missing_ms) == (2_000, 0)


async def test_the_spool_is_bounded_and_forgets_what_was_deleted(s3: Desk) -> None:
    call = await s3.call(piece(1, 0), end=False)
    folder = f"{call.tenant_id}/{call.id}/"
    s3.bucket.away = True
    small = replace(s3.settings, spool_megabytes=1)
    async with worker_services(small) as wired:
        assert wired.sounds is not None
        spool = Spool.of(small, wired.sounds, wired.recordings)
        assert await spool.keep(folder + Place(1, 1_000).name, bytes(900_000))
        assert not await spool.keep(folder + Place(1, 2_000).name, bytes(200_000))
        await delete_recording(s3.services, s3.viewer, call.id)
        s3.bucket.away = False
        await spool.empty()
        assert not spool.waiting(folder)
    assert await s3.archive.step()
    assert await s3.kept(call) == []


def test_joined_sound_is_one_sound(tmp_path: Path) -> None:
    """Pieces of one encoder, put together again, sound as if they had never been cut."""
    whole, pieces = cut(seconds=4, every_ms=500)
    joiner = Joiner(tmp_path / "whole.ogg", [place for place, _ in pieces])
    for place, sound in pieces:
        joiner.add(place, sound)
    joiner.close()
    assert joiner.missing_ms == 0
    joined = decoded((tmp_path / "whole.ogg").read_bytes())
    assert np.array_equal(joined, decoded(whole))
