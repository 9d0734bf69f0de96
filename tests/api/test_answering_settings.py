"""The settings of workflows for machines that answer outbound phone calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.bundles.diff import diff, summary_line
from domain.bundles.model import Bundle, read_bundle, write_bundle
from domain.common.access import Viewer
from domain.common.errors import InvalidInput
from domain.common.findings import FindingCode, Severity
from domain.ports import Services
from domain.tenants.settings import TenantSettings
from domain.verification import verify
from domain.workflows.answering import (
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)
from domain.workflows.model import Snapshot, check_workflow
from persistence.codec import snapshot_from_json, snapshot_to_json
from tests.support.api_server import Api
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION, save_clinic

pytestmark = pytest.mark.anyio

LEAVES_MESSAGES = AnsweringSettings(
    voicemail=VoicemailAction.LEAVE_MESSAGE, message="Please call back, {{user.name}}."
)
SNAPSHOT = Snapshot(
    workflow=CLINIC, agents={"reception": RECEPTION, "booking": BOOKING}, tools={BOOK.name: BOOK}
)
FIELDS = (
    "enabled voicemail message screener introduction ivr goal askModel silenceTimeout toneTimeout "
    "screeningTimeout"
)
SET = (
    "mutation ($id: ID!, $revision: Int!, $answering: WorkflowAnsweringInput) { updateWorkflow("
    "input: {id: $id, expectedRevision: $revision, answering: $answering}) { __typename "
    f"... on UpdateWorkflowSuccess {{ workflow {{ revision answering {{ {FIELDS} }} }} }} "
    "... on Error { code message path } } }"
)
ASK = f'{{ workflow(by: {{slug: "clinic"}}) {{ id revision answering {{ {FIELDS} }} }} }}'
DEFAULTS = {
    "enabled": True,
    "voicemail": "TALK",
    "message": None,
    "screener": "TALK",
    "introduction": None,
    "ivr": "TALK",
    "goal": None,
    "askModel": True,
    "silenceTimeout": "PT2.5S",
    "toneTimeout": "PT30S",
    "screeningTimeout": "PT30S",
}


def with_answering(answering: AnsweringSettings | None) -> Snapshot:
    return replace(SNAPSHOT, workflow=replace(CLINIC, answering=answering))


def test_versions_without_the_settings_keep_their_checksums() -> None:
    plain, checksum = snapshot_to_json(SNAPSHOT)
    assert "answering" not in plain["workflow"]
    assert snapshot_from_json(plain) == SNAPSHOT
    changed = with_answering(LEAVES_MESSAGES)
    with_it, other = snapshot_to_json(changed)
    assert other != checksum
    assert snapshot_from_json(with_it) == changed


def test_the_settings_are_part_of_bundles_and_diffs() -> None:
    workflow = replace(CLINIC, answering=LEAVES_MESSAGES)
    written = write_bundle(Bundle(workflows=(workflow,)))
    assert written["workflows"][0]["answering"] == {
        "voicemail": "LEAVE_MESSAGE",
        "message": "Please call back, {{user.name}}.",
    }
    assert read_bundle(written).workflows == (workflow,)
    assert "answering" not in write_bundle(Bundle(workflows=(CLINIC,)))["workflows"][0]
    [change] = diff(SNAPSHOT, with_answering(LEAVES_MESSAGES))
    assert summary_line(change).startswith("workflow.answering: null -> {")


@pytest.mark.parametrize("text", ["", "{{workflow.slot}}", "{{user.name", "x" * 1_001])
def test_an_invalid_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_workflow(replace(CLINIC, answering=AnsweringSettings(message=text)))
    assert refused.value.path == ("answering", "message")


@pytest.mark.parametrize(
    ("answering", "code", "severity", "name"),
    [
        (
            AnsweringSettings(voicemail=VoicemailAction.LEAVE_MESSAGE),
            FindingCode.NO_ANSWERING_TEXT,
            Severity.ERROR,
            "message",
        ),
        (
            AnsweringSettings(screener=ScreenerAction.ANSWER),
            FindingCode.NO_ANSWERING_TEXT,
            Severity.ERROR,
            "introduction",
        ),
        (
            AnsweringSettings(ivr=IvrAction.NAVIGATE),
            FindingCode.NO_ANSWERING_TEXT,
            Severity.ERROR,
            "goal",
        ),
        (
            AnsweringSettings(message="Call back."),
            FindingCode.UNUSED_ANSWERING_TEXT,
            Severity.WARNING,
            "message",
        ),
        (
            replace(LEAVES_MESSAGES, message="{{tenant.settings.brand}} calls."),
            FindingCode.UNKNOWN_SETTING,
            Severity.WARNING,
            "message",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_reported(
    answering: AnsweringSettings, code: FindingCode, severity: Severity, name: str
) -> None:
    before = set(verify(SNAPSHOT, TenantSettings()))
    found = [f for f in verify(with_answering(answering), TenantSettings()) if f not in before]
    assert [(f.code, f.severity, f.path) for f in found] == [(code, severity, ("answering", name))]


def test_settings_that_fit_together_are_not_reported() -> None:
    assert verify(with_answering(LEAVES_MESSAGES)) == verify(SNAPSHOT)


async def test_the_settings_are_set_and_unset_through_the_api(
    api: Api, services: Services, viewer: Viewer
) -> None:
    await save_clinic(services, viewer)
    found = (await api.execute(ASK))["data"]["workflow"]
    assert found["answering"] == DEFAULTS
    given = {"voicemail": "LEAVE_MESSAGE", "message": "Call back.", "toneTimeout": "PT12.5S"}
    revision = found["revision"]
    cases: list[tuple[Any, dict[str, Any]]] = [(given, {**DEFAULTS, **given}), (None, DEFAULTS)]
    for answering, expected in cases:
        variables = {"id": found["id"], "revision": revision, "answering": answering}
        reported = (await api.execute(SET, variables=variables))["data"]["updateWorkflow"]
        assert reported["workflow"]["answering"] == expected
        revision = reported["workflow"]["revision"]
    bad = {"id": found["id"], "revision": revision, "answering": {"silenceTimeout": "PT0.1S"}}
    reported = (await api.execute(SET, variables=bad))["data"]["updateWorkflow"]
    assert reported["__typename"] == "ValidationError"
    assert reported["path"] == ["input", "answering", "silenceTimeout"]
    assert reported["message"] == "silenceTimeout must be between 0.5 and 10 seconds."
    after = (await api.execute(ASK))["data"]["workflow"]
    assert after == {"id": found["id"], "revision": revision, "answering": DEFAULTS}
