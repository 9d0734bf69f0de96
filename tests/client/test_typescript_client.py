"""The TypeScript client against a real API. The scripts in node/ assert; each test runs some of them."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.calls.events import PartialTranscript, Speaker
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from local.private_files import free_port
from resolvers.global_ids import global_id
from tests.api.test_transport_clients import api_process, node
from tests.support.api_server import Api, create_api_key, running_api
from tests.support.client_kit import SOURCE, run_node
from tests.support.demo_workflow import publish_clinic
from tests.support.log_writer import CallWriter, writing_call
from tests.support.paths import ROOT
from tests.support.people import PASSWORD, an_email, new_member, owner_at
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

MORE_THAN_A_BUFFER = 300
"""Events; the client of follow.mjs holds 100 for a slow consumer."""


async def test_requests_sessions_and_streams(
    kit: Path, api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    await publish_clinic(services, viewer)
    emails = (an_email(), an_email())
    for email in emails:
        await new_member(owner_at(api), "EDITOR", email)
    async with running_worker(settings):
        await run_node(
            kit,
            *("--test", "--test-force-exit", "tests/"),
            STUDIO_URL=api.url,
            STUDIO_KEY=api.key,
            EMAIL=emails[0],
            SECOND_EMAIL=emails[1],
            PASSWORD=PASSWORD,
            WIDGET_HOST=str(ROOT / "client" / "widget" / "src" / "host.ts"),
        )


async def test_no_event_is_lost_or_repeated_when_the_api_is_killed(
    kit: Path, services: Services, settings: Settings, viewer: Viewer
) -> None:
    port = free_port()
    key = await create_api_key(settings, viewer)
    async with writing_call(services, settings, viewer) as writer:
        await writer.write_turns(*map(str, range(MORE_THAN_A_BUFFER)))
        url, call_id = f"http://127.0.0.1:{port}", global_id("Call", writer.call_id)
        arguments = (url, key, call_id, str(MORE_THAN_A_BUFFER))
        async with node(str(kit / "tests/follow.mjs"), *arguments) as follower:
            lines = lines_of(follower)
            async with api_process(settings, port) as api:
                seen = [await anext(lines)]
                await writer.write_turns("while the API is there")
                seen.append(await anext(lines))
                api.send_signal(signal.SIGKILL)
                await api.wait()
            await writer.write_turns("while it is not")
            # This one need not be a process of its own, which takes longer to start.
            async with running_api(
                services, settings, viewer, build_schema_with_loaders, port=port
            ):
                until_shown = asyncio.create_task(publish_partials(writer))
                async for line in lines:
                    seen.append(line)
                    if line == "partial":
                        until_shown.cancel()
                        await writer.end()
        log = list(await writer.worker.queue.log_page(writer.claim.call, 0, 10_000))
    *numbers, last = [line for line in seen if line != "partial"]
    assert len(log) > MORE_THAN_A_BUFFER
    assert [int(number) for number in numbers] == [event.seq for event in log]
    live = json.loads(last)
    assert live["statuses"][-1] == "COMPLETE"
    assert (live["turns"], live["error"]) == (MORE_THAN_A_BUFFER + 2, None)
    assert "partial" in seen


async def lines_of(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    while True:
        async with asyncio.timeout(120):
            line = await process.stdout.readline()
        if not line:
            return
        yield line.decode().strip()


async def publish_partials(writer: CallWriter) -> None:
    """Partial words may be dropped, so they are published until the client has shown some."""
    for rev in itertools.count(1):
        partial = PartialTranscript(
            turn_id="next", rev=rev, speaker=Speaker.CALLER, text="some words"
        )
        writer.worker.event_writer.publish_partial(writer.claim, partial)
        await asyncio.sleep(0.1)


async def test_the_committed_files_are_those_that_the_generators_make(kit: Path) -> None:
    committed = files_of(SOURCE)
    await run_node(kit, "codegen.mjs", str(ROOT / "schema.graphql"))
    await run_node(kit, "node_modules/typescript/bin/tsc", "-p", ".")
    assert files_of(kit) == committed


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for part in ("src", "lib")
        for file in (folder / part).rglob("*")
        if file.is_file()
    }
