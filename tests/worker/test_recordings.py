"""Recorded voice calls: both sides are audible at their times."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from domain.calls.events import AgentTurn, CallEnded, ErrorRaised, RecordingStarted
from domain.calls.model import Call
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import end_call
from domain.use_cases.recordings import delete_recording
from local.emulators.s3 import run_s3_emulator
from local.livekit import LivekitCredentials
from persistence.audio_store import ObjectStore
from tests.persistence.test_audio_store import in_bucket
from tests.support.recordings import (
    ANNOUNCEMENT,
    LoudMoments,
    enable_recording,
    heard_by_caller,
    join_segments,
    matching_share,
    read_audio,
    running_archive,
    wait_until_ready,
    with_recordings,
)
from tests.support.voice_clients import joined_caller, voice_clinic
from tests.voice.test_voice_calls import TALKATIVE, started
from tests.voice.test_voice_resilience import book, hand_off, voice_rig
from tests.worker.test_text_calls import watch
from worker.audio.ogg_opus import FRAME_MS
from worker.audio.timeline import PACKETS_PER_SEGMENT

LOST_SECONDS = PACKETS_PER_SEGMENT * FRAME_MS / 1_000 + 2.0
"""The segment in progress, and the audio that was not in it yet."""

pytestmark = pytest.mark.anyio


async def test_both_sides_are_recorded_at_their_times_despite_a_store_outage(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    async with run_s3_emulator() as bucket:
        settings = in_bucket(with_recordings(settings, tmp_path), bucket)
        async with voice_clinic(settings, viewer, livekit, TALKATIVE) as (services, heard, known):
            await enable_recording(services, viewer)
            heard.utterances = ["what are your hours", "never mind"]
            call = await started(services, viewer)
            async with joined_caller(services, call) as caller:
                await watch(services, viewer, call.id, AgentTurn, 2)
                await caller.wait_for_silence()
                bucket.unavailable = True
                spoke = [time.time()]
                asked = time.monotonic()
                await caller.speak()
                await caller.wait_for_audio(asked + 1)
                await asyncio.sleep(1.5)
                spoke.append(time.time())
                await caller.speak()
                await watch(services, viewer, call.id, AgentTurn, 4)
                await caller.wait_for_silence()
                await end_call(services, viewer, call.id)
                seen = await watch(services, viewer, call.id, CallEnded)
            bucket.unavailable = False
            recording = await join_segments(services, known, call)
            sound = await read_audio(services, recording)
    reported = [e for e in seen if isinstance(e, ErrorRaised)]
    assert [(e.source, e.recoverable) for e in reported] == [("recording", True)]
    says = [e for e in seen if isinstance(e, AgentTurn)]
    assert [says[0].text, says[1].text] == [ANNOUNCEMENT, "Sunrise Clinic, hello."]
    assert [e for e in seen if isinstance(e, RecordingStarted)] == [
        RecordingStarted(announced=True)
    ]
    assert any(e.interrupted for e in says)
    got, heard_audio = LoudMoments.from_ogg(sound), heard_by_caller(caller, recording)
    began = recording.started_at.timestamp()
    for at in spoke:
        assert matching_share([at - began + 0.1, at - began + 0.8], got.left, 0.3) == 1
    assert len(got.left) < 40
    assert matching_share(heard_audio, got.right) == 1
    assert matching_share(got.right, heard_audio) == 1
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - got.seconds * 1000) < 20
    assert recording.missing_ms == 0
    assert recording.size == len(sound)


async def test_a_recording_continues_after_the_death_of_its_worker(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    place = with_recordings(Settings(), tmp_path)
    env = {"RECORDINGS_URL": place.recordings_url, "SPOOL_FOLDER": place.spool_folder}
    async with voice_rig(tmp_path, livekit, more=env) as made:
        services = replace(made.services, audio_store=ObjectStore.from_settings(place))
        rig = replace(made, services=services)
        await enable_recording(services, rig.viewer, None)
        call = await rig.call()
        async with joined_caller(services, call) as caller:
            await hand_off(rig, caller, call)
            await kept(services, call, 1)
            await asyncio.sleep(LOST_SECONDS)  # by then the audio so far has reached the store
            before = time.monotonic()
            await rig.whole.processes["worker 0"].kill_children()
            back = await caller.wait_for_audio(before)
            await caller.wait_for_silence()
            spoke = time.time()
            await book(rig, caller, call)
            await caller.wait_for_silence()
            seen = await rig.ended(call)
            ended = time.monotonic()
        recording = await wait_until_ready(services, call)
        print(f"ready {time.monotonic() - ended:.1f} s after the end")
        sound = await read_audio(services, recording)
        assert await kept(services, call, 1) == ["whole.ogg"]
    assert [e for e in seen if isinstance(e, RecordingStarted)] == [
        RecordingStarted(announced=False)
    ]
    got, heard_audio = LoudMoments.from_ogg(sound), heard_by_caller(caller, recording)
    began = recording.started_at.timestamp() - (time.time() - time.monotonic())
    first = [at for at in heard_audio if at < before - began - LOST_SECONDS]
    second = [at for at in heard_audio if at >= back - began]
    print(f"{len(first)} sounds before, {len(second)} after; {recording.missing_ms} ms are missing")
    assert len(first) > 10
    assert len(second) > 10
    assert matching_share(first, got.right) == 1
    assert matching_share(second, got.right) == 1
    assert matching_share(got.right, heard_audio) == 1
    at = spoke - recording.started_at.timestamp()
    assert matching_share([at + 0.1, at + 0.8], got.left, 0.3) == 1
    assert recording.missing_ms is not None
    assert 0 < recording.missing_ms < LOST_SECONDS * 1_000 + (back - before) * 1_000


async def test_a_recording_that_is_deleted_during_the_call_stops(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    settings = with_recordings(settings, tmp_path)
    async with voice_clinic(settings, viewer, livekit) as (services, _, with_voice):
        await enable_recording(services, viewer)
        call = await started(services, viewer)
        async with joined_caller(services, call), running_archive(with_voice) as keeper:
            await kept(services, call, 1)
            await delete_recording(services, viewer, call.id)
            assert await keeper.process_next()
            assert await kept(services, call, 0) == []
            await asyncio.sleep(6)
            assert await kept(services, call, 0) == []
            await end_call(services, viewer, call.id)
            await watch(services, viewer, call.id, CallEnded)
        assert await kept(services, call, 0) == []


async def kept(services: Services, call: Call, least: int) -> list[str]:
    """The stored segments, once there are at least this many."""
    assert services.audio_store is not None
    folder = f"{call.tenant_id}/{call.id}/"
    async with asyncio.timeout(60):
        while True:
            found = [
                each.key.removeprefix(folder) async for each in services.audio_store.list(folder)
            ]
            if len(found) >= least:
                return found
            await asyncio.sleep(0.1)
