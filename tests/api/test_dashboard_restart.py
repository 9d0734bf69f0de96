"""A live call that two browsers watch in the dashboard while the API is killed and started again."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from local.private_files import free_port
from resolvers.global_ids import global_id
from tests.api.test_transport_clients import api_process, node
from tests.client.test_typescript_client import lines_of, publish_partials
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.log_writer import writing_call

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

EARLIER = [f"sentence {number}" for number in range(100)]
BEFORE, MEANWHILE, AFTERWARDS = "while the API ran", "while it did not", "when it ran again"


async def test_nothing_is_missing_or_doubled_when_the_api_is_killed(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    script_runner(tmp_path)
    key = await create_api_key(settings, viewer)
    port = free_port()
    async with writing_call(services, settings, viewer) as writer:
        await writer.write_turns(*EARLIER)
        arguments = (f"http://127.0.0.1:{port}", global_id("Call", writer.call_id))
        words = (EARLIER[-1], BEFORE, MEANWHILE, "some words", AFTERWARDS)
        async with (
            api_process(settings, port, LOCAL_TOKEN=key) as api,
            node(str(tmp_path / "dashboard_restart.mjs"), *arguments, *words) as browsers,
        ):
            lines = lines_of(browsers)
            assert await anext(lines) == EARLIER[-1]
            await writer.write_turns(BEFORE)
            assert await anext(lines) == BEFORE
            api.send_signal(signal.SIGKILL)
            await api.wait()
            await writer.write_turns(MEANWHILE)
            # This one need not be a process of its own, which takes longer to start.
            async with running_api(
                services,
                settings,
                viewer,
                build_schema_with_loaders,
                extra_routes=dashboard_routes(settings),
                port=port,
            ):
                assert await anext(lines) == MEANWHILE
                speaking = asyncio.create_task(publish_partials(writer))
                assert await anext(lines) == "some words"
                speaking.cancel()
                await writer.write_turns(AFTERWARDS)
                await writer.end()
                assert await anext(lines) == AFTERWARDS
                seen = json.loads(await anext(lines))
        log = list(await writer.worker.queue.log_page(writer.claim.call, 0, 10_000))
    shown = {
        "shown": [*EARLIER, BEFORE, MEANWHILE, AFTERWARDS],
        "all": f"All ({len(log)})",
        "errors": [],
        "outside": [],
    }
    assert seen == [shown, shown]
