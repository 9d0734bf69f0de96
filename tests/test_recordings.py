"""Voice calls that are recorded: who is heard when, and that it is there afterwards."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from domain.access import Viewer
from domain.actions.calls import end_call
from domain.actions.recordings import delete_recording
from domain.calls import Call
from domain.events import AgentTurn, CallEnded, ErrorRaised, RecordingStarted
from domain.ports import Services
from domain.settings import Settings
from local.livekit import Access
from persistence.sounds import ObjectStore
from tests.emulators.storage import storage
from tests.recordings import (
    ANNOUNCEMENT,
    Heard,
    archive,
    joined,
    keeping,
    near,
    on_the_line,
    ready,
    record_clinic,
    sound_of,
)
from tests.test_sound_stores import in_bucket
from tests.test_text_calls import watch
from tests.test_voice_calls import TALKATIVE, started
from tests.test_voice_survival import book, hand_off, scene
from tests.voices import in_the_room, voice_clinic
from worker.opus import FRAME_MS
from worker.timeline import PIECE_PACKETS

LOST_SECONDS = PIECE_PACKETS * FRAME_MS / 1_000 + 2.0
"""The piece that was being filled, and what was not in it yet."""

pytestmark = pytest.mark.anyio


async def test_both_sides_are_heard_when_they_spoke_though_the_store_was_away(
    settings: Settings, viewer: Viewer, livekit: Access, tmp_path: Path
) -> None:
    async with storage() as bucket:
        settings = in_bucket(keeping(settings, tmp_path), bucket)
        async with voice_clinic(settings, viewer, livekit, TALKATIVE) as (services, heard, known):
            await record_clinic(services, viewer)
            heard.words = ["what are your hours", "never mind"]
            call = await started(services, viewer)
            async with in_the_room(services, call) as caller:
                await watch(services, viewer, call.id, AgentTurn, 2)
                await caller.quiet()
                bucket.away = True
                spoke = [time.time()]
                asked = time.monotonic()
                await caller.speak()
                await caller.hears(asked + 1)
                await asyncio.sleep(1.5)
                spoke.append(time.time())
                await caller.speak()
                await watch(services, viewer, call.id, AgentTurn, 4)
                await caller.quiet()
                await end_call(services, viewer, call.id)
                seen = await watch(services, viewer, call.id, CallEnded)
            bucket.away = False
            recording = await joined(services, known, call)
            sound = await sound_of(services, recording)
    told = [e for e in seen if isinstance(e, ErrorRaised)]
    assert [(e.source, e.recoverable) for e in told] == [("recording", True)]
    says = [e for e in seen if isinstance(e, AgentTurn)]
    assert [says[0].text, says[1].text] == [ANNOUNCEMENT, "Sunrise Clinic, hello."]
    assert [e for e in seen if isinstance(e, RecordingStarted)] == [
        RecordingStarted(announced=True)
    ]
    assert any(e.interrupted for e in says)
    got, ear = Heard.of(sound), on_the_line(caller, recording)
    began = recording.started_at.timestamp()
    for at in spoke:
        assert near([at - began + 0.1, at - began + 0.8], got.left, 0.3) == 1
    assert len(got.left) < 40
    assert near(ear, got.right) == 1
    assert near(got.right, ear) == 1
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - got.seconds * 1000) < 20
    assert recording.missing_ms == 0
    assert recording.size == len(sound)


async def test_a_recording_goes_on_over_the_death_of_its_worker(
    tmp_path: Path, livekit: Access
) -> None:
    place = keeping(Settings(), tmp_path)
    env = {"RECORDINGS_URL": place.recordings_url, "SPOOL_FOLDER": place.spool_folder}
    async with scene(tmp_path, livekit, more=env) as made:
        services = replace(made.services, sounds=ObjectStore.of(place))
        the = replace(made, services=services)
        await record_clinic(services, the.viewer, None)
        call = await the.call()
        async with in_the_room(services, call) as caller:
            await hand_off(the, caller, call)
            await kept(services, call, 1)
            await asyncio.sleep(LOST_SECONDS)  # what was said so far has reached the store by then
            before = time.monotonic()
            await the.whole.processes["worker 0"].kill_children()
            back = await caller.hears(before)
            await caller.quiet()
            spoke = time.time()
            await book(the, caller, call)
            await caller.quiet()
            seen = await the.ended(call)
            ended = time.monotonic()
        recording = await ready(services, call)
        print(f"ready {time.monotonic() - ended:.1f} s after the end")
        sound = await sound_of(services, recording)
        assert await kept(services, call, 1) == ["whole.ogg"]
    assert [e for e in seen if isinstance(e, RecordingStarted)] == [
        RecordingStarted(announced=False)
    ]
    got, ear = Heard.of(sound), on_the_line(caller, recording)
    began = recording.started_at.timestamp() - (time.time() - time.monotonic())
    first = [at for at in ear if at < before - began - LOST_SECONDS]
    second = [at for at in ear if at >= back - began]
    print(f"{len(first)} sounds before, {len(second)} after; {recording.missing_ms} ms are missing")
    assert len(first) > 10
    assert len(second) > 10
    assert near(first, got.right) == 1
    assert near(second, got.right) == 1
    assert near(got.right, ear) == 1
    at = spoke - recording.started_at.timestamp()
    assert near([at + 0.1, at + 0.8], got.left, 0.3) == 1
    assert recording.missing_ms is not None
    assert 0 < recording.missing_ms < LOST_SECONDS * 1_000 + (back - before) * 1_000


async def test_a_recording_that_is_deleted_during_the_call_ends(
    settings: Settings, viewer: Viewer, livekit: Access, tmp_path: Path
) -> None:
    settings = keeping(settings, tmp_path)
    async with voice_clinic(settings, viewer, livekit) as (services, _, with_voice):
        await record_clinic(services, viewer)
        call = await started(services, viewer)
        async with in_the_room(services, call), archive(with_voice) as keeper:
            await kept(services, call, 1)
            await delete_recording(services, viewer, call.id)
            assert await keeper.step()
            assert await kept(services, call, 0) == []
            await asyncio.sleep(6)
            assert await kept(services, call, 0) == []
            await end_call(services, viewer, call.id)
            await watch(services, viewer, call.id, CallEnded)
        assert await kept(services, call, 0) == []


async def kept(services: Services, call: Call, least: int) -> list[str]:
    """Once there is so much in the store."""
    assert services.sounds is not None
    folder = f"{call.tenant_id}/{call.id}/"
    async with asyncio.timeout(60):
        while True:
            found = [each.key.removeprefix(folder) async for each in services.sounds.list(folder)]
            if len(found) >= least:
                return found
            await asyncio.sleep(0.1)
