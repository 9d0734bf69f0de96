"""A person talks to the draft of a workflow by voice in the dashboard."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread

from domain.common.access import Viewer
from domain.common.settings import Settings
from graph.app import build_schema_with_loaders
from graph.requests.connection_registry import ConnectionTimeouts
from graph.web.dashboard import dashboard_routes
from local.livekit import LivekitCredentials
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.voice_clients import voice_clinic
from tests.voice.test_talk_in_browser import PROMPT, microphone, need_a_network


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_draft_is_called_by_voice_until_its_panel_is_closed(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    need_a_network()
    visit = script_runner(tmp_path / "scripts")
    wav = microphone(tmp_path / "microphone.wav", 8.0)
    async with voice_clinic(settings, viewer, livekit, PROMPT) as (services, heard, whole):
        heard.utterances = ["I need an appointment"]
        key = await create_api_key(whole, viewer)
        routes = dashboard_routes(replace(whole, local_token=key))
        async with running_api(
            services, whole, viewer, build_schema_with_loaders, ConnectionTimeouts(), routes
        ) as api:
            host = livekit.url.split("//")[1]
            see = partial(visit, "dashboard_draft_voice.mjs", api.url, key, host, wav)
            seen = await to_thread.run_sync(see)

    assert seen["ended"] == ["HUNG_UP_BY_USER", 0]
    assert seen["barriers"] == []
    assert (seen["errors"], seen["outside"]) == ([], [])
