"""The pages of the dashboard about people, roles, the audit log and one's own account, in a browser."""

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
from tests.support.people import new_member, owner_at


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_an_owner_manages_people_and_they_manage_their_accounts(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, extra_routes=routes
    ) as api:
        await new_member(owner_at(api), "VIEWER", "grace@acme.example")
        seen = await asyncio.to_thread(visit, "dashboard_admin.mjs", api.url, "grace@acme.example")

    assert seen["barriers"] == []
    assert seen["refusedAddress"] == ["email", True]
    assert seen["refusedName"].startswith("name must start with a lower-case letter")
    assert seen["included"] is True
    assert seen["inUse"] == "The role support is given to grace@acme.example."
    assert seen["chips"] == ["About: member Ada", "Clear all"]
    assert seen["refusedRules"] == "Claim with the groups"
    assert seen["unsent"].startswith("This installation sends no e-mail.")
    assert (seen["scanned"], seen["codes"]) == (True, 10)
    assert seen["exported"][:4] == ["type", "format", "tenant_id", "previous"]
    assert seen["hidden"] == ["API keys", "Audit log"]
    assert (seen["errors"], seen["outside"]) == ([], [])
