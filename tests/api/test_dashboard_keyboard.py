"""Every page of the dashboard by keyboard alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from tests.api.test_tenants import run_command
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import publish_clinic
from tests.support.long_logs import append_events
from tests.support.paths import ROOT
from tests.support.people import PASSWORD, new_member, owner_at

PAGES = ROOT / "dashboard" / "app"
ADA = "ada@acme.example"


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_every_page_can_be_used_by_keyboard(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    await append_events(settings, call.id, 30)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, extra_routes=routes
    ) as api:
        await new_member(owner_at(api), "OWNER", ADA)
        await run_command(settings, "operators", "add", ADA)
        seen = await asyncio.to_thread(visit, "dashboard_keyboard.mjs", api.url, ADA, PASSWORD)

    folders = {f"/{page.parent.name}/" for page in PAGES.glob("*/page.tsx")}
    assert set(seen["pages"]) == {"/", *folders}
    assert (seen["unreached"], seen["unmarked"], seen["mouseOnly"]) == ([], [], [])
    assert (seen["errors"], seen["outside"]) == ([[], []], [[], []])
