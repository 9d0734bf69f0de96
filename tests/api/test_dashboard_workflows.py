"""Workflows in the dashboard: the list, versions, publishing, restoring and talking to a draft."""

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
from tests.support.demo_workflow import publish_clinic
from tests.worker.test_text_calls import running_worker


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_workflow_is_created_compared_published_restored_and_tested(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await publish_clinic(services, viewer)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with (
        running_api(
            services, settings, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api,
        running_worker(settings),
    ):
        seen = await asyncio.to_thread(visit, "dashboard_workflows.mjs", api.url, key)

    assert seen["barriers"] == []
    assert seen["slug"] == "night-desk"
    assert seen["taken"] == "Another workflow is named clinic; choose another slug."
    assert seen["refused"] == (
        "This page reads JSON. Import YAML files with ./studio import, or export the bundle as JSON."
    )
    assert seen["changes"] == ["The greeting changed."]
    assert seen["conflict"].startswith("Another person edited the draft meanwhile.")
    assert seen["silent"].startswith("The microphone cannot be used.")
    assert seen["typed"] == "On Monday"
    assert seen["suite"] == ["- say: I need an appointment", "- handoff:"]
    assert (seen["errors"], seen["outside"]) == ([], [])
