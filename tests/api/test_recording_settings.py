"""The recording settings of workflows, which require an audio store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.bundles.diff import diff, summary_line
from domain.bundles.model import Bundle, read_bundle, write_bundle
from domain.calls.model import CallKind
from domain.calls.recordings import SegmentKey
from domain.common.access import Viewer
from domain.common.errors import InvalidInput, NotPublishable
from domain.common.findings import FindingCode
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.workflows import publish_workflow, update_workflow, verify_workflows
from domain.workflows.model import RecordingChoice, Snapshot, check_workflow
from persistence.codec import snapshot_from_json, snapshot_to_json
from persistence.wiring import api_services
from tests.support.api_server import Api
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION, save_clinic
from tests.support.recordings import enable_recording, with_recordings
from tests.support.voice_clients import with_speech

pytestmark = pytest.mark.anyio

RECORDED = replace(
    CLINIC, recording=RecordingChoice(enabled=True, announcement="Recorded, {{user.name}}.")
)
SNAPSHOT = Snapshot(
    workflow=CLINIC, agents={"reception": RECEPTION, "booking": BOOKING}, tools={BOOK.name: BOOK}
)
SET = (
    "mutation ($id: ID!, $revision: Int!, $recording: WorkflowRecordingInput) { updateWorkflow("
    "input: {id: $id, expectedRevision: $revision, recording: $recording}) { __typename "
    "... on UpdateWorkflowSuccess { workflow { revision recording { enabled announcement } } } "
    "... on Error { code message path } } }"
)


def test_versions_without_recording_keep_their_checksums() -> None:
    plain, checksum = snapshot_to_json(SNAPSHOT)
    assert "recording" not in plain["workflow"]
    assert snapshot_from_json(plain) == SNAPSHOT
    recorded = replace(SNAPSHOT, workflow=RECORDED)
    with_it, other = snapshot_to_json(recorded)
    assert other != checksum
    assert snapshot_from_json(with_it) == recorded


def test_recording_is_part_of_bundles_and_diffs() -> None:
    written = write_bundle(Bundle(workflows=(RECORDED,)))
    assert written["workflows"][0]["recording"] == {
        "enabled": True,
        "announcement": "Recorded, {{user.name}}.",
    }
    assert read_bundle(written).workflows == (RECORDED,)
    assert "recording" not in write_bundle(Bundle(workflows=(CLINIC,)))["workflows"][0]
    [change] = diff(SNAPSHOT, replace(SNAPSHOT, workflow=RECORDED))
    assert summary_line(change).startswith("workflow.recording: null -> {")


@pytest.mark.parametrize("text", ["", "{{params.x}}", "{{user.name", "x" * 2_001])
def test_an_invalid_announcement_is_refused(text: str) -> None:
    choice = RecordingChoice(enabled=True, announcement=text)
    with pytest.raises(InvalidInput) as refused:
        check_workflow(replace(CLINIC, recording=choice))
    assert refused.value.path == ("recording", "announcement")


def test_segments_are_found_by_their_keys() -> None:
    place = SegmentKey(3, 65_000)
    assert SegmentKey.from_key(f"t/c/{place.filename}") == place
    assert [SegmentKey.from_key(key) for key in ("t/c/whole.ogg", "x", "1-x.ogg", "")] == [None] * 4


async def test_recording_is_set_and_unset_through_the_api(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await save_clinic(services, viewer)
    asked = await api.execute(
        '{ workflow(by: {slug: "clinic"}) { id revision recording { enabled } } }'
    )
    found = asked["data"]["workflow"]
    assert found["recording"] == {"enabled": False}
    given = {"enabled": True, "announcement": "You are recorded."}
    for recording, expected in (
        (given, given),
        (None, {"enabled": False, "announcement": None}),
    ):
        variables = {**found, "recording": recording}
        reported = (await api.execute(SET, variables=variables))["data"]["updateWorkflow"]
        assert reported["workflow"]["recording"] == expected
        found["revision"] = reported["workflow"]["revision"]
    bad = {**found, "recording": {"enabled": True, "announcement": "{{nobody.x}}"}}
    reported = (await api.execute(SET, variables=bad))["data"]["updateWorkflow"]
    assert reported["__typename"] == "ValidationError"
    assert reported["path"] == ["input", "recording", "announcement"]
    document = '{ workflow(by: {slug: "clinic"}) { revision recording { enabled } } }'
    after = (await api.execute(document))["data"]["workflow"]
    assert after == {"revision": found["revision"], "recording": {"enabled": False}}


async def test_without_an_audio_store_recorded_workflows_are_not_published(
    services: Services, viewer: Viewer
) -> None:
    workflow = await save_clinic(services, viewer)
    workflow = await update_workflow(
        services, viewer, workflow.id, workflow.revision, {"recording": RECORDED.recording}
    )
    [finding] = [
        each
        for each in (await verify_workflows(services, viewer, [workflow.spec]))[0]
        if each.code is FindingCode.NO_RECORDINGS
    ]
    assert finding.path == ("recording", "enabled")
    with pytest.raises(NotPublishable) as refused:
        await publish_workflow(services, viewer, workflow.id, workflow.revision, None)
    assert finding in refused.value.findings
    async with services.store.transaction(viewer.tenant_id) as work:
        [after] = await work.workflows.by_names(["clinic"])
    assert after == workflow


@pytest.fixture
async def both(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Services, Services]]:
    """The same installation with and without an audio store."""
    settings = replace(
        settings,
        livekit_url="ws://127.0.0.1:1",
        livekit_api_key="key",
        livekit_api_secret="secret-of-no-use" * 2,
        deepgram_api_key="emulator",
        cartesia_api_key="emulator",
    )
    async with (
        api_services(with_recordings(settings, tmp_path)) as able,
        api_services(settings) as unable,
    ):
        yield able, unable


async def test_without_an_audio_store_no_recorded_voice_call_is_started(
    both: tuple[Services, Services], viewer: Viewer
) -> None:
    able, unable = both
    await save_clinic(able, viewer, with_speech(RECEPTION, BOOKING))
    await enable_recording(able, viewer)
    voice = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
    with pytest.raises(InvalidInput, match="RECORDINGS_URL") as refused:
        await start_call(unable, viewer, voice)
    assert refused.value.path == ("workflow",)
    async with able.store.transaction(viewer.tenant_id) as work:
        assert (await work.calls.page(Window(10))).items == ()
    assert (await start_call(able, viewer, voice)).kind is CallKind.VOIP
    text = replace(voice, kind=CallKind.TEXT)
    assert (await start_call(unable, viewer, text)).kind is CallKind.TEXT
