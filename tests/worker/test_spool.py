"""The spool of segments, which the processes of a machine share and in which one may die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.calls.recordings import RecordingState, SegmentKey
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import end_call
from local.emulators.s3 import run_s3_emulator
from tests.persistence.test_audio_store import in_bucket
from tests.support.recordings import tone_segment, with_recordings
from tests.worker.test_recording_jobs import Desk, desk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def the(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[Desk]:
    """A store that is away."""
    async with run_s3_emulator() as bucket:
        bucket.unavailable = True
        async with desk(
            in_bucket(with_recordings(settings, tmp_path), bucket), viewer, bucket
        ) as opened:
            yield opened


def some_key() -> str:
    return f"{uuid4()}/{uuid4()}/{SegmentKey(1, 0).filename}"


async def test_segments_and_folders_that_disappear_affect_no_other_segment(
    the: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(the.settings.spool_folder)
    gone, key = place / some_key(), some_key()
    gone.parent.mkdir(parents=True)
    gone.symlink_to(place / "put by another process")
    write, folders = Path.write_bytes, [place / key.rpartition("/")[0]]

    def write_late(file: Path, data: Any) -> int:
        if folders:
            folders.pop().rmdir()
        return write(file, data)

    monkeypatch.setattr(Path, "write_bytes", write_late)
    assert await the.spool.save(key, b"sound")
    assert (place / key).read_bytes() == b"sound"


async def test_files_with_other_names_are_left_alone(the: Desk) -> None:
    place = Path(the.settings.spool_folder)
    strange = place / "a" / "b" / "c.ogg"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"somebody else's")
    the.bucket.unavailable = False
    call = await the.call(tone_segment(1, 0), end=False)
    key = f"{call.tenant_id}/{call.id}/{SegmentKey(1, 1_000).filename}"
    ours = place / key
    (place / "000" / str(call.id)).mkdir(parents=True)
    (place / "000" / str(call.id) / "0.ogg").write_bytes(b"nor this")
    the.bucket.unavailable = True
    assert await the.spool.save(key, b"sound")
    the.bucket.unavailable = False
    await the.spool.flush()
    assert not ours.exists()
    assert await the.sounds.size(key) == 5
    assert strange.exists()


async def test_segments_of_a_dead_worker_are_uploaded_and_waited_for(the: Desk) -> None:
    """It had nobody to say that something is still to come, and a keeper was quicker."""
    the.bucket.unavailable = False
    call = await the.call(tone_segment(1, 0), end=False)
    the.bucket.unavailable = True
    folder = f"{call.tenant_id}/{call.id}/"
    place, sound = tone_segment(1, 1_000)
    assert await the.spool.save(folder + place.filename, sound)
    # The next holder was on another machine, and has put all that it recorded.
    await the.archive.recording_store.start(call, 2, datetime.now(UTC))
    await the.archive.recording_store.mark_uploaded(call.id, 2)
    await end_call(the.services, the.viewer, call.id)
    job = await the.archive.recording_store.lease_next()
    assert job is not None
    await the.spool.renew_pending()
    assert not await the.archive.recording_store.mark_ready(job, 1_000, 0, 1)
    assert await the.archive.recording_store.lease_next() is None
    the.bucket.unavailable = False
    await the.spool.flush()
    await the.due(call)
    assert await the.archive.process_next()
    recording = await the.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 2_000)
    assert recording.missing_ms == 0


async def test_a_live_call_is_not_joined_without_its_last_segment(the: Desk) -> None:
    """What was put from the spool during the call does not hasten a keeper at its end."""
    the.bucket.unavailable = False
    call = await the.call(tone_segment(1, 0), end=False)
    the.bucket.unavailable = True
    place, sound = tone_segment(1, 1_000)
    assert await the.spool.save(f"{call.tenant_id}/{call.id}/{place.filename}", sound)
    await the.spool.renew_pending()
    the.bucket.unavailable = False
    await the.spool.flush()
    await end_call(the.services, the.viewer, call.id)
    assert await the.archive.recording_store.lease_next() is None


async def test_segments_that_wait_too_long_are_given_up(the: Desk) -> None:
    the.bucket.unavailable = False
    call = await the.call(tone_segment(1, 0))
    the.bucket.unavailable = True
    place, sound = tone_segment(1, 1_000)
    assert await the.spool.save(f"{call.tenant_id}/{call.id}/{place.filename}", sound)
    await the.age(call, 1)
    await the.spool.renew_pending()
    the.bucket.unavailable = False
    assert await the.archive.process_next()
    recording = await the.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 1_000)
    await the.spool.flush()
    assert await the.kept(call) == ["whole.ogg"]
