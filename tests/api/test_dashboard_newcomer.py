"""The way of a newcomer through the dashboard, from the sign-in to the first conversation."""

from __future__ import annotations

import asyncio
import json
import sys
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
from tests.worker.test_text_calls import running_worker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

MAX_SECONDS = 300
"""How long a person may need by the keystroke-level model."""


async def test_a_newcomer_publishes_a_workflow_and_talks_to_it(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with (
        running_api(
            services, settings, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api,
        running_worker(settings),
    ):
        seen = await asyncio.to_thread(visit, "dashboard_newcomer.mjs", api.url)

    print(json.dumps(seen["effort"]), file=sys.stderr)
    assert seen["conversation"] == [
        ["reception", "Sunrise Clinic, hello."],
        ["Caller", "I need an appointment"],
        ["reception", "One moment."],
        ["booking", "Booking here. When suits you?"],
        ["Caller", "tomorrow at ten"],
        ["booking", "You are booked for tomorrow at ten."],
    ]
    assert seen["effort"]["seconds"] <= MAX_SECONDS
    assert (seen["errors"], seen["outside"]) == ([], [])
