"""A person joins a voice call from its page in the dashboard."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread

from domain.calls.model import CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from graph.requests.connection_registry import ConnectionTimeouts
from graph.web.dashboard import dashboard_routes
from local.livekit import LivekitCredentials
from resolvers.global_ids import global_id
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.voice_clients import voice_clinic
from tests.voice.test_talk_in_browser import PROMPT, microphone, need_a_network


@pytest.mark.anyio
async def test_a_person_joins_a_call_by_voice(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    need_a_network()
    visit = script_runner(tmp_path / "scripts")
    wav = microphone(tmp_path / "microphone.wav", 8.0)
    async with voice_clinic(settings, viewer, livekit, PROMPT) as (services, heard, whole):
        heard.utterances = ["I need an appointment"]
        key = await create_api_key(whole, viewer)
        routes = dashboard_routes(replace(whole, local_token=key))
        request = CallRequest(workflow_name="clinic", kind=CallKind.VOIP)
        call = await start_call(services, viewer, request)
        async with running_api(
            services, whole, viewer, build_schema_with_loaders, ConnectionTimeouts(), routes
        ) as api:
            host, id = livekit.url.split("//")[1], global_id("Call", call.id)
            see = partial(visit, "dashboard_voice.mjs", api.url, id, host, wav)
            seen = await to_thread.run_sync(see)

    assert seen["turns"][:2] == [
        ["reception", "Sunrise Clinic, hello."],
        ["Caller", "I need an appointment"],
    ]
    assert seen["muted"] == ["false", "true", "false"]
    assert seen["barriers"] == []
    assert (seen["errors"], seen["outside"]) == ([], [])
