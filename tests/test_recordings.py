"""Voice calls that are recorded: who is heard when, and that it is there afterwards."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from domain.access import Viewer
from domain.actions.calls import CallRequest, end_call, start_call
from domain.calls import Call, CallKind
from domain.events import AgentTurn, CallEnded, RecordingStarted
from domain.ports import Services
from domain.recordings import RecordingState
from domain.settings import Settings
from local.livekit import Access
from tests.recordings import (
    ANNOUNCEMENT,
    Heard,
    archive,
    keeping,
    near,
    on_the_line,
    ready,
    record_clinic,
    recording_of,
    sound_of,
)
from tests.test_text_calls import watch
from tests.test_voice_calls import TALKATIVE
from tests.voices import VoiceCaller, voice_clinic

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]


async def started(services: Services, viewer: Viewer) -> Call:
    request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
    return await start_call(services, viewer, request, 3600)


async def test_both_sides_are_heard_when_they_spoke_and_what_was_cut_off_is_not(
    settings: Settings, viewer: Viewer, livekit: Access, tmp_path: Path
) -> None:
    settings = keeping(settings, tmp_path)
    async with voice_clinic(settings, viewer, livekit, TALKATIVE) as (services, heard, with_voice):
        await record_clinic(services, viewer)
        heard.words = ["what are your hours", "never mind"]
        call, caller = await started(services, viewer), VoiceCaller()
        await caller.join(services, call)
        await watch(services, viewer, call.id, AgentTurn, 2)
        await caller.quiet()
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
        await caller.leave()
        async with archive(with_voice) as keeper:
            assert (await recording_of(services, call)).state is RecordingState.RECORDING
            while (await recording_of(services, call)).state is not RecordingState.READY:
                await keeper.step()
                await asyncio.sleep(0.1)
        recording = await ready(services, call)
        sound = await sound_of(services, recording)
    says = [e for e in seen if isinstance(e, AgentTurn)]
    assert [says[0].text, says[1].text] == [ANNOUNCEMENT, "Sunrise Clinic, hello."]
    assert [e for e in seen if isinstance(e, RecordingStarted)] == [
        RecordingStarted(announced=True)
    ]
    assert any(e.interrupted for e in says)
    got, ear = Heard.of(sound), on_the_line(caller, recording)
    began = recording.started_at.timestamp()
    print("left", got.left, "right", got.right, "ear", ear[::20], [s - began for s in spoke])
    for at in spoke:
        assert near([at - began + 0.1, at - began + 0.8], got.left, 0.3) == 1
    assert len(got.left) < 40
    assert near(ear, got.right) == 1
    assert near(got.right, ear) == 1
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - got.seconds * 1000) < 20
    assert recording.missing_ms == 0
    assert recording.size == len(sound)
