"""The page of a call and the overview in a browser: long logs, sound, context, voice and figures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from domain.calls.model import Call, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.use_cases.calls import CallRequest, start_call
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.api.test_recording_links import recorded
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import publish_clinic
from tests.support.long_logs import append_events
from tests.support.recordings import with_recordings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

LONG = 4_000
CLOSED_PORT = "127.0.0.1:9"
# A conversation of three seconds, at the times of the recording.
TALK = """
    with log as (
        update call_log set head = head + 5 where call_id = $1 returning tenant_id, head - 5 as head)
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    select log.tenant_id, $1, log.head + e.n, r.started_at + make_interval(secs => e.s), e.kind,
           jsonb_build_object('kind', e.kind) || e.body::jsonb
      from log, recording r, (values
           (1, 1, 'agent_turn', '{"turn_id": "1", "node": "a", "agent": "reception", "text": "Hello.",
                                  "heard_text": "Hello."}'),
           (2, 2, 'user_turn', '{"turn_id": "2", "text": "Tuesday, please.", "message_id": null}'),
           (3, 2, 'context_changed', '{"path": "workflow.day", "value": "Tuesday", "removed": false}'),
           (4, 2, 'context_changed', '{"path": "workflow.day", "value": "Friday", "removed": false}'),
           (5, 3, 'agent_turn', '{"turn_id": "3", "node": "a", "agent": "reception",
                                  "text": "See you on Friday.", "heard_text": "See you on Friday."}')
           ) e (n, s, kind, body) where r.call_id = $1
"""

# Its agents have no voice, which a call needs to be started, but not to be joined.
MAKE_VOICE = "update call set kind = 'VOIP' where id = $1"


async def test_a_person_looks_into_calls_and_at_the_figures_of_the_day(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    settings = replace(
        with_recordings(settings, tmp_path),
        livekit_url=f"ws://{CLOSED_PORT}",
        livekit_api_key="key",
        livekit_api_secret="secret" * 8,
    )

    async def change(statement: str, call: Call) -> None:
        db = await asyncpg.connect(settings.database_url)
        await db.execute(statement, call.id)
        await db.close()

    async with api_services(settings) as services:
        await publish_clinic(services, viewer)
        key = await create_api_key(settings, viewer)
        routes = dashboard_routes(replace(settings, local_token=key))
        heard = await recorded(services, viewer, settings, partial(change, TALK))
        request = CallRequest(workflow_name="clinic")
        long = await start_call(services, viewer, request)
        await append_events(settings, long.id, LONG)
        voice = await start_call(services, viewer, request)
        await change(MAKE_VOICE, voice)
        failed = await start_call(services, viewer, request)
        async with services.store.transaction(viewer.tenant_id) as work:
            await work.calls.end_unclaimed(failed.id, EndReason.PROVIDER_FAILED)
        async with running_api(
            services, settings, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api:
            ids = [global_id("Call", call.id) for call in (heard, long, voice)]
            seen = await asyncio.to_thread(visit, "dashboard_call.mjs", api.url, *ids, CLOSED_PORT)

    assert seen["barriers"] == []
    assert seen["sound"] == {"sides": 2, "turn": "Tuesday, please.", "from": True}
    assert seen["context"] == {
        "newest": ["workflow.day", '"Friday"'],
        "start": "No value was set yet.",
        "before": ["workflow.day", '"Tuesday"'],
    }
    assert seen["event"] == {
        "ends": ["StateChanged", "CallEnded"],
        "again": "CallEnded",
        "last": "7",
    }
    turns = [turn for n in range(1, LONG + 1) for turn in [n % 3] if turn in (1, 2)]
    assert seen["long"]["size"] == len(turns)
    assert seen["long"]["drawn"] < 60
    assert seen["long"]["found"] == "1 of 1"
    assert seen["long"]["followed"] == [False, True, False]
    assert seen["long"]["options"] == LONG + 1
    assert seen["refused"] == {
        "microphone": "The microphone cannot be used. Allow it for this page in the settings of the "
        "browser, and check that one is connected.",
        "room": "The room of the call cannot be reached. Check that the call still runs, and that this "
        "browser reaches the LiveKit server.",
    }
    assert seen["overview"] == {
        "figures": {"Calls today": "4", "Failed today": "1"},
        "attention": "A provider ended one call of today. Show",
        "ends": ["Canceled1", "Provider failed1"],
        "unreachable": "The API cannot be reached",
    }
    assert (seen["errors"], seen["outside"]) == ([], [])
