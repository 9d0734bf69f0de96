"""The workflow builder of the dashboard, as a person uses it by keyboard while another one edits as well."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import save_clinic


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_person_edits_a_workflow_that_another_one_edits_as_well(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await save_clinic(services, viewer)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, extra_routes=routes
    ) as api:
        seen = await asyncio.to_thread(visit, "dashboard_builder.mjs", api.url, key)

    assert seen["barriers"] == []
    assert seen["finding"] == (
        "The conversation could repeat these nodes without end: booking, reception."
    )
    assert seen["completed"] == "flags.booked"
    refused = "The API refuses these values. See the findings. Show the first one"
    assert seen["refused"] == [refused, "Workflow", "Workflow"]
    assert seen["removed"] == {"nodes": 1, "focus": "Canvas", "undone": 2}
    assert seen["pasted"] == ["booking", "booking_2", "reception"]
    assert seen["reloaded"] == "Connection booking → reception"
    assert seen["undone"] == ["1", "true", True]
    assert seen["conflict"] == {
        "both": ["Connection reception → booking"],
        "mine": ["Connection booking → reception"],
        "theirs": ["Description", "Node reception"],
    }
    assert seen["stored"] == {
        "description": "Answers the phone.",
        "nodes": [["reception", True], ["booking", True]],
        "connections": [
            ["reception", "booking", "asks for a date", None, 1],
            ["booking", "reception", "", "flags.booked", 2],
        ],
    }
    assert (seen["errors"], seen["outside"]) == ([], [])
