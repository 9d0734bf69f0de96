"""A voice call on its page in the dashboard: a person joins it, or watches while the API is killed."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread

from domain.calls.events import AgentTurn, CallEnded, UserTurn
from domain.calls.model import CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import CallRequest, end_call, start_call
from graph.app import build_schema_with_loaders
from graph.requests.connection_registry import ConnectionTimeouts
from graph.web.dashboard import dashboard_routes
from local.livekit import LivekitCredentials
from local.private_files import free_port
from resolvers.global_ids import global_id
from tests.api.test_transport_clients import api_process, node
from tests.client.test_typescript_client import lines_of
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.voice_clients import joined_caller, voice_clinic
from tests.voice.test_talk_in_browser import PROMPT, microphone, need_a_network
from tests.voice.test_voice_calls import started
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

CONVERSATION = [
    "Sunrise Clinic, hello.",
    "I need an appointment",
    "One moment.",
    "Booking here. When suits you?",
    "tomorrow at ten",
    "You are booked for tomorrow at ten.",
    "thank you",
    "Which day suits you?",
]
# What both browsers are seen to show: before, while and after there is no API.
SHOWN = (CONVERSATION[0], CONVERSATION[3], CONVERSATION[5], CONVERSATION[7])


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


async def test_nothing_of_a_voice_call_is_missing_or_doubled_when_the_api_is_killed(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    scripts = tmp_path / "scripts"
    script_runner(scripts)
    port = free_port()
    async with voice_clinic(settings, viewer, livekit) as (services, heard, whole):
        heard.utterances = ["I need an appointment", "tomorrow at ten", "thank you"]
        key = await create_api_key(whole, viewer)
        call = await started(services, viewer)
        arguments = (f"http://127.0.0.1:{port}", global_id("Call", call.id))
        async with (
            api_process(settings, port, LOCAL_TOKEN=key) as api,
            joined_caller(services, call) as caller,
            node(str(scripts / "dashboard_restart.mjs"), *arguments, *SHOWN) as browsers,
        ):
            lines = lines_of(browsers)
            assert await anext(lines) == "Sunrise Clinic, hello."
            await caller.speak()
            assert await anext(lines) == "Booking here. When suits you?"
            # The page shows words before they are said, and the caller must not interrupt them.
            await watch(services, viewer, call.id, AgentTurn, 3)
            await caller.wait_for_silence()
            api.send_signal(signal.SIGKILL)
            await api.wait()
            await caller.speak()
            await watch(services, viewer, call.id, AgentTurn, 4)
            async with running_api(
                services,
                whole,
                viewer,
                build_schema_with_loaders,
                extra_routes=dashboard_routes(whole),
                port=port,
            ):
                assert await anext(lines) == "You are booked for tomorrow at ten."
                await caller.wait_for_silence()
                await caller.speak()
                assert await anext(lines) == "Which day suits you?"
                await watch(services, viewer, call.id, AgentTurn, 5)
                await end_call(services, viewer, call.id)
                log = await watch(services, viewer, call.id, CallEnded)
                seen = json.loads(await anext(lines))
    turns = [e.text for e in log if isinstance(e, UserTurn | AgentTurn)]
    assert turns == CONVERSATION
    shown = {"shown": CONVERSATION, "all": f"All ({len(log)})", "errors": [], "outside": []}
    assert seen == [shown, shown]
