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
from tests.worker.test_recording_jobs import RecordingRig, recording_rig

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[RecordingRig]:
    """An installation whose audio store is unavailable."""
    async with run_s3_emulator() as bucket:
        bucket.unavailable = True
        async with recording_rig(
            in_bucket(with_recordings(settings, tmp_path), bucket), viewer, bucket
        ) as opened:
            yield opened


def some_key() -> str:
    return f"{uuid4()}/{uuid4()}/{SegmentKey(1, 0).filename}"


async def test_segments_and_folders_that_disappear_affect_no_other_segment(
    rig: RecordingRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Path(rig.settings.spool_folder)
    gone, key = segment / some_key(), some_key()
    gone.parent.mkdir(parents=True)
    gone.symlink_to(segment / "put by another process")
    write, folders = Path.write_bytes, [segment / key.rpartition("/")[0]]

    def write_late(file: Path, data: Any) -> int:
        if folders:
            folders.pop().rmdir()
        return write(file, data)

    monkeypatch.setattr(Path, "write_bytes", write_late)
    assert await rig.spool.save(key, b"sound")
    assert (segment / key).read_bytes() == b"sound"


async def test_files_with_other_names_are_left_alone(rig: RecordingRig) -> None:
    segment = Path(rig.settings.spool_folder)
    strange = segment / "a" / "b" / "c.ogg"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"not ours")
    rig.bucket.unavailable = False
    call = await rig.call(tone_segment(1, 0), end=False)
    key = f"{call.tenant_id}/{call.id}/{SegmentKey(1, 1_000).filename}"
    ours = segment / key
    (segment / "000" / str(call.id)).mkdir(parents=True)
    (segment / "000" / str(call.id) / "0.ogg").write_bytes(b"nor this")
    rig.bucket.unavailable = True
    assert await rig.spool.save(key, b"sound")
    rig.bucket.unavailable = False
    await rig.spool.flush()
    assert not ours.exists()
    assert await rig.audio_store.size(key) == 5
    assert strange.exists()


async def test_segments_of_a_dead_worker_are_uploaded_and_waited_for(rig: RecordingRig) -> None:
    """No process reported the pending segments before a keeper joined the recording."""
    rig.bucket.unavailable = False
    call = await rig.call(tone_segment(1, 0), end=False)
    rig.bucket.unavailable = True
    folder = f"{call.tenant_id}/{call.id}/"
    segment, audio = tone_segment(1, 1_000)
    assert await rig.spool.save(folder + segment.filename, audio)
    # The next holder was on another machine and has uploaded everything.
    await rig.processor.recording_store.start(call, 2, datetime.now(UTC))
    await rig.processor.recording_store.mark_uploaded(call.id, 2)
    await end_call(rig.services, rig.viewer, call.id)
    job = await rig.processor.recording_store.lease_next()
    assert job is not None
    await rig.spool.renew_pending()
    assert not await rig.processor.recording_store.mark_ready(job, 1_000, 0, 1)
    assert await rig.processor.recording_store.lease_next() is None
    rig.bucket.unavailable = False
    await rig.spool.flush()
    await rig.make_due(call)
    assert await rig.processor.process_next()
    recording = await rig.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 2_000)
    assert recording.missing_ms == 0


async def test_a_live_call_is_not_joined_without_its_last_segment(rig: RecordingRig) -> None:
    """Segments uploaded from the spool during the call do not make a keeper join earlier."""
    rig.bucket.unavailable = False
    call = await rig.call(tone_segment(1, 0), end=False)
    rig.bucket.unavailable = True
    segment, audio = tone_segment(1, 1_000)
    assert await rig.spool.save(f"{call.tenant_id}/{call.id}/{segment.filename}", audio)
    await rig.spool.renew_pending()
    rig.bucket.unavailable = False
    await rig.spool.flush()
    await end_call(rig.services, rig.viewer, call.id)
    assert await rig.processor.recording_store.lease_next() is None


async def test_segments_that_wait_too_long_are_given_up(rig: RecordingRig) -> None:
    rig.bucket.unavailable = False
    call = await rig.call(tone_segment(1, 0))
    rig.bucket.unavailable = True
    segment, audio = tone_segment(1, 1_000)
    assert await rig.spool.save(f"{call.tenant_id}/{call.id}/{segment.filename}", audio)
    await rig.age(call, 1)
    await rig.spool.renew_pending()
    rig.bucket.unavailable = False
    assert await rig.processor.process_next()
    recording = await rig.recording(call)
    assert (recording.state, recording.duration_ms) == (RecordingState.READY, 1_000)
    await rig.spool.flush()
    assert await rig.stored_keys(call) == ["whole.ogg"]
