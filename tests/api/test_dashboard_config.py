"""Telephony, keys of providers, secrets and settings in the dashboard, as the owner of an installation sets them up."""

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
from local.emulators.speech import run_speech_emulator
from persistence.key_probes import HttpKeyProber
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import publish_clinic


@pytest.mark.anyio
async def test_an_owner_sets_up_an_installation(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await publish_clinic(services, viewer)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with run_speech_emulator() as emulator:
        prober = HttpKeyProber(replace(settings, deepgram_base_url=emulator.url))
        async with running_api(
            replace(services, key_prober=prober),
            settings,
            viewer,
            build_schema_with_loaders,
            extra_routes=routes,
        ) as api:
            seen = await asyncio.to_thread(visit, "dashboard_config.mjs", api.url, key)

    assert {name: said for name, said in seen["refused"].items()} == {}
    assert seen["trunk"] == ["50", "+1876"]
    assert seen["reloaded"] == "Are you there, {{user.name}}?"
    assert seen["settings"] == {
        "revision": 6,
        "values": {"name": "Sunrise Clinic"},
        "defaults": {
            "llm": {"provider": "openai", "model": "gpt-4.1-mini", "options": {"temperature": 0.3}}
        },
        "budgets": {"spendPerMonth": "500"},
        "prices": [{"provider": "openai", "model": "gpt-4.1-mini", "inputTokens": "0.36"}],
        "endpoints": [
            {
                "name": "crm",
                "url": "https://api.crm.example",
                "headers": {"authorization": "Bearer {{secret.crm_token}}"},
            }
        ],
        "spokenTexts": [
            {"text": "STILL_THERE", "language": "en", "say": "Are you there, {{user.name}}?"}
        ],
    }
    assert (seen["errors"], seen["outside"], seen["barriers"]) == ([], [], [])
