"""The courier demo: its bundle is valid, its suite passes, and its tool reaches its server."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.bundles.model import verify_bundle, write_bundle
from domain.calls.events import (
    CallEnded,
    ContextChanged,
    HandedOff,
    ProviderFailedOver,
    TurnMeasured,
)
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.bundles import import_bundle
from domain.use_cases.calls import CallRequest, send_message, start_call
from local.bundle_files import read_files
from local.courier_demo import FILE, app
from local.emulators.http_server import run_server
from tests.support.paths import ROOT
from tests.worker.test_text_calls import running_worker, watch
from worker.simulation import main as simulation

DEMOS = ROOT / "local" / "demos"

pytestmark = pytest.mark.anyio


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", "worker.simulation", *arguments)
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, timeout=250)


def test_the_demo_is_valid_and_its_suite_passes(tmp_path: Path) -> None:
    assert verify_bundle(read_files([str(FILE)]).bundle) == ()
    report = tmp_path / "junit.xml"
    played = simulate(str(DEMOS), "--junit", str(report))
    assert played.returncode == 0, played.stdout + played.stderr
    assert "4 cases, 13 steps: all went as expected" in played.stdout
    assert report.read_text().count("<testcase") == 4


def test_two_runs_are_identical() -> None:
    first, second = (simulate(str(DEMOS), "--json", "--parallel", n) for n in ("1", "8"))
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["ok"] is True


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("cases: []", 2, "1 to 1000"),
        ("suite: x", 2, "cases is missing"),
        ("cases: [{name: a, steps: [{say: hi}]}]", 2, "workflow"),
        ("workflow: courier\ncases: [{name: a, steps: [{sya: hi}]}]", 2, "did you mean 'say'?"),
        ("workflow: nope\ncases: [{name: a, steps: [{say: hi}]}]", 2, "'nope'"),
        (
            "workflow: courier\ncases: [{name: a, steps: [{say: hi, expect: {end: true}}]}]",
            1,
            "did not end",
        ),
        ("a: b: c", 2, "line 1"),
    ],
)
def test_errors_in_a_suite_name_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, status: int, words: str
) -> None:
    file = tmp_path / "wrong.suite.yaml"
    file.write_text(text)
    try:
        assert simulation.main([str(file), "--bundle", str(FILE)]) == status
    finally:
        logging.disable(logging.NOTSET)  # the command turns logs off for its process
    printed = capsys.readouterr()
    assert words in printed.out + printed.err


async def test_the_demo_calls_its_server_and_hands_off_automatically(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with run_server(app) as url, AsyncExitStack() as stack:
        bundle = read_files([str(FILE)]).bundle
        assert bundle.settings is not None
        [parcels] = bundle.settings.endpoints
        here = replace(bundle.settings, endpoints=(replace(parcels, url=url),))
        given: Any = write_bundle(replace(bundle, settings=here))
        report = await import_bundle(services, viewer, given, publish=True)
        assert [version.number for version in report.versions] == [1]
        again = await import_bundle(services, viewer, given, publish=True)
        assert {note.kind for note in again.notes} == {"UNCHANGED"}
        allowed = replace(settings, outbound_allow=url.removeprefix("http://"))
        await stack.enter_async_context(running_worker(allowed))
        call = await start_call(services, viewer, CallRequest(workflow_name="courier"))
        for n, words in enumerate(("my parcel", "Asha", "2002", "yes"), start=1):
            await send_message(services, viewer, call.id, words, None)
            await watch(services, viewer, call.id, TurnMeasured, n)
        await send_message(services, viewer, call.id, "no, thank you", None)
        async with asyncio.timeout(60):
            events = await watch(services, viewer, call.id, CallEnded)
    moves = [(e.from_node, e.to_node) for e in events if isinstance(e, HandedOff)]
    assert moves == [("desk", "name"), ("name", "tracking"), ("tracking", "care")]
    written = {e.path: e.value for e in events if isinstance(e, ContextChanged)}
    assert written["workflow.days_late"] == 3
    assert written["workflow.vouchers"] == 1
    missing = [(e.provider, e.available) for e in events if isinstance(e, ProviderFailedOver)]
    assert missing == [("openai", False), ("google", False)]
